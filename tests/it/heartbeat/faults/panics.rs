//! Checks that panic.

use std::time::Duration;

use actix_web::App;
use dockerflow::health_check;
use tokio::{task::yield_now, time::sleep};

use super::{DSN, on_a_thread};
use crate::heartbeat::{counted::counts, served::Served};

/// What the threads of workers are named.
const WORKER: &str = "actix-rt|system";

#[health_check]
async fn panics_before_it_waits() {
    panic!("{DSN} before the first await");
}

#[health_check]
async fn panics_after_it_waited() {
    yield_now().await;
    panic!("{DSN} after the first await");
}

#[health_check]
fn panics_in_a_plain_fn() {
    panic!("{DSN} in a plain fn");
}

#[dockerflow::service(checks(
    panics_before_it_waits,
    panics_after_it_waited,
    panics_in_a_plain_fn
))]
pub(super) fn with_panicking() -> App {
    App::new().service(counts)
}

pub(super) fn panicking() -> String {
    on_a_thread(async {
        let server = Served::start("panicking", &[]);
        while server.threads(WORKER) < 8 {
            sleep(Duration::from_millis(10)).await; // the acceptor is there before them
        }
        let probe = server.heartbeat().await;
        assert_eq!(probe.status, 503, "{probe:?}");
        for name in [
            "panics_before_it_waits",
            "panics_after_it_waited",
            "panics_in_a_plain_fn",
        ] {
            assert_eq!(probe.json()["checks"][name], "critical");
        }
        assert!(!probe.body.contains("tiger"), "{probe:?}");
        for place in [
            "before the first await",
            "after the first await",
            "in a plain fn",
        ] {
            let log = server.log_with(&format!("{DSN} {place} check=")).await;
            let line = log
                .lines()
                .find(|line| line.contains(&format!("{DSN} {place} check=")));
            assert!(
                line.expect("it is there").contains("panics.rs:"),
                "{line:?}"
            );
        }
        assert_eq!(server.threads(WORKER), 8);
        let again = server.heartbeat().await;
        assert_eq!(again.status, 503, "{again:?}");
        "503 that names all three, as many workers as before, payload and place in the log alone"
            .to_owned()
    })
}
