//! What is logged about code that fails while its request is finished, and the error that `/__error__` raises.

use std::{process::Stdio, time::Duration};

use super::{command_for, lines, logged_by, of_kind, schema::Line, summaries};
use crate::support::{Process, Response, until};

const ID: &str = "X-Request-ID: abc\r\n";

fn logged(variables: &[(&str, &str)], ask: impl FnOnce(&Process)) -> Vec<Line> {
    logged_by("telemetry", variables, ask)
}

fn saying<'a>(lines: &'a [Line], text: &str) -> Vec<&'a Line> {
    lines
        .iter()
        .filter(|line| line.text("msg") == text)
        .collect()
}

/// The lines at WARNING and above, except that a build without `.git`, as in a container, has no commit.
fn alerts(lines: &[Line]) -> Vec<&Line> {
    let lines = lines.iter().filter(|line| line.severity < 6);
    lines
        .filter(|line| !line.text("msg").starts_with("/__version__ has no commit"))
        .collect()
}

#[test]
fn an_error_that_panics_while_it_is_handled_is_answered_logged_and_harms_no_request_behind_it() {
    for (path, status) in [
        // actix-web makes the response of a handler's error itself: that panic is the handler's.
        ("/handler/response-panics", 500),
        ("/middleware/response-panics", 500),
        ("/handler/text-panics", 502),
        ("/middleware/text-panics", 502),
    ] {
        let lines = logged(&[], |served| {
            let mut stream = served.connect();
            let both = format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\n{ID}\r\nGET /skip/200 HTTP/1.1\r\nHost: x\r\n\r\n"
            );
            stream.send(both.as_bytes()).expect("it reads");
            let response = stream.answer().expect("it answers");
            assert_eq!(response.status, status, "{path}");
            assert_eq!(response.header("x-request-id"), Some("abc"));
            assert!(
                !format!("{response:?}").contains("that panics"),
                "{response:?}"
            );
            assert_eq!(stream.answer().expect("the one behind").status, 200);
        });
        let [summary] = summaries(&lines)[..] else {
            panic!("one summary of {path}: {lines:?}")
        };
        assert_eq!(summary.number("code"), Some(u64::from(status)), "{path}");
        assert_eq!(
            (summary.severity, summary.text("rid")),
            (3, "abc"),
            "{path}"
        );
        assert!(summary.text("msg").contains("that panics"), "{summary:?}");
        let panics = of_kind(&lines, "panic");
        assert!(
            !panics.is_empty() && panics.iter().all(|line| line.text("rid") == "abc"),
            "{path}: {panics:?}"
        );
    }
}

#[test]
fn what_an_error_logs_while_it_is_handled_has_the_requests_id() {
    let lines = logged(&[], |served| {
        for path in [
            "/handler/text-logs",
            "/middleware/text-logs",
            "/handler/response-logs",
            "/middleware/response-logs",
        ] {
            assert_eq!(served.get_with(path, ID).status, 502, "{path}");
        }
    });
    let texts = saying(&lines, "from the text");
    let responses = saying(&lines, "from the response");
    assert!(texts.len() >= 2 && responses.len() >= 2, "{lines:?}");
    for line in texts.iter().chain(&responses) {
        assert_eq!(line.text("rid"), "abc", "{line:?}");
    }
}

#[test]
fn a_guard_that_panics_when_the_client_goes_away_leaves_a_summary_and_a_worker_that_serves() {
    let mut served = Process::start_unread(
        command_for("telemetry", &[("WORKERS", "1")]),
        Stdio::piped(),
    );
    let stdout = served.stdout();
    let reader = std::thread::spawn(move || lines(stdout));
    let mut stream = served.connect();
    stream.ask_with("/guard", ID).expect("it reads");
    std::thread::sleep(Duration::from_millis(300));
    let stream = stream.into_stream();
    socket2::SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("it is TCP");
    drop(stream);
    until("the worker serves", || {
        served.get("/skip/200").status == 200
    });
    assert!(served.stop().success());
    let lines = reader.join().expect("the lines are valid");
    let [panic] = of_kind(&lines, "panic")[..] else {
        panic!("one panic: {lines:?}")
    };
    assert_eq!(
        (panic.text("msg"), panic.text("rid")),
        ("a guard that panics", "abc")
    );
    let [summary] = summaries(&lines)[..] else {
        panic!("one summary: {lines:?}")
    };
    assert_eq!(
        (
            summary.severity,
            summary.number("code"),
            summary.text("rid")
        ),
        (3, Some(499), "abc")
    );
    assert!(
        summary.text("msg").contains("a guard that panics"),
        "{summary:?}"
    );
}

