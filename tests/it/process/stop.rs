//! How long does a stop take if nobody reads stdout, a request never ends, and the statsd server has no address?

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use super::command;
use crate::support::Process;

/// Sends SIGTERM to such a service, and returns how long it takes to end.
fn stop(variables: &[(&str, &str)]) -> Duration {
    let mut command = command();
    command.envs([
        ("PORT", "0"),
        ("HOST", "127.0.0.1"),
        ("STATSD_HOST", "statsd.invalid"),
    ]);
    command.envs(variables.iter().copied());
    let mut serving = Process::start_unread(command, Stdio::piped());
    let _stdout = serving.stdout();
    // More lines than a pipe holds.
    let mut connection = serving.connect();
    for _ in 0..1000 {
        assert_eq!(connection.get("/").expect("it serves").status, 200);
    }
    connection.ask("/slow/50000").expect("it reads");
    let began = Instant::now();
    assert_eq!(serving.stop().code(), Some(0));
    began.elapsed()
}

/// The delay, the time-out, actix-web's poll of its workers, and all flushes.
#[test]
fn the_flushes_of_a_stop_take_two_and_a_half_seconds_at_most() {
    let took = stop(&[
        ("DOCKERFLOW_DRAIN_DELAY", "500ms"),
        ("DOCKERFLOW_SHUTDOWN_TIMEOUT", "1s"),
    ]);
    assert!(took > Duration::from_millis(1_500), "{took:?}");
    assert!(took < Duration::from_secs(7), "{took:?}");
}

/// Kubernetes' default of `terminationGracePeriodSeconds` is 30 s.
#[test]
#[ignore = "takes half a minute: `.ci/long stop`"]
fn a_stop_with_the_defaults_ends_within_kubernetes_grace_period() {
    let took = stop(&[]);
    println!("the stop took {took:.1?}");
    assert!(took > Duration::from_secs(25), "{took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}
