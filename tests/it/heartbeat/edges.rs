//! What is logged about checks that are slow, late, or failing since the start, and about arguments that block?

use std::{
    future::{Ready, ready},
    thread,
    time::Duration,
};

use actix_web::{App, FromRequest, HttpRequest, dev::Payload, rt::System};
use dockerflow::health_check;
use tokio::time::sleep;

use super::served::{Served, serve};

const TTL: (&str, &str) = ("DOCKERFLOW_HEARTBEAT_TTL", "0");

#[health_check(timeout = "100ms")]
async fn hangs_in_edges() {
    std::future::pending::<()>().await;
}

#[health_check(timeout = "100ms")]
async fn is_always_late() {
    sleep(Duration::from_millis(200)).await;
}

#[health_check(timeout = "500ms")]
async fn is_almost_late() {
    sleep(Duration::from_millis(430)).await;
}

#[health_check]
async fn is_never_well() -> Result<(), &'static str> {
    Err("down")
}

/// An argument that blocks the worker on which it is extracted.
struct Blocks;

impl FromRequest for Blocks {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        thread::sleep(Duration::from_millis(300));
        ready(Ok(Self))
    }
}

#[health_check]
async fn has_an_argument_that_blocks(_argument: Blocks) {}

#[dockerflow::service(checks(hangs_in_edges))]
fn hanging() -> App {
    App::new()
}

#[dockerflow::service(checks(is_always_late))]
fn late() -> App {
    App::new()
}

#[dockerflow::service(checks(is_almost_late))]
fn almost_late() -> App {
    App::new()
}

#[dockerflow::service(checks(is_never_well))]
fn never_well() -> App {
    App::new()
}

#[dockerflow::service(checks(has_an_argument_that_blocks))]
fn blocking() -> App {
    App::new()
}

#[dockerflow::service(checks())]
fn without() -> App {
    App::new()
}

pub(super) fn serve_one(name: &str) -> bool {
    match name {
        "edge: hanging" => serve(hanging),
        "edge: late" => serve(late),
        "edge: almost late" => serve(almost_late),
        "edge: never well" => serve(never_well),
        "edge: blocking" => serve(blocking),
        "edge: without" => serve(without),
        _ => return false,
    }
    true
}

/// Returns the log after `probes` probes, with a pause after each.
fn log_of(name: &str, probes: usize, pause: Duration) -> String {
    System::new().block_on(async {
        let server = Served::start(name, &[TTL]);
        for _ in 0..probes {
            server.heartbeat().await;
            sleep(pause).await;
        }
        server.log()
    })
}

fn lines<'a>(log: &'a str, text: &str) -> Vec<&'a str> {
    log.lines().filter(|line| line.contains(text)).collect()
}

#[test]
fn a_check_that_hangs_is_logged_once_and_never_as_ended() {
    let log = log_of("edge: hanging", 4, Duration::from_millis(10));
    assert_eq!(
        lines(&log, "hangs_in_edges.timeout: no answer within 100ms").len(),
        1,
        "{log}"
    );
    assert_eq!(lines(&log, "ended").len(), 0, "{log}");
    assert_eq!(lines(&log, "check=hangs_in_edges").len(), 1, "{log}");
}

#[test]
fn a_check_that_is_always_late_has_one_line_for_the_time_out_and_one_for_its_end() {
    let log = log_of("edge: late", 4, Duration::from_millis(200));
    assert_eq!(lines(&log, "is_always_late.timeout").len(), 1, "{log}");
    assert_eq!(
        lines(&log, "its deadline is 100ms; it reported []").len(),
        1,
        "{log}"
    );
    assert_eq!(lines(&log, "check=is_always_late").len(), 2, "{log}");
}

#[test]
fn a_check_that_takes_most_of_its_deadline_is_a_warning_once() {
    let log = log_of("edge: almost late", 3, Duration::ZERO);
    let slow = lines(&log, "its deadline is 500ms: if it gets slower, it fails");
    assert_eq!(slow.len(), 1, "{log}");
    assert!(slow[0].starts_with("WARN "), "{log}");
}

#[test]
fn a_check_that_was_never_well_is_told_apart_and_failing_probes_have_one_summary() {
    let log = log_of("edge: never well", 5, Duration::ZERO);
    let failed = lines(&log, "is_never_well.failed: down");
    assert_eq!(failed.len(), 1, "{log}");
    assert!(failed[0].contains("since_start=true"), "{log}");
}

#[test]
fn an_argument_that_blocks_a_worker_is_named_with_its_check_once() {
    let log = log_of("edge: blocking", 3, Duration::ZERO);
    let named = lines(
        &log,
        "an argument of the check \"has_an_argument_that_blocks\" blocked a worker",
    );
    assert_eq!(named.len(), 1, "{log}");
}

#[test]
fn a_service_without_checks_says_so_when_it_starts() {
    let log = log_of("edge: without", 1, Duration::ZERO);
    assert_eq!(
        lines(&log, "this service has no health checks").len(),
        1,
        "{log}"
    );
}
