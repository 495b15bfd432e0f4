//! The summary of a request: its fields, and when it is written.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    time::Duration,
};

use super::{
    logged, of_kind,
    schema::{Line, validate},
    serve, summaries,
};
use crate::support::Process;

#[test]
fn a_summary_has_the_standards_fields_and_the_response_the_id() {
    let lines = logged(&[], |served| {
        let headers = "User-Agent: Test/1\r\nAccept-Language: fr\r\nX-Request-ID: abc\r\n";
        let response = served.get_with("/?secret=1", headers);
        assert_eq!(response.status, 200);
        assert_eq!(response.header("x-request-id"), Some("abc"), "{response:?}");
        assert_eq!(served.get("/nowhere").status, 404);
    });
    let [found, missing] = summaries(&lines)[..] else {
        panic!("two summaries")
    };
    assert_eq!(found.severity, 6);
    let names = |line: &Line| line.fields.keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(found), "agent code errno lang method path rid t");
    assert_eq!(
        [found.text("agent"), found.text("lang"), found.text("rid")],
        ["Test/1", "fr", "abc"]
    );
    assert_eq!([found.text("method"), found.text("path")], ["GET", "/"]);
    assert_eq!(
        [found.number("code"), found.number("errno")],
        [Some(200), Some(0)]
    );
    assert!(found.number("t").is_some_and(|t| t < 10_000));
    assert_eq!(names(missing), "code errno method path rid t");
    assert_eq!(
        [missing.number("code"), missing.number("errno")],
        [Some(404), Some(404)]
    );
    assert_eq!(missing.text("rid").len(), 36, "a UUID");
}

