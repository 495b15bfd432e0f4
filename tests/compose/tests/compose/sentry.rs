//! Errors reported to Sentry: one event each, whoever has the client and whoever reports.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{Process, run, text, until};

use crate::{
    Written, command,
    receiver::{KEY, Receiver},
    serve,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_reported");

/// Who reports.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Arrangement {
    /// dockerflow alone.
    Ours,
    /// dockerflow, with a client that the app has made.
    OwnClient,
    /// sentry-actix in the app, with the client that dockerflow makes.
    OwnMiddleware,
    /// The app's client and sentry-actix, with `SENTRY_DSN` unset.
    Own,
    /// The app's client and sentry-actix, and `SENTRY_DSN`.
    Both,
}

use Arrangement::{Both, Ours, Own, OwnClient, OwnMiddleware};

/// All that this build can have.
const ALL: &[Arrangement] = if cfg!(feature = "sentry") {
    &[Ours, OwnClient, OwnMiddleware, Own, Both]
} else {
    &[Own, Both]
};

impl Arrangement {
    fn variables(self, dsn: &str) -> Vec<(&'static str, &str)> {
        let mut variables = Vec::new();
        if matches!(self, Ours | OwnMiddleware | Both) {
            variables.push(("SENTRY_DSN", dsn));
            variables.push(("SENTRY_ENVIRONMENT", "staging"));
        }
        if matches!(self, OwnClient | Own | Both) {
            variables.push(("OWN_DSN", dsn));
        }
        if matches!(self, OwnMiddleware | Own | Both) {
            variables.push(("MIDDLEWARE", "1"));
        }
        variables
    }

    fn has_own_client(self) -> bool {
        matches!(self, OwnClient | Own | Both)
    }
}

const SECRETS: &str = "Cookie: session=chocolate\r\nAuthorization: Bearer opensesame\r\n\
    X-Api-Key: opensesame\r\nX-Request-ID: the-id\r\n";

/// Serves, and returns what was reported and what was logged.
fn reported(
    arrangement: Arrangement,
    variables: &[(&str, &str)],
    ask: impl FnOnce(&Process),
) -> Option<(Vec<Value>, Written)> {
    let receiver = Receiver::start()?;
    let dsn = receiver.dsn();
    let mut all = arrangement.variables(&dsn);
    all.extend(variables);
    let written = serve(PROGRAM, &all, ask);
    Some((receiver.events(), written))
}

/// What an event is about.
fn text_of(event: &Value) -> String {
    let exception = event["exception"]["values"].as_array();
    let exception = exception.and_then(|all| all.last()?["value"].as_str());
    let text = exception.or(event["message"].as_str()).unwrap_or_default();
    text.to_owned()
}

#[track_caller]
fn texts(events: &[Value]) -> Vec<String> {
    let mut texts: Vec<_> = events.iter().map(text_of).collect();
    texts.sort();
    texts
}

#[test]
fn an_error_of_500_and_a_panic_are_one_event_each_in_every_arrangement() {
    for &arrangement in ALL {
        let asked = reported(arrangement, &[], |served| {
            for path in ["/fails/1?secret=opensesame", "/panics/2", "/told"] {
                assert_eq!(served.get_with(path, SECRETS).status, 500, "{path}");
            }
        });
        let Some((events, _)) = asked else { return };
        let mut expected = vec!["it fails with 1", "it panics with 2", "it was told"];
        // sentry-actix reports what the app has told it once more.
        if matches!(arrangement, OwnMiddleware | Own | Both) {
            expected.push("it was told");
        }
        assert_eq!(texts(&events), expected, "{arrangement:?}: {events:#?}");
    }
}

