//! `LOG_LEVEL` and `LOG_FORMAT`, and how bad values of them are reported.

use std::{io::Read as _, process::Stdio};

use super::{command, logged, serve, summaries};
use crate::support::{Process, run, text};

#[test]
fn log_level_filters_by_target_and_every_api() {
    let ask = |served: &Process| assert_eq!(served.get("/chatter/1").status, 200);
    assert!(logged(&[("LOG_LEVEL", "off")], ask).is_empty());
    let lines = logged(&[("LOG_LEVEL", "error,logs=info")], ask);
    assert!(lines.iter().all(|line| line.kind == "logs"), "{lines:?}");
    assert_eq!(lines.len(), 11);
    let lines = logged(&[("LOG_LEVEL", "off,request.summary=info")], ask);
    assert_eq!((lines.len(), summaries(&lines).len()), (1, 1));
}

#[test]
fn google_cloud_finds_severity_and_message() {
    let lines = logged(&[("LOG_FORMAT", "gcp")], |served| {
        assert_eq!(served.get("/fails").status, 502);
        assert_eq!(served.get("/").status, 200);
    });
    let [failed, fine] = summaries(&lines)[..] else {
        panic!("two summaries")
    };
    assert_eq!(failed.others["severity"], "ERROR");
    assert_eq!(failed.others["message"], "the upstream\nis \"gone\"");
    assert_eq!(fine.others["severity"], "INFO");
    assert_eq!(fine.others["message"], "GET / 200");
}

#[test]
fn text_is_for_people() {
    let mut served = serve(&[("LOG_FORMAT", "text")], Stdio::piped());
    let mut stdout = served.stdout();
    assert_eq!(served.get_with("/", "X-Request-ID: abc\r\n").status, 200);
    assert!(served.stop().success());
    let mut text = String::new();
    stdout.read_to_string(&mut text).expect("it is text");
    let line = text.lines().find(|line| line.contains("request.summary"));
    let line = line.expect("it is summarised");
    assert!(
        line.contains(" INFO ") && line.contains(" path=/ rid=abc "),
        "{line}"
    );
    assert!(
        !line.contains('\u{1b}'),
        "no colours where there is no terminal: {line}"
    );
}

#[test]
fn bad_variables_are_all_named_at_once() {
    let output = run(command(&[
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("DOCKERFLOW_REQUEST_ID_HEADER_NAME", "a b"),
    ]));
    assert!(!output.status.success());
    let text = text(&output.stderr);
    for name in [
        "LOG_LEVEL",
        "LOG_FORMAT",
        "DOCKERFLOW_REQUEST_ID_HEADER_NAME",
    ] {
        assert!(text.contains(name), "{text}");
    }
}