/// actix/actix-web#2719: the error of a stream cannot be in a response that is under way, and must not be nowhere.
#[test]
fn a_body_that_breaks_is_logged_once_as_an_error_with_the_requests_id() {
    let lines = logged(&[], |served| {
        let mut stream = served.connect();
        assert!(
            stream.get_with("/stream", ID).is_err(),
            "the connection is closed"
        );
    });
    let errors: Vec<_> = lines.iter().filter(|line| line.severity <= 3).collect();
    let [error] = errors[..] else {
        panic!("one error: {errors:?}")
    };
    assert_eq!(error.text("rid"), "abc");
    assert!(
        error.text("msg").ends_with(": the upstream broke"),
        "{error:?}"
    );
}

/// tokio-rs/tracing#1565: a value whose `Debug` logs.
#[test]
fn a_value_that_uses_tracing_while_it_is_recorded_in_a_span_does_not_deadlock() {
    let lines = logged(&[("WORKERS", "1")], |served| {
        assert_eq!(served.get_with("/record", ID).body, "recorded");
    });
    let [line] = saying(&lines, "recorded")[..] else {
        panic!("one line: {lines:?}")
    };
    assert_eq!(
        (line.text("value"), line.number("other")),
        ("nosy", Some(7))
    );
    let inner = saying(&lines, "while it is recorded");
    assert!(
        inner.iter().all(|line| line.text("rid") == "abc"),
        "{inner:?}"
    );
}