#[test]
fn an_event_has_its_release_environment_id_and_route_and_no_secret() {
    for &arrangement in ALL.iter().filter(|_| cfg!(feature = "sentry")) {
        let asked = reported(arrangement, &[], |served| {
            for path in ["/fails/1?secret=opensesame", "/panics/2?secret=opensesame"] {
                assert_eq!(served.get_with(path, SECRETS).status, 500, "{path}");
            }
        });
        let Some((events, _)) = asked else { return };
        assert_eq!(events.len(), 2, "{arrangement:?}: {events:#?}");
        for event in &events {
            let whole = event.to_string();
            for secret in ["chocolate", "opensesame", KEY] {
                assert!(!whole.contains(secret), "{arrangement:?}: {event:#}");
            }
            let path = if whole.contains("it panics") {
                "/panics/{id}"
            } else {
                "/fails/{id}"
            };
            assert_eq!(event["tags"]["rid"], "the-id", "{arrangement:?}: {event:#}");
            assert_eq!(event["tags"]["route"], path, "{arrangement:?}: {event:#}");
            assert_eq!(event["transaction"], format!("GET {path}"), "{event:#}");
            let release = event["release"].as_str().unwrap_or_default();
            if arrangement.has_own_client() {
                assert_eq!(release, "the-apps-own@9", "{arrangement:?}");
                assert_eq!(event["tags"]["team"], "shop", "{arrangement:?}: {event:#}");
                assert_eq!(
                    event["user"]["id"], "the apps",
                    "{arrangement:?}: {event:#}"
                );
            } else {
                assert!(release.starts_with("reported@0.0.0"), "{release}");
                assert_eq!(event["environment"], "staging", "{event:#}");
            }
        }
    }
}

#[test]
fn what_is_no_fault_of_the_service_is_not_reported() {
    for &arrangement in ALL {
        let asked = reported(arrangement, &[], |served| {
            for path in [
                "/missing",
                "/nowhere",
                "/__lbheartbeat__",
                "/__heartbeat__",
                "/__version__",
                "/__error__",
                // No error is behind it.
                "/status",
            ] {
                served.get(path);
            }
            // A connection that is closed with an answer unread is reset.
            let mut stream = served.connect();
            stream.ask("/missing").expect("it reads");
            stream.ask("/slow").expect("it reads");
            thread::sleep(Duration::from_millis(200));
            drop(stream);
            until("the service goes on", || {
                served.get("/missing").status == 404
            });
        });
        let Some((events, written)) = asked else {
            return;
        };
        assert_eq!(texts(&events), [""; 0], "{arrangement:?}");
        assert_eq!(written.summary("/slow")["code"], 499, "{arrangement:?}");
    }
}

#[test]
fn the_error_endpoint_is_reported_once_by_whoever_reports() {
    for &arrangement in ALL {
        let on = [("DOCKERFLOW_ERROR_ENDPOINT", "true")];
        let asked = reported(arrangement, &on, |served| {
            assert_eq!(served.get_with("/__error__", SECRETS).status, 500);
        });
        let Some((events, _)) = asked else { return };
        let said = "the /__error__ endpoint was called";
        assert_eq!(texts(&events), [said], "{arrangement:?}: {events:#?}");
    }
}

#[test]
fn a_check_is_reported_when_it_begins_to_fail_and_its_panic_not_at_all() {
    for &arrangement in ALL.iter().filter(|_| cfg!(feature = "sentry")) {
        let asked = reported(arrangement, &[], |served| {
            assert_eq!(served.get("/__heartbeat__").status, 200);
            assert_eq!(served.get("/break").body, "broken");
            until("it fails", || {
                served.get("/__heartbeat__").status == 500
                    || served.get("/__heartbeat__").status == 503
            });
            for _ in 0..5 {
                assert_ne!(served.get("/__heartbeat__").status, 200);
            }
        });
        let Some((events, _)) = asked else { return };
        let [event] = &events[..] else {
            panic!("one event of {arrangement:?}: {events:#?}")
        };
        assert!(
            text_of(event).starts_with("the check \"backend\" fails: "),
            "{event:#}"
        );
        assert_eq!(event["tags"]["check"], "backend");
        assert_eq!(event["tags"]["rid"], Value::Null, "{event:#}");
    }
}

