//! A check that never ends.

use std::time::{Duration, Instant};

use actix_web::App;
use dockerflow::health_check;
use tokio::time::sleep;

use super::{IN_TIME, TTL, on_a_thread};
use crate::heartbeat::{
    counted::{Counted, Instance, counts},
    served::Served,
};

#[health_check]
async fn hangs_for_ever(_input: Counted) {
    let _counted = Instance::begin();
    std::future::pending::<()>().await;
}

#[dockerflow::service(checks(hangs_for_ever))]
pub(super) fn with_hanging() -> App {
    App::new().service(counts)
}

pub(super) fn hanging() -> String {
    on_a_thread(async {
        let server = Served::start("hanging", &[]);
        let began = Instant::now();
        let mut slowest = Duration::ZERO;
        let mut threads = 0;
        for number in 0..12 {
            let probe = server.heartbeat().await;
            assert_eq!(probe.status, 503, "{probe:?}");
            slowest = slowest.max(probe.took);
            if number == 0 {
                threads = server.threads("");
            }
            sleep((TTL * 4 / 12 * (number + 1)).saturating_sub(began.elapsed())).await;
        }
        let started = server.count("started").await;
        assert_eq!((started, server.count("inputs").await), (1, 1));
        assert_eq!(server.threads(""), threads);
        assert!(slowest < IN_TIME, "{slowest:?}");
        format!(
            "12 × 503, slowest {slowest:.0?}, {started} instance with its input, {threads} threads before and after"
        )
    })
}
