//! Beside other layers, filters and loggers: each has what it would have alone, and nothing is warned of.

use crate::{receiver::Receiver, serve};

const PROGRAM: &str = env!("CARGO_BIN_EXE_subscribed");

fn arranged(arrangement: &str) -> crate::Written {
    let written = serve(PROGRAM, &[("ARRANGEMENT", arrangement)], |served| {
        assert_eq!(served.get("/order/3").body, "ordered 3");
    });
    assert_eq!(written.warnings(), [""; 0], "{arrangement}");
    written
}

#[test]
fn a_global_filter_stops_records_of_tracing_for_all_layers_and_none_of_log_and_slog() {
    let written = arranged("global filter");
    assert!(!written.says("by tracing") && !written.says("charged"));
    for message in [
        "by log",
        "by slog",
        "an error by log",
        "an error by tracing",
        "on the pool",
    ] {
        assert!(written.saying(message)["rid"].is_string());
    }
    assert!(written.summary("/order/3")["rid"].is_string());
}

#[test]
fn a_filter_of_one_layer_is_that_layers_alone() {
    let written = arranged("own filters");
    for message in ["by tracing", "charged", "an error by tracing"] {
        assert!(written.saying(message)["rid"].is_string());
    }
    let charged = written.saying("charged");
    assert_eq!(charged["item"], "Path(3)", "the fields of both spans");
    assert!(!written.says("for debugging"), "LOG_LEVEL is info");
    let stderr = &written.stderr;
    assert_eq!(stderr.matches("for debugging").count(), 1, "{stderr}");
    assert_eq!(stderr.matches("an error by tracing").count(), 1, "{stderr}");
    assert!(!stderr.contains("by log"), "{stderr}");
}

#[test]
fn a_logger_of_the_programs_own_keeps_the_records_of_log() {
    let written = arranged("own logger");
    assert!(!written.says("by log"));
    for message in ["by tracing", "by slog", "charged"] {
        assert!(written.saying(message)["rid"].is_string());
    }
    let own = "own logger: subscribed by log";
    assert_eq!(written.stderr.matches(own).count(), 1, "{}", written.stderr);
    assert!(written.summary("/order/3")["rid"].is_string());
}

#[test]
fn records_of_slog_scope_are_lines_of_the_log() {
    let written = arranged("slog-scope");
    assert_eq!(written.saying("by slog-scope")["number"], 7);
    assert!(written.says("by tracing") && written.says("by log"));
}

#[test]
fn sentrys_layer_reports_errors_of_tracing_beside_the_log() {
    let Some(receiver) = Receiver::start() else {
        return;
    };
    let dsn = receiver.dsn();
    let variables = [("ARRANGEMENT", "sentry"), ("OWN_DSN", &*dsn)];
    let written = serve(PROGRAM, &variables, |served| {
        assert_eq!(served.get("/order/3").body, "ordered 3");
    });
    assert_eq!(written.warnings(), [""; 0]);
    assert!(written.says("an error by tracing") && written.says("by log"));
    let events = receiver.events();
    let [event] = &events[..] else {
        panic!("one event: {events:#?}")
    };
    assert!(
        event.to_string().contains("an error by tracing"),
        "{event:#}"
    );
    if cfg!(feature = "sentry") {
        let line = written.saying("an error by tracing");
        assert_eq!(event["tags"]["rid"], line["rid"], "{event:#}");
        assert_eq!(event["tags"]["route"], "/order/{item}", "{event:#}");
    }
}
