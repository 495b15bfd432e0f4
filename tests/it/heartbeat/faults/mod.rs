//! What does a prober see under each fault? The test prints a table, each row from a real server over TCP with eight workers.

mod blocking;
mod by_hand;
mod cold;
mod dependency;
mod hanging;
mod log;
mod many;
mod panics;
mod secrets;
mod slow;

use std::{
    panic::catch_unwind,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
    time::Duration,
};

use actix_web::rt::System;
use tokio::{join, time::sleep};

use super::served::{Served, serve};
use crate::support::skip;

const DSN: &str = "postgres://scott:tiger@db.example/shop";
const TTL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_millis(800);
/// What a prober with a patience of one second needs.
const IN_TIME: Duration = Duration::from_millis(950);

/// A fault, what a prober must see, and how the fault is caused.
type Row = (&'static str, fn() -> String);

const ROWS: &[Row] = &[
    ("300 ms check, 200 probes at once", slow::two_hundred_probes),
    (
        "the leading client resets its connection at 100 ms",
        slow::reset,
    ),
    (
        "the check hangs for ever, 12 probes over 4 TTLs",
        hanging::hanging,
    ),
    (
        "a panic before the first await, after it, in a plain fn",
        panics::panicking,
    ),
    ("cold 2.5 s connection, then fast", cold::cold),
    ("thread::sleep(3 s) inside an async fn", blocking::blocking),
    (
        "the same in a plain fn, 100 times over",
        blocking::blocking_plainly,
    ),
    ("a planted DSN in an error and in a panic", secrets::secret),
    (
        "1,000 checks, names with quotes and newlines",
        many::thousand,
    ),
    (
        "a check that floods 10,000 messages, details on",
        many::flooding,
    ),
    ("dependency killed, and back again", dependency::killed),
    ("an argument that blocks its worker for 3 s", log::argument),
    ("two messages with one id", log::two_messages),
    ("a check that takes 86 % of its deadline", log::almost_late),
    ("a check that fails, recovers, and fails", log::changes),
    ("a check that fails since the start", log::since_the_start),
    ("a handler that blocks its worker for 5 s", log::handler),
];

#[test]
fn every_fault_is_answered_in_time_and_told_as_it_is() {
    if !cfg!(target_os = "linux") {
        return skip("threads are counted in /proc, which this system does not have");
    }
    let first = side_by_side();
    let mut failed = Vec::new();
    println!("| fault | seen | attempts |\n|---|---|---|");
    for ((fault, show), mut shown) in ROWS.iter().zip(first) {
        // The bounds are the product's. If the machine is too busy for them, a row may try again, alone.
        let mut attempts = 1;
        while shown.is_err() && attempts < 4 {
            shown = catch_unwind(show);
            attempts += 1;
        }
        let shown = shown.unwrap_or_else(|_| {
            failed.push(fault);
            "**NOT WHAT IT MUST BE**".to_owned()
        });
        println!("| {fault} | {shown} | {attempts} |");
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// The first attempt of each row, three at a time: most of a row is waiting.
fn side_by_side() -> Vec<thread::Result<String>> {
    let next = AtomicUsize::new(0);
    let lane = || {
        let mut shown = Vec::new();
        loop {
            let row = next.fetch_add(1, SeqCst);
            let Some((_, show)) = ROWS.get(row) else {
                return shown;
            };
            shown.push((row, catch_unwind(show)));
        }
    };
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..3).map(|_| scope.spawn(lane)).collect();
        let shown = lanes
            .into_iter()
            .map(|lane| lane.join().expect("panics are caught"));
        let mut shown: Vec<_> = shown.flatten().collect();
        shown.sort_by_key(|(row, _)| *row);
        shown.into_iter().map(|(_, shown)| shown).collect()
    })
}

/// Serves the app of a row. Called in the child.
pub(super) fn serve_one(name: &str) {
    match name {
        "slow" => serve(slow::with_slow),
        "hanging" => serve(hanging::with_hanging),
        "panicking" => serve(panics::with_panicking),
        "cold" => serve(cold::with_cold),
        "blocking" => serve(blocking::with_blocking),
        "blocking plainly" => serve(blocking::with_blocking_plainly),
        "secret" => serve(secrets::with_secret),
        "thousand" => serve(many::with_thousand),
        "flooding" => serve(many::with_flooding),
        "blocking argument" => serve(log::with_blocking_argument),
        "two messages" => serve(log::with_two_messages),
        "almost late" => serve(log::with_almost_late),
        "dependent" => serve(dependency::with_dependency),
        _ => panic!("no app is named {name:?}"),
    }
}

fn on_a_thread<T>(shown: impl Future<Output = T>) -> T {
    System::new().block_on(shown)
}

/// The slowest of 160 probes of `/__lbheartbeat__` over two seconds, 16 at a time.
async fn balanced(server: &Served) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let probes = (0..16).map(|_| server.probe("/__lbheartbeat__"));
        let (probes, ()) = join!(
            futures_util::future::join_all(probes),
            sleep(Duration::from_millis(200))
        );
        for probe in probes {
            assert_eq!(probe.status, 200, "{probe:?}");
            slowest = slowest.max(probe.took);
        }
    }
    slowest
}
