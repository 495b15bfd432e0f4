//! The log's level at run time: SIGUSR1 raises it for a time, and a second one takes that back.

use std::time::Duration;

use actix_web::rt::time::timeout;
use tokio::signal::unix::{SignalKind, signal};

use crate::{logging, service::TARGET};

/// How long the level stays raised, unless another signal takes it back.
const TIME: Duration = Duration::from_secs(600);

/// Listens to SIGUSR1, which no longer kills the process from here on. What is returned raises the level, and does not end.
pub(super) fn listen() -> impl Future<Output = ()> {
    let signal = signal(SignalKind::user_defined1());
    async {
        // It is a signal that a process can always listen to.
        let Ok(mut signal) = signal else { return };
        let next = async || {
            signal.recv().await;
        };
        toggle(next, TIME, set).await;
    }
}

fn set(raised: bool) {
    // The level lets both of these through.
    if raised {
        logging::raise(true);
        log::info!(
            target: TARGET,
            "SIGUSR1: DEBUG records are logged for {TIME:?}, or until the next SIGUSR1"
        );
    } else {
        log::info!(target: TARGET, "the level of the log is LOG_LEVEL again");
        logging::raise(false);
    }
}

/// Calls `set` with `true` at every other signal, and with `false` when the next one comes or `time` is over.
async fn toggle(mut next: impl AsyncFnMut(), time: Duration, mut set: impl FnMut(bool)) {
    loop {
        next().await;
        set(true);
        // Either way it is taken back.
        let _ = timeout(time, next()).await;
        set(false);
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, future::pending};

    use super::*;

    #[actix_web::test]
    async fn the_level_is_taken_back_by_another_signal_and_by_itself() {
        let changes = RefCell::new(Vec::new());
        let mut signals = 0;
        let next = async || {
            signals += 1;
            // The first two come at once, the third soon, and then no more.
            match signals {
                1 | 2 => {}
                3 => actix_web::rt::time::sleep(Duration::from_millis(5)).await,
                _ => pending().await,
            }
        };
        let toggling = toggle(next, Duration::from_millis(20), |raised| {
            changes.borrow_mut().push(raised);
        });
        let ended = timeout(Duration::from_millis(500), toggling).await;
        assert!(ended.is_err(), "it waits for signals");
        assert_eq!(*changes.borrow(), [true, false, true, false]);
    }
}
