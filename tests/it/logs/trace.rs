//! The trace that a request belongs to, on its lines and for the requests that it makes.

use super::{logged_by, of_kind, schema::Line, summaries};
use crate::support::Process;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn logged(variables: &[(&str, &str)], ask: impl FnOnce(&Process)) -> Vec<Line> {
    logged_by("telemetry", variables, ask)
}

fn headers() -> String {
    format!("traceparent: 00-{TRACE}-{SPAN}-01\r\ntracestate: a=b\r\nbaggage: user=17\r\n")
}

#[test]
fn every_line_of_a_request_has_its_trace_and_a_handler_the_headers_to_send_on() {
    let lines = logged(&[], |served| {
        let response = served.get_with("/trace", &headers());
        let expected = format!("traceparent: 00-{TRACE}-{SPAN}-01\ntracestate: a=b");
        assert_eq!(response.body, expected);
    });
    let of_request: Vec<_> = lines
        .iter()
        .filter(|line| !line.text("rid").is_empty())
        .collect();
    assert_eq!(
        of_request.len(),
        3,
        "the handler, the pool, the summary: {of_request:?}"
    );
    for line in of_request {
        assert_eq!(
            (line.text("trace_id"), line.text("span_id")),
            (TRACE, SPAN),
            "{line:?}"
        );
    }
}

#[test]
fn a_request_without_a_valid_trace_has_none_and_at_an_edge_all_are_ignored() {
    for (variables, headers) in [
        (&[][..], String::new()),
        (&[][..], format!("traceparent: 00-{TRACE}-{SPAN}\r\n")),
        (&[("DOCKERFLOW_TRACE_CONTEXT", "false")][..], headers()),
    ] {
        let lines = logged(variables, |served| {
            assert_eq!(served.get_with("/trace", &headers).body, "");
        });
        assert!(
            lines
                .iter()
                .all(|line| !line.fields.contains_key("trace_id")),
            "{lines:?}"
        );
    }
}

#[test]
fn googles_lines_link_to_the_trace_and_show_the_request_and_the_source() {
    let variables = [
        ("LOG_FORMAT", "gcp"),
        ("GOOGLE_CLOUD_PROJECT", "shop-prod"),
        ("DOCKERFLOW_SUMMARY_LOG_REMOTE", "true"),
    ];
    let lines = logged(&variables, |served| {
        let headers = format!(
            "x-cloud-trace-context: {TRACE}/67667974448284343;o=1\r\nUser-Agent: Test/1\r\n"
        );
        assert_eq!(served.get_with("/trace?secret=1", &headers).status, 200);
    });
    let text = |line: &Line, key: &str| {
        let value = line.others.get(key).and_then(serde_json::Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let error = lines
        .iter()
        .find(|line| line.text("msg") == "in the handler");
    let error = error.expect("it was logged");
    let summary = summaries(&lines)[0];
    for line in [error, summary] {
        let trace = format!("projects/shop-prod/traces/{TRACE}");
        assert_eq!(
            text(line, "logging.googleapis.com/trace"),
            trace,
            "{line:?}"
        );
        assert_eq!(text(line, "logging.googleapis.com/spanId"), SPAN);
    }
    let source = &error.others["logging.googleapis.com/sourceLocation"];
    assert_eq!(source["file"], "tests/programs/telemetry.rs");
    assert!(
        source["line"]
            .as_str()
            .is_some_and(|line| line.parse::<u32>().is_ok())
    );
    let request = &summary.others["httpRequest"];
    assert_eq!(request["requestMethod"], "GET");
    assert_eq!(request["requestUrl"], "/trace", "without its query");
    assert_eq!(request["status"], 200);
    assert_eq!(request["userAgent"], "Test/1");
    assert_eq!(request["remoteIp"], "127.0.0.1");
    assert!(
        request["latency"]
            .as_str()
            .is_some_and(|time| time.ends_with('s'))
    );
    assert!(of_kind(&lines, "request.summary").len() == 1);
}
