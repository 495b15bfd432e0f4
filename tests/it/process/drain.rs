//! The end: what a signal does to requests, connections, the heartbeat and the log.

use std::{
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::serve;
use crate::support::{Connection, Statsd, get, until};

/// Ends the load, after a failed assertion too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
#[allow(
    clippy::too_many_lines,
    reason = "it is one story, signalled in its order"
)]
fn a_drain_under_load_loses_no_request_until_the_listener_closes() {
    const CLIENTS: usize = 64;
    let metrics = Statsd::listen();
    let serving = serve(&[
        ("DOCKERFLOW_DRAIN_DELAY", "2s"),
        ("STATSD_HOST", "127.0.0.1"),
        ("STATSD_PORT", &metrics.port()),
    ]);
    let address = serving.address();
    let (stop, answered, failed) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    let signalled = thread::scope(|scope| {
        let load = Stop(&stop);
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut connection = None;
                while !stop.load(Ordering::Relaxed) {
                    let result = match connection.take() {
                        Some(open) => Ok(open),
                        None => Connection::open(address),
                    };
                    let result = result.and_then(|mut open: Connection| Ok((open.get("/")?, open)));
                    match result {
                        Ok((answer, open)) if answer.status == 200 => {
                            answered.fetch_add(1, Ordering::Relaxed);
                            connection = (!answer.closes()).then_some(open);
                        }
                        Ok(_) | Err(_) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    thread::sleep(Duration::from_millis(5));
                }
            });
        }
        until("every client is at work", || {
            answered.load(Ordering::Relaxed) > 5 * CLIENTS
        });
        // One that is answered after the listener has closed.
        let mut slow = Connection::open(address).expect("it serves");
        slow.ask("/slow/3000").expect("it reads");
        assert_eq!(
            get(address, "/__heartbeat__").expect("it serves").status,
            200
        );
        let signalled = Instant::now();
        serving.signal("TERM");
        until("the heartbeat fails", || {
            get(address, "/__heartbeat__").expect("it serves").status == 503
        });
        let first = signalled.elapsed();
        assert!(
            first < Duration::from_millis(100),
            "the first 503 came after {first:?}"
        );
        let heartbeat = get(address, "/__heartbeat__").expect("it serves");
        assert_eq!(
            heartbeat.body,
            r#"{"status":"error","checks":{"draining":"error"},"details":{}}"#
        );
        let mut kept = Connection::open(address).expect("it still accepts");
        let balancer = kept.get("/__lbheartbeat__").expect("it serves");
        assert_eq!((balancer.status, balancer.closes()), (503, true));
        assert_eq!(balancer.body, "");
        let before = answered.load(Ordering::Relaxed);
        while signalled.elapsed() < Duration::from_millis(1800) {
            assert_eq!(get(address, "/").expect("it still accepts").status, 200);
            thread::sleep(Duration::from_millis(10));
        }
        drop(load);
        assert!(
            answered.load(Ordering::Relaxed) > before + CLIENTS,
            "the load went on"
        );
        let slow = slow.answer().expect("what is in flight is finished");
        assert_eq!((slow.status, slow.body.as_str()), (200, "3000 ms later"));
        assert!(
            signalled.elapsed() > Duration::from_secs(2),
            "the listener had closed"
        );
        assert!(
            TcpStream::connect(address).is_err(),
            "the listener is closed"
        );
        signalled
    });
    assert_eq!(
        failed.load(Ordering::Relaxed),
        0,
        "of {}",
        answered.load(Ordering::Relaxed)
    );
    let (status, stdout) = serving.end();
    assert_eq!(status.code(), Some(0));
    assert!(
        signalled.elapsed() < Duration::from_secs(20),
        "{:?}",
        signalled.elapsed()
    );
    let last: Value = serde_json::from_str(stdout.last().expect("a last line")).expect("JSON");
    assert_eq!(last["Fields"]["msg"], "stopped");
    let slow = "|ms|#method:GET,route:/slow/{milliseconds},status:2xx";
    until("the last metric is there", || {
        let is_slow = |line: &String| line.starts_with("process.request:") && line.ends_with(slow);
        metrics.lines().iter().any(is_slow)
    });
}

#[test]
fn a_heartbeat_that_fails_because_of_the_drain_alarms_nobody() {
    let mut serving = serve(&[("DOCKERFLOW_DRAIN_DELAY", "1h")]);
    serving.signal("TERM");
    serving.line("draining");
    let heartbeat = get(serving.address(), "/__heartbeat__").expect("it serves");
    assert_eq!(heartbeat.status, 503);
    let line = serving.line("/__heartbeat__");
    let record: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(record["Severity"], 6, "{line}");
    assert_eq!(record["Fields"]["code"], 503, "{line}");
    serving.insist();
}

#[test]
fn an_interrupt_drains_without_delay() {
    let serving = serve(&[("DOCKERFLOW_DRAIN_DELAY", "1h")]);
    let mut slow = Connection::open(serving.address()).expect("it serves");
    slow.ask("/slow/300").expect("it reads");
    assert_eq!(get(serving.address(), "/").expect("it serves").status, 200); // the slow one has been read by then
    serving.signal("INT");
    assert_eq!(
        slow.answer().expect("what is in flight is finished").status,
        200
    );
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn a_second_signal_stops_at_once_in_the_delay_and_after_it() {
    for delay in ["1h", "0"] {
        let mut serving = serve(&[
            ("DOCKERFLOW_DRAIN_DELAY", delay),
            ("DOCKERFLOW_SHUTDOWN_TIMEOUT", "1h"),
        ]);
        let mut slow = Connection::open(serving.address()).expect("it serves");
        slow.ask("/slow/60000").expect("it reads");
        assert_eq!(get(serving.address(), "/").expect("it serves").status, 200);
        serving.signal("TERM");
        serving.line("draining");
        let signalled = Instant::now();
        serving.insist();
        let (status, stdout) = serving.end();
        assert!(
            signalled.elapsed() < Duration::from_secs(5),
            "{:?}",
            signalled.elapsed()
        );
        assert_eq!(status.code(), Some(0), "{delay}");
        assert!(
            stdout.iter().any(|line| line.contains("the second signal")),
            "{stdout:?}"
        );
    }
}

#[test]
fn requests_that_outlast_the_shutdown_timeout_are_cut_off() {
    let serving = serve(&[
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
        ("DOCKERFLOW_SHUTDOWN_TIMEOUT", "200ms"),
    ]);
    let mut slow = Connection::open(serving.address()).expect("it serves");
    slow.ask("/slow/60000").expect("it reads");
    assert_eq!(get(serving.address(), "/").expect("it serves").status, 200);
    let signalled = Instant::now();
    serving.signal("TERM");
    let (status, stdout) = serving.end();
    assert!(
        signalled.elapsed() >= Duration::from_millis(200),
        "{:?}",
        signalled.elapsed()
    );
    assert!(
        signalled.elapsed() < Duration::from_secs(5),
        "{:?}",
        signalled.elapsed()
    );
    assert_eq!(status.code(), Some(0));
    assert!(
        stdout
            .iter()
            .any(|line| line.contains("were cut off after 200ms")),
        "{stdout:?}"
    );
}
