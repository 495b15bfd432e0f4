//! Which check blocks the thread that it runs on? One warning names it.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::future::LocalBoxFuture;

use super::{
    check::Check,
    records::{TARGET, milliseconds},
};
use crate::lock::lock;

/// A single poll that takes longer than this blocks its thread.
const LONGEST_POLL: Duration = Duration::from_millis(100);

/// The checks that block, as far as they have been found.
pub(super) struct Blocking {
    checks: Arc<[Check]>,
    /// The check that the health thread polls now, and since when.
    polled: Mutex<Option<(usize, Instant)>>,
    /// For each check, whether a warning has named it, and one its arguments.
    named: Vec<[AtomicBool; 2]>,
}

/// What is polled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Polled {
    /// A check, on the health thread.
    Check,
    /// The extraction of its arguments, on a worker.
    Arguments,
}

impl Blocking {
    pub(super) fn new(checks: Arc<[Check]>) -> Self {
        Self {
            polled: Mutex::default(),
            named: checks.iter().map(|_| Default::default()).collect(),
            checks,
        }
    }

    /// Logs the check that blocks the health thread at this moment, if one does.
    pub(super) fn report_current(&self) {
        let polled = *lock(&self.polled);
        if let Some((index, since)) = polled {
            self.report(index, Polled::Check, since.elapsed());
        }
    }

    /// Logs, once, that a check or the extraction of its arguments has blocked its thread, if it took too long.
    fn report(&self, index: usize, polled: Polled, took: Duration) {
        if took <= LONGEST_POLL || self.named[index][polled as usize].swap(true, Ordering::Relaxed)
        {
            return;
        }
        let check = &self.checks[index];
        let duration_ms = milliseconds(took);
        match polled {
            Polled::Check => log::warn!(
                target: TARGET, check = check.name, place:% = check.place, duration_ms;
                "the check {:?} blocks its thread, for {took:.0?} so far: make it a plain `fn`, which runs on a blocking pool",
                check.name
            ),
            Polled::Arguments => log::warn!(
                target: TARGET, check = check.name, place:% = check.place, duration_ms;
                "an argument of the check {:?} blocked a worker while it was extracted, for {took:.0?}: \
                 do the work in the check itself, or make it asynchronous",
                check.name
            ),
        }
    }
}

/// A future whose every poll is timed.
pub(super) struct Timed<T> {
    pub(super) future: LocalBoxFuture<'static, T>,
    pub(super) index: usize,
    pub(super) polled: Polled,
    pub(super) blocking: Arc<Blocking>,
}

impl<T> Future for Timed<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        /// Ends the poll even if it panics.
        struct Clock<'a>(&'a Blocking, usize, Polled, Instant);
        impl Drop for Clock<'_> {
            fn drop(&mut self) {
                if self.2 == Polled::Check {
                    *lock(&self.0.polled) = None;
                }
                self.0.report(self.1, self.2, self.3.elapsed());
            }
        }
        let this = &mut *self;
        let began = Instant::now();
        if this.polled == Polled::Check {
            *lock(&this.blocking.polled) = Some((this.index, began));
        }
        let _clock = Clock(&this.blocking, this.index, this.polled, began);
        this.future.as_mut().poll(context)
    }
}
