//! A second address: the port for operations, another app.

use serde_json::Value;

use super::{assert_refused, command, ends, start};
use crate::support::{free_port, get, listen, run, text, until};

#[test]
fn the_port_for_operations_answers_our_endpoints_and_nothing_else() {
    let port = free_port().to_string();
    let serving = start("", &[("DOCKERFLOW_OPS_PORT", &port), ("WORKERS", "2")]);
    let ops = ([127, 0, 0, 1], port.parse().expect("a port")).into();
    for path in ["/__version__", "/__lbheartbeat__", "/__heartbeat__"] {
        assert_eq!(get(ops, path).expect("it listens").status, 200, "{path}");
        assert_eq!(serving.get(path).status, 200, "{path}");
    }
    for path in ["/", "/upstream", "/nowhere", "/__nothing__", "//", "/%2f"] {
        assert_eq!(get(ops, path).expect("it listens").status, 404, "{path}");
    }
    assert_eq!(serving.get("/").body, "the app");
    // Checks have the state of the app, on every worker of either port.
    for _ in 0..8 {
        assert_eq!(
            get(ops, "/__heartbeat__").expect("it listens").json()["status"],
            "ok"
        );
    }
    // The plain port is what a HEALTHCHECK asks of a service that speaks TLS on the other.
    let mut probe = command("", &[("PORT", "1"), ("DOCKERFLOW_OPS_PORT", &port)]);
    probe.arg("healthcheck");
    assert_eq!(run(probe).status.code(), Some(0));
    let record: Value = serde_json::from_str(&serving.line("listening on http")).expect("JSON");
    assert!(
        record
            .to_string()
            .contains(&format!("http://127.0.0.1:{port} (DOCKERFLOW_OPS)"))
    );
    assert_eq!(record["Fields"]["workers"].as_u64(), Some(2));
    serving.signal("TERM");
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn another_app_has_its_own_address_and_checks_and_drains_with_the_first() {
    let port = free_port().to_string();
    let serving = start(
        "also",
        &[
            ("INTERNAL_PORT", &port),
            ("INTERNAL_HOST", "127.0.0.1"),
            ("DOCKERFLOW_DRAIN_DELAY", "1s"),
        ],
    );
    let internal = ([127, 0, 0, 1], port.parse().expect("a port")).into();
    assert_eq!(
        get(internal, "/").expect("it listens").body,
        "the internal app"
    );
    assert_eq!(serving.get("/").body, "the app");
    let checks = |answer: crate::support::Response| answer.json()["checks"].clone();
    assert_eq!(
        checks(get(internal, "/__heartbeat__").expect("it listens")),
        serde_json::json!({})
    );
    assert_eq!(
        checks(serving.get("/__heartbeat__")),
        serde_json::json!({"shared_state": "ok"})
    );
    let line = serving.line("listening on http");
    assert!(
        line.contains(&format!("http://127.0.0.1:{port} (INTERNAL)")),
        "{line}"
    );
    serving.signal("TERM");
    until("both drain", || {
        let first = serving.get("/__heartbeat__").status;
        let second = get(internal, "/__heartbeat__")
            .expect("it still listens")
            .status;
        (first, second) == (503, 503)
    });
    let (status, lines) = serving.end();
    assert_eq!(status.code(), Some(0));
    for part in ["draining for", "\"stopped\""] {
        assert_eq!(
            lines.iter().filter(|line| line.contains(part)).count(),
            1,
            "{lines:?}"
        );
    }
}

#[test]
fn the_address_of_another_app_must_be_set_and_its_name_be_free() {
    let output = ends("also", &[]);
    assert_refused(
        &output,
        &["INTERNAL_PORT: expected the port of another app"],
    );
    let output = ends("also", &[("INTERNAL_PORT", "http")]);
    assert_refused(
        &output,
        &["INTERNAL_PORT is \"http\", expected a port from 0 to 65535"],
    );
    let output = ends("also", &[("INTERNAL_PORT", "tcp://10.0.0.5:80")]);
    assert_refused(
        &output,
        &["INTERNAL_PORT: expected the port of another app"],
    );
    for name in ["STATSD", "DOCKERFLOW_OPS", "internal", ""] {
        let output = ends("also", &[("ALSO", name), ("INTERNAL_PORT", "0")]);
        assert_refused(&output, &[&format!("Server::also is {name:?}")]);
    }
}

#[test]
fn two_addresses_that_are_the_same_are_refused_before_anything_listens() {
    let port = free_port().to_string();
    let output = ends("", &[("PORT", &port), ("DOCKERFLOW_OPS_PORT", &port)]);
    let refusal =
        format!("DOCKERFLOW_OPS_PORT is \"{port}\", expected another one than that of PORT");
    assert_refused(&output, &[&refusal]);
    let output = ends("also", &[("PORT", &port), ("INTERNAL_PORT", &port)]);
    let refusal = format!("INTERNAL_PORT is \"{port}\", expected another one than that of PORT");
    assert_refused(&output, &[&refusal]);
    let output = ends(
        "also",
        &[("DOCKERFLOW_OPS_PORT", &port), ("INTERNAL_PORT", &port)],
    );
    assert_refused(
        &output,
        &["expected another one than that of DOCKERFLOW_OPS_PORT"],
    );
    // What another process has is said otherwise.
    let (_listener, taken) = listen();
    let taken = taken.to_string();
    let output = ends("", &[("DOCKERFLOW_OPS_PORT", &taken)]);
    assert_eq!(
        text(&output.stderr),
        format!(
            "DOCKERFLOW_OPS_PORT: port {taken} at 127.0.0.1 is already in use by another process; choose another port\n"
        )
    );
    assert_eq!(output.status.code(), Some(1));
    let output = ends(
        "",
        &[
            ("DOCKERFLOW_OPS_HOST", "unix:/tmp/ops.sock"),
            ("DOCKERFLOW_OPS_PORT", "1"),
        ],
    );
    assert_refused(
        &output,
        &["DOCKERFLOW_OPS_HOST is \"unix:/tmp/ops.sock\", expected an IP address"],
    );
}

#[test]
fn what_is_for_operations_alone_is_on_no_other_port_and_then_nobody_is_warned() {
    let [ops, internal] = [free_port(), free_port()].map(|port| port.to_string());
    let variables = [
        ("DOCKERFLOW_ERROR_ENDPOINT", "true"),
        ("INTERNAL_PORT", &internal),
        ("INTERNAL_HOST", "127.0.0.1"),
    ];
    let address = |port: &str| ([127, 0, 0, 1], port.parse().expect("a port")).into();
    let serving = start("also", &variables);
    assert_eq!(
        get(address(&internal), "/__error__")
            .expect("it listens")
            .status,
        500
    );
    serving.line("whoever reaches /__error__");
    drop(serving);
    let serving = start(
        "also",
        &[&variables[..], &[("DOCKERFLOW_OPS_PORT", &ops)]].concat(),
    );
    assert_eq!(
        get(address(&ops), "/__error__").expect("it listens").status,
        500
    );
    assert_eq!(
        get(address(&internal), "/__error__")
            .expect("it listens")
            .status,
        404
    );
    assert_eq!(serving.get("/__error__").status, 404);
    serving.signal("TERM");
    let (_, lines) = serving.end();
    assert!(
        !lines.iter().any(|line| line.contains("whoever reaches")),
        "{lines:?}"
    );
}

#[test]
fn a_server_of_the_programs_own_warns_that_it_has_no_port_for_operations() {
    let serving = start("own HttpServer", &[("DOCKERFLOW_OPS_PORT", "9")]);
    let line = serving.line("DOCKERFLOW_OPS_PORT is ignored");
    assert!(
        line.contains("only Server::run and Server::serve listen on it"),
        "{line}"
    );
    assert_eq!(serving.get("/").status, 200);
}
