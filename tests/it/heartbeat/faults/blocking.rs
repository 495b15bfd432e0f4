//! Checks that block their thread.

use std::{
    thread,
    time::{Duration, Instant},
};

use actix_web::App;
use dockerflow::{__private::Definition, health_check};
use tokio::{join, time::sleep};

use super::{
    IN_TIME, balanced,
    by_hand::{hand_made, many, numbered},
    on_a_thread,
};
use crate::heartbeat::{
    counted::{Instance, counts},
    served::Served,
};

#[health_check]
async fn blocks_three_seconds() {
    if Instance::begin().number == 0 {
        thread::sleep(Duration::from_secs(3));
    }
}

#[dockerflow::service(checks(blocks_three_seconds))]
pub(super) fn with_blocking() -> App {
    App::new().service(counts)
}

pub(super) fn blocking() -> String {
    on_a_thread(async {
        let server = Served::start("blocking", &[]);
        let (heartbeats, slowest) = join!(heartbeats_for_three_seconds(&server), balanced(&server));
        let after = server.heartbeat().await;
        let log = server
            .log_with("\"blocks_three_seconds\" blocks its thread")
            .await;
        assert_eq!(log.matches("blocks its thread").count(), 1, "{log}");
        assert!(slowest < Duration::from_millis(250), "{slowest:?}");
        assert_eq!(after.status, 503, "a late `Ok` is none: {after:?}");
        format!(
            "{heartbeats}; slowest of 160 lbheartbeats {slowest:.0?}; named in one warning; the late `ok` is a 503"
        )
    })
}

/// Probes until the check has come back: each is a 503 in time.
async fn heartbeats_for_three_seconds(server: &Served) -> String {
    let began = Instant::now();
    let (mut count, mut slowest) = (0, Duration::ZERO);
    while began.elapsed() < Duration::from_millis(3100) {
        let probe = server.heartbeat().await;
        assert_eq!(probe.status, 503, "{probe:?}");
        assert!(probe.took < IN_TIME, "{probe:?}");
        slowest = slowest.max(probe.took);
        count += 1;
        sleep(Duration::from_millis(100)).await;
    }
    format!("{count} × 503, slowest {slowest:.0?}")
}

fn blocks_plainly() {
    let _counted = Instance::begin();
    thread::sleep(Duration::from_secs(3));
}

hand_made!(
    with_blocking_plainly,
    many(100, || Definition::blocking(
        numbered("blocks"),
        (),
        blocks_plainly
    ))
);

pub(super) fn blocking_plainly() -> String {
    on_a_thread(async {
        let server = Served::start("blocking plainly", &[]);
        let (heartbeats, slowest) = join!(heartbeats_for_three_seconds(&server), balanced(&server));
        let threads = server.threads("dockerflow-chec");
        let most = server.count("most").await;
        assert!(
            threads <= 16 && most <= 16,
            "{threads} threads, {most} at once"
        );
        assert!(slowest < Duration::from_millis(250), "{slowest:?}");
        format!(
            "{heartbeats}; 100 checks on {threads} threads; slowest of 160 lbheartbeats {slowest:.0?}"
        )
    })
}
