//! The examples that a reader runs, each started and asked as its first lines say.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use serde_json::{Value, json};

use crate::support::{PATIENCE, Process, command_of, exchange, free_port, get, run, text, until};

/// Starts an example on free ports.
fn start(name: &'static str, variables: &[(&str, &str)]) -> Process {
    let mut command = command_of(name);
    command.envs([("PORT", "0"), ("DOCKERFLOW_DRAIN_DELAY", "100ms")]);
    command.envs(variables.iter().copied());
    Process::start(command)
}

fn post(process: &Process, path: &str) -> u16 {
    let answer = exchange(process.address(), "POST", path, "", "");
    answer.expect("it answers").status
}

/// The examples, but for those that a test of another file starts, or that run tests of their own.
const STARTED: [&str; 9] = [
    "checks",
    "health_only",
    "logs_only",
    "minimal",
    "own_http_server",
    "own_main",
    "prometheus",
    "two_ports",
    "websocket_drain",
];

#[test]
fn each_example_is_started_here_and_listed_where_readers_look() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).expect(path);
    let (list, readme) = (read("examples/README.md"), read("README.md"));
    let folder = fs::read_dir(root.join("examples")).expect("a folder");
    for entry in folder.map(|entry| entry.expect("an entry").file_name()) {
        let name = entry.to_string_lossy();
        let Some(name) = name.strip_suffix(".rs") else {
            continue;
        };
        assert!(
            STARTED.contains(&name) || ["live", "testing"].contains(&name),
            "no test starts {name}"
        );
        assert!(list.contains(&format!("`{name}`")), "the list lacks {name}");
        assert!(
            readme.contains(&format!("`{name}`")),
            "the README lacks {name}"
        );
    }
}

#[test]
fn minimal_has_the_endpoints_beside_its_own() {
    let mut minimal = start("minimal", &[]);
    assert_eq!(minimal.get("/").body, "hello");
    assert!(minimal.get("/__version__").json()["version"].is_string());
    assert_eq!(minimal.get("/__heartbeat__").status, 200);
    assert_eq!(minimal.get("/__lbheartbeat__").status, 200);
    let summary: Value = serde_json::from_str(&minimal.line("request.summary")).expect("JSON");
    assert_eq!(summary["Fields"]["path"], "/");
    assert!(minimal.stop().success());
}

#[test]
fn checks_warn_and_then_fail_as_the_queue_grows() {
    let checks = start("checks", &[("DOCKERFLOW_HEARTBEAT_TTL", "1ms")]);
    let report = || checks.get("/__heartbeat__");
    let all = |queue, workers| json!({"queue": queue, "temporary files": "ok", "workers": workers});
    assert_eq!(report().json()["checks"], all("ok", "ok"));
    for _ in 0..3 {
        assert_eq!(post(&checks, "/jobs"), 200);
    }
    let full = |status, queue, workers| {
        until("a fresh report", || {
            let report = report();
            report.status == status && report.json()["checks"] == all(queue, workers)
        });
    };
    full(200, "warning", "ok");
    for _ in 0..2 {
        assert_eq!(post(&checks, "/jobs"), 200);
    }
    full(503, "warning", "error");
}

#[test]
fn own_http_server_keeps_its_hook_and_has_the_drain() {
    let mut server = start("own_http_server", &[]);
    assert_eq!(server.get("/__lbheartbeat__").status, 200);
    let index = server.get("/").body;
    assert!(index.starts_with("connection "), "{index}");
    assert_ne!(index, "connection 0\n");
    assert!(server.stop().success());
}

#[test]
fn own_main_has_endpoints_and_summaries() {
    let server = start("own_main", &[]);
    assert_eq!(server.get("/").body, "hello");
    assert_eq!(server.get("/__heartbeat__").json()["status"], "ok");
    let summary: Value = serde_json::from_str(&server.line("request.summary")).expect("JSON");
    assert_eq!(summary["Logger"], "shop");
}

#[test]
fn logs_only_writes_a_line_for_each_interface_and_ends() {
    let output = run(command_of("logs_only"));
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let fields: Vec<_> = lines.iter().map(|line| &line["Fields"]).collect();
    let expected = [
        json!({"msg": "started", "waiting": 2}),
        json!({"msg": "sent", "attempt": 1, "mail": 17}),
        json!({"msg": "done", "sent": 1, "queue": "slow"}),
    ];
    assert_eq!(fields, expected.iter().collect::<Vec<_>>());
    assert_eq!(lines[2]["Type"], "mailer.done");
}

#[test]
fn health_only_answers_under_the_path_of_the_app_and_logs_nothing() {
    let mut server = start("health_only", &[]);
    let health = server.get("/health");
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["checks"], json!({"temporary_files": "ok"}));
    assert!(server.stop().success());
    let (_, lines) = server.end();
    assert_eq!(lines, [""; 0], "the program has no logger");
}

#[test]
fn two_ports_serve_two_apps_that_share_their_state() {
    let port = free_port().to_string();
    let mut server = start("two_ports", &[("INTERNAL_PORT", &port)]);
    let inside = ([127, 0, 0, 1], port.parse().expect("a number")).into();
    assert_eq!(server.get("/").body, "open");
    let changed = exchange(inside, "POST", "/notice", "", "closed").expect("it answers");
    assert_eq!(changed.body, "changed\n");
    assert_eq!(server.get("/").body, "closed");
    assert_eq!(
        post(&server, "/notice"),
        404,
        "the public port has no such path"
    );
    assert!(server.stop().success());
}

#[test]
fn websocket_drain_echoes_and_closes_with_the_code_for_a_restart() {
    let mut server = start("websocket_drain", &[]);
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
        .write_all(
            b"GET /echo HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .expect("it listens");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    assert!(text(&head).starts_with("HTTP/1.1 101"), "{}", text(&head));
    stream
        .write_all(b"\x81\x82\0\0\0\0hi") // masked with zeros
        .expect("it listens");
    let mut frame = [0; 4];
    stream.read_exact(&mut frame).expect("the echo");
    assert_eq!(&frame, b"\x81\x02hi");
    server.signal("TERM");
    stream.read_exact(&mut frame).expect("the close frame");
    assert_eq!(frame, [0x88, 2, 0x03, 0xf4], "1012: the service restarts");
    stream
        .write_all(b"\x88\x82\0\0\0\0\x03\xf4")
        .expect("it waits for the answer");
    drop(stream);
    assert!(server.wait().success());
}

#[test]
fn prometheus_has_the_metrics_on_the_second_port_alone() {
    let port = free_port().to_string();
    let server = start("prometheus", &[("DOCKERFLOW_OPS_PORT", &port)]);
    assert_eq!(post(&server, "/orders"), 201);
    let ops = ([127, 0, 0, 1], port.parse().expect("a number")).into();
    let metrics = get(ops, "/__metrics__").expect("it answers").body;
    for line in [
        "shop_orders_total{kind=\"book\"} 1",
        "shop_db_query_seconds_count 1",
        "shop_request_seconds_count{",
    ] {
        assert!(metrics.contains(line), "no {line} in {metrics}");
    }
    assert_eq!(server.get("/__metrics__").status, 404);
}