#[test]
fn two_requests_on_one_worker_never_share_a_scope() {
    for &arrangement in ALL {
        let asked = reported(arrangement, &[], |served| {
            thread::scope(|scope| {
                for id in ["one", "two"] {
                    scope.spawn(move || {
                        let path = format!("/interleaved/{id}");
                        let headers = format!("X-Request-ID: {id}\r\n");
                        assert_eq!(served.get_with(&path, &headers).status, 500);
                    });
                }
            });
        });
        let Some((events, _)) = asked else { return };
        assert_eq!(
            texts(&events),
            ["one fails", "two fails"],
            "{arrangement:?}: {events:#?}"
        );
        for event in &events {
            let text = text_of(event);
            let (id, other) = if text == "one fails" {
                ("one", "two")
            } else {
                ("two", "one")
            };
            for step in ["step1", "step2", "step3"] {
                assert_eq!(event["tags"][step], id, "{arrangement:?}: {event:#}");
            }
            if cfg!(feature = "sentry") {
                assert_eq!(event["tags"]["rid"], id, "{arrangement:?}: {event:#}");
            }
            let url = event["request"]["url"].as_str().unwrap_or_default();
            assert!(url.ends_with(id), "{arrangement:?}: {event:#}");
            let whole = event.to_string();
            assert!(whole.contains(&format!("step 3 of {id}")), "{event:#}");
            assert!(!whole.contains(&format!("of {other}")), "{event:#}");
        }
    }
}

#[test]
fn a_dsn_that_is_none_is_an_error_at_start_and_is_not_shown() {
    if !cfg!(feature = "sentry") {
        return;
    }
    for dsn in ["sentry.example.org", "https://opensesame@", "opensesame"] {
        let output = run(command(PROGRAM, &[("SENTRY_DSN", dsn)]));
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{dsn}: {stderr}");
        assert!(stderr.contains("SENTRY_DSN"), "{stderr}");
        assert!(!stderr.contains("opensesame"), "{stderr}");
    }
}

#[test]
fn a_dsn_without_the_feature_is_a_warning_that_names_the_feature() {
    if cfg!(feature = "sentry") {
        return;
    }
    let written = serve(
        PROGRAM,
        &[("SENTRY_DSN", "https://key@example.org/1")],
        |_| (),
    );
    let warnings = written.warnings();
    let [warning] = &warnings[..] else {
        panic!("one warning: {warnings:?}")
    };
    assert!(
        warning.contains("SENTRY_DSN") && warning.contains("sentry-0_49"),
        "{warning}"
    );
}

/// A server that takes what it is sent and never answers.
fn hanging() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        let connections: Vec<_> = listener.incoming().collect();
        drop(connections);
    });
    format!("http://{KEY}@{address}/42")
}

#[test]
fn a_sentry_that_hangs_delays_neither_requests_nor_the_stop_beyond_its_bound() {
    if !cfg!(feature = "sentry") {
        return;
    }
    let dsn = hanging();
    let mut variables = Ours.variables(&dsn);
    variables.push(("DOCKERFLOW_SHUTDOWN_TIMEOUT", "1s"));
    let mut served = Process::start_unread(command(PROGRAM, &variables), Stdio::null());
    for path in ["/fails/1", "/panics/2", "/panics/3"] {
        let began = Instant::now();
        assert_eq!(served.get(path).status, 500, "{path}");
        println!("{path} took {:?}", began.elapsed());
        assert!(
            began.elapsed() < Duration::from_millis(1500),
            "{path} took {:?}",
            began.elapsed()
        );
    }
    let began = Instant::now();
    assert!(served.stop().success());
    println!("the stop took {:?}", began.elapsed());
    // A second for the shutdown, and some for a busy machine.
    assert!(
        began.elapsed() < Duration::from_millis(2500),
        "the stop took {:?}",
        began.elapsed()
    );
}
