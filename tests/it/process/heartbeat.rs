//! The heartbeat of a whole process: what its port for operations shows and the public one does not, and checks that a drain outruns.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use crate::support::{Process, Response, command_of, exchange, free_port, get};

const BROWSER: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

/// A degraded service, and its port for operations.
fn degraded() -> (Process, SocketAddr) {
    let port = free_port();
    let mut command = command_of("page");
    command.envs([("STATE", "degraded"), ("PORT", "0"), ("HOST", "127.0.0.1")]);
    command.envs([
        ("DOCKERFLOW_HEARTBEAT_DETAILS", "true"),
        ("DOCKERFLOW_HEARTBEAT_TTL", "0"),
    ]);
    command.env("DOCKERFLOW_OPS_PORT", port.to_string());
    (Process::start(command), ([127, 0, 0, 1], port).into())
}

fn ask(address: SocketAddr, query: &str, headers: &str) -> Response {
    let path = format!("/__heartbeat__{query}");
    exchange(address, "GET", &path, headers, "").expect("it listens")
}

/// What only operations may see, as the page and the JSON have it.
const FOR_OPERATIONS: &[&str] = &[
    "4,711 jobs",
    "queue.long",
    "connections",
    "Uptime",
    "Address",
    "Last change",
    "runs:",
    "duration_ms",
];

#[test]
fn the_page_and_the_details_are_on_the_port_for_operations_alone() {
    let (served, ops) = degraded();
    let public = served.address();
    // The tenth run of the check is the first that warns: see `tests/programs/page.rs`.
    let (mut page, mut json) = (ask(ops, "", BROWSER), ask(ops, "", ""));
    while json.json()["status"] != "warning" || !page.body.contains("4,711 jobs") {
        (page, json) = (ask(ops, "", BROWSER), ask(ops, "", ""));
    }
    assert!(page.body.starts_with("<!DOCTYPE html>"), "{page:?}");
    for shown in [
        "4,711 jobs",
        "queue.long",
        "connections = 17",
        "Uptime",
        "Address",
        "Last change",
        "runs:",
    ] {
        assert!(
            page.body.contains(shown),
            "{shown} is missing in {}",
            page.body
        );
    }
    assert!(
        page.body.contains(&ops.to_string()),
        "its own address: {}",
        page.body
    );
    assert_eq!(
        json.json()["details"]["queue"]["messages"]["queue.long"],
        "4,711 jobs are waiting, expected at most 1,000"
    );
    assert_eq!(
        json.json()["details"]["database"]["data"]["connections"],
        17
    );

    for query in [
        "",
        "?check=queue",
        "?check=queue&check=database",
        "?refresh=5",
        "?check=queue&refresh=5",
    ] {
        for headers in ["", BROWSER, "Accept: text/html\r\nX-Forwarded-Port: 9\r\n"] {
            let answer = ask(public, query, headers);
            assert_eq!(
                answer.header("content-type"),
                Some("application/json"),
                "{query} {answer:?}"
            );
            assert_eq!(
                answer.json()["details"],
                serde_json::json!({}),
                "{query} {answer:?}"
            );
            for hidden in FOR_OPERATIONS {
                assert!(
                    !answer.body.contains(hidden),
                    "{query}: {hidden} is in {answer:?}"
                );
            }
        }
    }
}

#[test]
fn a_query_chooses_checks_and_refreshes_the_page_on_the_port_for_operations() {
    let (_served, ops) = degraded();
    let one = ask(ops, "?check=database", "");
    assert_eq!(one.json()["checks"], serde_json::json!({"database": "ok"}));
    assert_eq!(one.json()["details"]["database"]["data"]["connections"], 17);
    let two = ask(ops, "?check=database&check=cache&check=database", "");
    assert_eq!(
        two.json()["checks"],
        serde_json::json!({"cache": "ok", "database": "ok"})
    );
    let page = ask(ops, "?check=database&refresh=30", BROWSER).body;
    assert!(
        page.contains("<meta http-equiv=\"refresh\" content=\"30\">"),
        "{page}"
    );
    assert!(
        page.contains("connections = 17") && !page.contains(">queue<"),
        "{page}"
    );
    let unknown = ask(ops, "?check=nothing", BROWSER);
    assert_eq!((unknown.status, unknown.body.as_str()), (404, ""));
}

#[test]
fn without_details_the_port_for_operations_has_a_page_without_them() {
    let port = free_port();
    let mut command = command_of("page");
    command.envs([("STATE", "well"), ("PORT", "0"), ("HOST", "127.0.0.1")]);
    command.env("DOCKERFLOW_OPS_PORT", port.to_string());
    let _served = Process::start(command);
    let page = ask(([127, 0, 0, 1], port).into(), "", BROWSER).body;
    assert!(
        page.contains("Healthy") && page.contains("All 3 checks are well."),
        "{page}"
    );
    for hidden in FOR_OPERATIONS {
        assert!(!page.contains(hidden), "{hidden}");
    }
}

#[test]
fn a_check_that_ends_after_the_signal_holds_up_neither_its_probe_nor_the_end() {
    let mut command = command_of("page");
    command.envs([
        ("STATE", "slow"),
        ("PORT", "0"),
        ("HOST", "127.0.0.1"),
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
    ]);
    let served = Process::start(command);
    let address = served.address();
    let probe = thread::spawn(move || get(address, "/__heartbeat__").expect("it is answered"));
    thread::sleep(Duration::from_millis(200)); // the check is running
    let began = Instant::now();
    served.signal("TERM");
    let answer = probe.join().expect("no panic");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(
        answer.json()["checks"],
        serde_json::json!({"draining": "error"})
    );
    let (status, lines) = served.end();
    assert_eq!(status.code(), Some(0), "{lines:?}");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}