#[test]
fn an_app_adds_a_uid_and_fields_and_the_last_of_a_name_counts() {
    let lines = logged(&[], |served| assert_eq!(served.get("/fields").status, 200));
    let [line] = summaries(&lines)[..] else {
        panic!("one summary")
    };
    assert_eq!(line.text("uid"), "4711");
    assert_eq!(line.number("items"), Some(4));
    assert_eq!(
        line.number("errno"),
        Some(17),
        "an app's field replaces ours"
    );
    assert_eq!(line.text("nested"), r#"{"a":[1,null]}"#);
    assert!(!line.fields.contains_key("nothing"));
}

/// actix/actix-web#1501: a panic in a handler closed the connection without an answer.
#[test]
fn a_handlers_panic_is_a_500_two_error_lines_with_its_id_and_no_lost_connection() {
    let lines = logged(&[], |served| {
        let mut stream = served.connect();
        let response = stream
            .get_with("/panic", "X-Request-ID: abc\r\n")
            .expect("it answers");
        assert_eq!(response.status, 500);
        assert_eq!(
            response.header("content-type"),
            Some("application/json"),
            "{response:?}"
        );
        assert_eq!(response.header("x-request-id"), Some("abc"), "{response:?}");
        assert!(
            !format!("{response:?}").contains("luck"),
            "what a panic says is for the log: {response:?}"
        );
        assert!(response.json().is_object());
        assert_eq!(
            stream.get("/").expect("it answers").status,
            200,
            "the connection lives"
        );
    });
    let [panic] = of_kind(&lines, "panic")[..] else {
        panic!("one panic")
    };
    assert_eq!([panic.severity, 3], [3, panic.severity]);
    assert_eq!(panic.text("msg"), "out of \"luck\"\nand more");
    assert_eq!(panic.text("rid"), "abc");
    assert!(
        panic
            .text("location")
            .starts_with("tests/programs/logs.rs:"),
        "{panic:?}"
    );
    let summary = summaries(&lines)[0];
    assert_eq!(
        (
            summary.severity,
            summary.text("rid"),
            summary.number("code")
        ),
        (3, "abc", Some(500))
    );
    assert_eq!(summary.number("errno"), Some(500));
    assert_eq!(summary.text("msg"), "panicked: out of \"luck\"\nand more");
}

#[test]
fn an_error_of_a_handler_or_a_middleware_is_in_the_summary() {
    let lines = logged(&[], |served| {
        assert_eq!(served.get("/fails").status, 502);
        let response = served.get_with("/inner/refused", "X-Request-ID: abc\r\n");
        assert_eq!(response.status, 403);
        assert_eq!(response.header("x-request-id"), Some("abc"), "{response:?}");
    });
    let [failed, refused] = summaries(&lines)[..] else {
        panic!("two summaries")
    };
    assert_eq!((failed.severity, failed.number("errno")), (3, Some(502)));
    assert_eq!(failed.text("msg"), "the upstream\nis \"gone\"");
    assert_eq!((refused.severity, refused.number("errno")), (6, Some(403)));
    assert_eq!(
        (refused.text("msg"), refused.text("rid")),
        ("not here", "abc")
    );
    let refusing = lines.iter().find(|line| line.text("msg") == "refusing");
    assert_eq!(refusing.expect("it was logged").text("rid"), "abc");
}

#[test]
fn a_client_that_resets_its_connection_leaves_a_summary() {
    let mut served = serve(&[], Stdio::piped());
    let mut stdout = BufReader::new(served.stdout());
    let mut until = |wanted: &dyn Fn(&Line) -> bool| loop {
        let mut line = Vec::new();
        stdout.read_until(b'\n', &mut line).expect("a line");
        let line = validate(line.trim_ascii_end()).expect("it is valid");
        if wanted(&line) {
            return line;
        }
    };
    let mut stream = served.connect();
    stream
        .ask_with("/slow", "X-Request-ID: abc\r\n")
        .expect("it reads");
    until(&|line| line.text("msg") == "slow begins");
    let stream = stream.into_stream();
    socket2::SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("it is TCP");
    drop(stream);
    let given_up = until(&|line| line.text("msg") == "given up");
    assert_eq!(given_up.text("rid"), "abc");
    let summary = until(&|line| line.kind == "request.summary");
    assert_eq!((summary.severity, summary.number("code")), (6, Some(499)));
    assert_eq!(
        (summary.text("rid"), summary.text("path")),
        ("abc", "/slow")
    );
    assert!(summary.text("msg").contains("the client went away"));
}

#[test]
fn a_body_that_comes_in_parts_is_logged_with_the_requests_id() {
    let lines = logged(&[], |served| {
        let response = served.get_with("/stream", "X-Request-ID: abc\r\n");
        assert_eq!(response.status, 200);
        assert_eq!(response.body.matches("part ").count(), 3);
    });
    let parts: Vec<_> = lines
        .iter()
        .filter(|line| line.text("msg") == "part")
        .collect();
    assert_eq!(parts.len(), 4);
    assert!(
        parts.iter().all(|line| line.text("rid") == "abc"),
        "{parts:?}"
    );
}

#[test]
fn probes_that_find_all_well_are_left_out_unless_they_are_asked_for() {
    let ask = |served: &Process| {
        for path in ["/__lbheartbeat__", "/__heartbeat__", "/__version__"] {
            assert_eq!(served.get(path).status, 200);
        }
        assert_eq!(
            served
                .get_with("/__error__", "X-Request-ID: abc\r\n")
                .status,
            500
        );
    };
    let lines = logged(&[("DOCKERFLOW_ERROR_ENDPOINT", "1")], ask);
    let [line] = summaries(&lines)[..] else {
        panic!("only the failure")
    };
    assert_eq!((line.text("path"), line.severity), ("/__error__", 3));
    let errors: Vec<_> = lines.iter().filter(|line| line.severity == 3).collect();
    assert_eq!(errors.len(), 1, "an error is one record: {errors:?}");
    assert!(
        errors.iter().all(|line| line.text("rid") == "abc"),
        "{errors:?}"
    );
    let variables = [
        ("DOCKERFLOW_ERROR_ENDPOINT", "1"),
        ("DOCKERFLOW_SUMMARY_LOG_PROBES", "1"),
    ];
    assert_eq!(summaries(&logged(&variables, ask)).len(), 4);
}

#[test]
fn the_query_is_logged_where_it_is_asked_for_and_the_id_is_taken_from_the_header_that_is_named() {
    let variables = [
        ("DOCKERFLOW_SUMMARY_LOG_QUERYSTRING", "true"),
        ("DOCKERFLOW_REQUEST_ID_HEADER_NAME", "X-Cloud-Trace-Context"),
    ];
    let lines = logged(&variables, |served| {
        let id = "105445aa7843bc8bf206b12000100000/1;o=1";
        let headers = format!("X-Cloud-Trace-Context: {id}\r\nX-Request-ID: no\r\n");
        let response = served.get_with("/?a=b&c", &headers);
        assert_eq!(
            response.header("x-cloud-trace-context"),
            Some(id),
            "{response:?}"
        );
    });
    let [line] = summaries(&lines)[..] else {
        panic!("one summary")
    };
    assert_eq!(
        (line.text("path"), line.text("querystring")),
        ("/", "a=b&c")
    );
    assert_eq!(line.text("rid"), "105445aa7843bc8bf206b12000100000/1;o=1");
}
