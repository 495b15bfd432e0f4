//! One run at a time: which probe begins it, which probes wait for it, and for how long is its result fresh?

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::lock::lock;

/// The run in flight, and the result of the last one. A run has the progress `P` while it is in flight, and ends with the result `R`.
pub(super) struct Flights<R, P> {
    /// How long a result is fresh.
    ttl: Duration,
    known: Mutex<Known<R, P>>,
}

struct Known<R, P> {
    last: Option<(Instant, R)>,
    current: Option<Waiter<R, P>>,
}

/// What a probe is to do for its result.
pub(super) enum Joined<R, P> {
    /// Nothing: there is a fresh one.
    Fresh(R),
    /// Wait for the run in flight.
    Waiting(Waiter<R, P>),
    /// Carry out this new run, and wait for it.
    First(Flight<R, P>, Waiter<R, P>),
}

/// The receiving end of a run.
#[derive(Clone)]
pub(super) struct Waiter<R, P> {
    result: watch::Receiver<Option<R>>,
    pub(super) progress: P,
}

/// The run in flight. If it is dropped, it was lost.
pub(super) struct Flight<R, P> {
    flights: Arc<Flights<R, P>>,
    sender: watch::Sender<Option<R>>,
    has_landed: bool,
}

impl<R: Clone, P: Clone> Flights<R, P> {
    pub(super) fn new(ttl: Duration) -> Arc<Self> {
        Arc::new(Self {
            ttl,
            known: Mutex::new(Known {
                last: None,
                current: None,
            }),
        })
    }

    /// Returns the last result if it is fresh.
    pub(super) fn fresh(&self) -> Option<R> {
        lock(&self.known).fresh(self.ttl)
    }

    /// Returns the last result if it is fresh, else the run in flight, else a new one with the progress that `progress` makes
    /// within the lock.
    pub(super) fn join(self: &Arc<Self>, progress: impl FnOnce() -> P) -> Joined<R, P> {
        let mut known = lock(&self.known);
        if let Some(fresh) = known.fresh(self.ttl) {
            return Joined::Fresh(fresh);
        }
        if let Some(waiter) = &known.current {
            return Joined::Waiting(waiter.clone());
        }
        let (sender, result) = watch::channel(None);
        let waiter = Waiter {
            result,
            progress: progress(),
        };
        known.current = Some(waiter.clone());
        let flight = Flight {
            flights: self.clone(),
            sender,
            has_landed: false,
        };
        Joined::First(flight, waiter)
    }
}

impl<R: Clone, P> Known<R, P> {
    fn fresh(&self, ttl: Duration) -> Option<R> {
        let (landed, result) = self.last.as_ref()?;
        (landed.elapsed() < ttl).then(|| result.clone())
    }
}

impl<R: Clone, P> Waiter<R, P> {
    /// Waits for the result; `None` if the run was lost.
    pub(super) async fn result(&mut self) -> Option<R> {
        self.result.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl<R: Clone, P> Flight<R, P> {
    /// Ends the run: every waiter gets its result, and so do later probes while it is fresh.
    pub(super) fn land(mut self, result: R) {
        {
            let mut known = lock(&self.flights.known);
            known.current = None;
            known.last = Some((Instant::now(), result.clone()));
        }
        self.has_landed = true;
        let _every_prober_may_be_gone = self.sender.send(Some(result));
    }
}

impl<R, P> Drop for Flight<R, P> {
    fn drop(&mut self) {
        if !self.has_landed {
            lock(&self.flights.known).current = None;
        }
    }
}
