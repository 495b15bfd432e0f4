//! What the log has of checks that hang or are late.

use std::time::{Duration, Instant};

use actix_web::{App, rt::System};
use dockerflow::health_check;
use tokio::time::sleep;

use super::served::{Served, serve};
use crate::support::Connection;

const TTL: (&str, &str) = ("DOCKERFLOW_HEARTBEAT_TTL", "0");

#[health_check(timeout = "100ms")]
async fn hangs_for_good() {
    std::future::pending::<()>().await;
}

#[health_check(timeout = "100ms")]
async fn is_always_late() {
    sleep(Duration::from_millis(200)).await;
}

#[health_check]
async fn is_quick() {}

#[health_check]
async fn yields() {
    tokio::task::yield_now().await;
}

#[health_check]
fn is_plain() {}

#[health_check]
fn is_plain_too() {}

#[health_check]
async fn waits_a_moment() {
    sleep(Duration::from_micros(10)).await;
}

#[dockerflow::service(checks(is_quick, yields, is_plain, is_plain_too, waits_a_moment))]
fn many_kinds() -> App {
    App::new()
}

#[dockerflow::service(checks(hangs_for_good))]
fn hanging() -> App {
    App::new()
}

#[dockerflow::service(checks(is_always_late))]
fn late() -> App {
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
        "edge: many kinds" => serve(many_kinds),
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
        lines(&log, "hangs_for_good.timeout: no answer within 100ms").len(),
        1,
        "{log}"
    );
    assert_eq!(lines(&log, "ended").len(), 0, "{log}");
    assert_eq!(lines(&log, "check=hangs_for_good").len(), 1, "{log}");
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
fn a_service_without_checks_says_so_when_it_starts() {
    let log = log_of("edge: without", 1, Duration::ZERO);
    assert_eq!(
        lines(&log, "this service has no health checks").len(),
        1,
        "{log}"
    );
}

/// <https://github.com/quarkusio/quarkus/issues/50736>: with more than one check, a probe was not answered now and then, and never.
#[test]
fn thousands_of_probes_one_after_the_other_each_with_a_run_of_its_own_are_all_answered_in_time() {
    let server = Served::start("edge: many kinds", &[TTL]);
    let mut connection = Connection::open(server.address).expect("it listens");
    let mut slowest = Duration::ZERO;
    for number in 0..3000 {
        let began = Instant::now();
        let answer = connection.get("/__heartbeat__");
        let answer = answer.unwrap_or_else(|error| panic!("probe {number}: {error}"));
        assert_eq!(answer.status, 200, "probe {number}: {answer:?}");
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < Duration::from_millis(950), "{slowest:?}");
}