/// tokio-rs/tracing#709: a field that is recorded later made the span's events disappear.
#[test]
fn fields_that_a_span_records_later_are_on_the_events_from_then_on() {
    let lines = logged(&[], |served| {
        assert_eq!(served.get("/recorded-late").body, "recorded");
    });
    let fields = |message: &str| {
        let [line] = saying(&lines, message)[..] else {
            panic!("one line says {message}: {lines:?}")
        };
        let fields = ["first", "second", "third"].map(|key| line.fields.get(key).cloned());
        fields.map(|field| field.map_or_else(String::new, |field| field.to_string()))
    };
    assert_eq!(fields("with one"), ["1", "", ""]);
    assert_eq!(fields("with two"), ["2", r#""a \"text\"""#, ""]);
    assert_eq!(fields("with three"), ["2", r#""a \"text\"""#, r#""NaN""#]);
}

#[test]
fn a_value_that_logs_by_each_interface_in_each_callback_does_not_deadlock() {
    let lines = logged(&[("WORKERS", "1")], |served| {
        assert_eq!(served.get_with("/reentrant", ID).body, "done");
    });
    for message in ["message", "message of log", "message of slog"] {
        let [line] = saying(&lines, message)[..] else {
            panic!("one line says {message}: {lines:?}")
        };
        assert_eq!(line.text("event"), "event");
    }
    for message in ["inside, by log", "inside, by slog"] {
        let inside = saying(&lines, message);
        assert!(inside.len() >= 8, "{message}: {inside:?}");
        assert!(inside.iter().all(|line| line.text("rid") == "abc"));
    }
    assert_eq!(saying(&lines, "dropped").len(), 8, "{lines:?}");
}

#[test]
fn a_panic_that_ends_the_process_is_written_with_all_that_was_logged_before() {
    for backtrace in ["0", "1"] {
        let variables = [("WORKERS", "1"), ("RUST_BACKTRACE", backtrace)];
        let mut served =
            Process::start_unread(command_for("telemetry", &variables), Stdio::piped());
        let stdout = served.stdout();
        let reader = std::thread::spawn(move || lines(stdout));
        let mut stream = served.connect();
        assert!(stream.get_with("/abort", ID).is_err(), "it is gone");
        assert_eq!(served.wait().code(), None, "it is aborted");
        let lines = reader.join().expect("the lines are valid");
        assert_eq!(saying(&lines, "before the end").len(), 1, "{lines:?}");
        for message in ["the first panic", "the second panic"] {
            let [line] = saying(&lines, message)[..] else {
                panic!("one line says {message}: {lines:?}")
            };
            assert_eq!((&*line.kind, line.text("rid")), ("panic", "abc"));
        }
    }
}

#[test]
fn a_signal_raises_the_level_and_another_takes_that_back() {
    let levels = [("LOG_LEVEL", "warn,quiet=off")];
    let mut served = Process::start(command_for("telemetry", &levels));
    let ask = || assert_eq!(served.get("/debug").body, "debugged");
    ask();
    served.signal("USR1");
    let first = served.line("SIGUSR1: DEBUG records are logged for 600s");
    assert!(first.contains(r#""Severity":6"#), "{first}");
    ask();
    for message in ["by log", "by tracing", "by slog"] {
        served.line(&format!(r#""msg":"{message}""#));
    }
    served.signal("USR1");
    served.line("the level of the log is LOG_LEVEL again");
    ask();
    assert!(served.stop().success());
    let (_, left) = served.end();
    for line in left {
        assert!(!line.contains(r#""Severity":7"#), "{line}");
        assert!(!line.contains("from what is off"), "{line}");
    }
}

#[test]
fn a_malformed_request_is_no_error_of_the_service() {
    let lines = logged(&[], |served| {
        for bytes in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
            b"\0\0\0\0\r\n\r\n",
        ] {
            let mut stream = served.connect();
            stream.send(bytes).expect("it reads");
            let _ = stream.answer();
        }
    });
    let alerts = alerts(&lines);
    assert!(alerts.is_empty(), "{alerts:?}");
    assert!(
        lines
            .iter()
            .any(|line| line.text("msg").starts_with("stream error: "))
    );
}

#[test]
fn a_request_that_its_handler_skips_is_logged_only_if_it_fails() {
    let lines = logged(&[], |served| {
        for status in [200, 404, 500] {
            assert_eq!(served.get(&format!("/skip/{status}")).status, status);
        }
    });
    let codes: Vec<_> = summaries(&lines)
        .iter()
        .map(|line| line.number("code"))
        .collect();
    assert_eq!(codes, [Some(500)]);
}

#[test]
fn a_summary_shows_what_was_sent_however_long_it_is() {
    let lengths = || (200..280).chain([1, 31, 32, 63, 64, 65, 1000]);
    let agent = |length| format!("{}!", "a".repeat(length));
    let lines = logged(&[], |served| {
        for length in lengths() {
            let header = format!("User-Agent: {}\r\n", agent(length));
            assert_eq!(served.get_with("/skip/500", &header).status, 500);
        }
    });
    let agents = summaries(&lines).into_iter().map(|line| line.text("agent"));
    assert!(agents.eq(lengths().map(agent)));
}

fn request(served: &Process, method: &str) -> Response {
    let mut stream = served.connect();
    let head = format!("{method} /__error__ HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.send(head.as_bytes()).expect("it reads");
    stream.answer().expect("it answers")
}

#[test]
fn the_error_endpoint_is_an_error_inside_the_app_even_behind_a_route_for_everything() {
    let on = [("DOCKERFLOW_ERROR_ENDPOINT", "true")];
    let lines = logged(&on, |served| {
        for path in ["/__error__", "/__error__/", "/__error__?x=1"] {
            let response = served.get_with(path, ID);
            assert_eq!(response.status, 500, "{path}");
            assert_eq!(
                response.header("x-seen"),
                Some("the /__error__ endpoint was called")
            );
            assert_eq!(response.header("x-request-id"), Some("abc"));
        }
        assert_eq!(served.get("/__error__x").status, 418);
        assert_eq!(request(served, "POST").status, 405);
    });
    let failed: Vec<_> = summaries(&lines)
        .into_iter()
        .filter(|line| line.severity == 3)
        .collect();
    assert_eq!(failed.len(), 3, "{lines:?}");
    for line in failed {
        assert_eq!(line.text("msg"), "the /__error__ endpoint was called");
        assert!(line.text("path").starts_with("/__error__"));
    }
    let warned = lines
        .iter()
        .any(|line| line.severity == 4 && line.text("msg").contains("DOCKERFLOW_ERROR_ENDPOINT"));
    assert!(warned, "{lines:?}");
}

#[test]
fn where_the_error_endpoint_is_off_the_app_answers() {
    let lines = logged(&[], |served| {
        for method in ["GET", "POST"] {
            let response = request(served, method);
            assert_eq!(
                (response.status, &*response.body),
                (418, "the app's own __error__")
            );
        }
    });
    assert_eq!(summaries(&lines).len(), 2);
    let alerts = alerts(&lines);
    assert!(alerts.is_empty(), "{alerts:?}");
}

/// mozilla-services/autopush-rs#1220: 154.8 of 156 million lines a day were one message.
#[test]
fn lines_that_repeat_are_limited_and_those_left_out_are_counted() {
    let lines = logged(&[("LOG_REPEAT_LIMIT", "10")], |served| {
        assert_eq!(served.get("/repeat").body, "repeated");
    });
    let again = saying(&lines, "again").len() as u64;
    assert!((10..=20).contains(&again), "{again}: at most two seconds");
    assert_eq!(saying(&lines, "elsewhere").len(), 1, "another place");
    let left_out: u64 = of_kind(&lines, "dockerflow.log")
        .iter()
        .filter(|line| {
            line.text("place")
                .starts_with("tests/programs/telemetry.rs:")
        })
        .filter_map(|line| line.number("left_out"))
        .sum();
    assert_eq!(again + left_out, 100);
    let unlimited = logged(&[], |served| drop(served.get("/repeat")));
    assert_eq!(saying(&unlimited, "again").len(), 100);
}

#[test]
fn a_panics_back_trace_is_resolved_off_the_worker_and_its_line_is_written_before_the_end() {
    let lines = logged(&[("RUST_BACKTRACE", "1"), ("WORKERS", "1")], |served| {
        assert_eq!(served.get_with("/handler/response-panics", ID).status, 500);
    });
    let [panic] = of_kind(&lines, "panic")[..] else {
        panic!("one panic: {lines:?}")
    };
    assert_eq!(panic.text("rid"), "abc");
    assert!(panic.text("thread").contains("arbiter"), "{panic:?}");
    assert!(
        panic.text("backtrace").contains("error_response"),
        "{panic:?}"
    );
}

#[test]
fn a_summary_has_the_clients_address_if_it_is_asked_for_and_a_proxy_is_believed_if_it_is_named() {
    let remote = |proxies: &str| {
        let variables = [
            ("DOCKERFLOW_SUMMARY_LOG_REMOTE", "true"),
            ("DOCKERFLOW_TRUSTED_PROXIES", proxies),
        ];
        let lines = logged(&variables, |served| {
            drop(served.get_with("/trace", "X-Forwarded-For: 6.6.6.6, 9.9.9.9\r\n"));
        });
        summaries(&lines)[0].text("remote").to_owned()
    };
    assert_eq!(remote(""), "127.0.0.1");
    assert_eq!(remote("127.0.0.0/8"), "9.9.9.9");
    let lines = logged(&[], |served| drop(served.get("/trace")));
    assert!(!summaries(&lines)[0].fields.contains_key("remote"));
}
