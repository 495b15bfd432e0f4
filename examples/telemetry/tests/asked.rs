//! The examples, each started and asked.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    sync::mpsc,
    thread,
};

use serde_json::Value;
use support::Process;

fn start(program: &str, variables: &[(&str, &str)]) -> Process {
    let mut command = Command::new(program);
    command.env_clear();
    command.envs([("PORT", "0"), ("DOCKERFLOW_DRAIN_DELAY", "0")]);
    command.envs(variables.iter().copied());
    Process::start(command)
}

/// A server that takes what is posted to it, and hands on each body.
fn sentry() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let send = send.clone();
            thread::spawn(move || {
                let mut all = Vec::new();
                let mut buffer = vec![0; 65_536];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    all.extend_from_slice(&buffer[..count]);
                    let text = String::from_utf8_lossy(&all).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else {
                        continue;
                    };
                    let head = head.to_ascii_lowercase();
                    let length = head.split("content-length: ").nth(1);
                    let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
                    let whole = match length {
                        Some(length) => body.len() >= length,
                        None => body.ends_with("0\r\n\r\n"),
                    };
                    if whole {
                        let _ = send.send(body.to_owned());
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
                        all.clear();
                    }
                }
            });
        }
    });
    (format!("http://key@{address}/1"), receive)
}

#[test]
fn sentry_hears_of_a_failed_request_with_its_tags() {
    let (dsn, reports) = sentry();
    let service = start(
        env!("CARGO_BIN_EXE_sentry"),
        &[("SENTRY_DSN", &dsn), ("SENTRY_ENVIRONMENT", "staging")],
    );
    let response = service.get_with("/orders/17", "x-request-id: abc-1\r\n");
    assert_eq!(response.status, 500);
    let report = reports.recv_timeout(support::PATIENCE).expect("a report");
    for part in [
        "the shelf is empty",
        r#""order":"17""#,
        r#""rid":"abc-1""#,
        r#""route":"/orders/{id}""#,
        r#""environment":"staging""#,
    ] {
        assert!(report.contains(part), "no {part} in {report}");
    }
    assert_eq!(service.get("/__error__").status, 500);
    let report = reports.recv_timeout(support::PATIENCE).expect("a report");
    assert!(report.contains("/__error__"), "{report}");
}

#[test]
fn opentelemetry_has_the_spans_and_lines_have_their_ids() {
    let mut service = start(env!("CARGO_BIN_EXE_opentelemetry"), &[]);
    assert_eq!(service.get("/orders/17").body, "order 17\n");
    service.signal("TERM");
    let status = service.wait();
    let (_, lines) = service.end();
    assert!(status.success());
    let sold = lines.iter().find(|line| line.contains("\"msg\":\"sold\""));
    let sold: Value = serde_json::from_str(sold.expect("it was logged")).expect("JSON");
    let trace = sold["Fields"]["trace_id"].as_str().expect("an id");
    assert_eq!(trace.len(), 32);
    let exported = lines
        .iter()
        .any(|line| line.contains(trace) && !line.starts_with('{'));
    assert!(exported, "the span of {trace} is not in {lines:#?}");
}
