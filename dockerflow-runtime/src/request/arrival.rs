//! What the summary of a request needs from its arrival, kept because the request is gone if the app fails.

use std::{
    cell::Cell,
    net::IpAddr,
    time::{Duration, Instant},
};

use actix_web::{dev::RequestHead, http::Method};

use super::sent::Sent;

/// What was noted of a request as it arrived.
#[derive(Debug)]
pub(crate) struct Arrival {
    started: Instant,
    /// How long it took, once that was asked.
    took: Cell<Option<Duration>>,
    pub(crate) method: Method,
    pub(crate) sent: Sent,
    /// The client's address, if summaries have it.
    pub(crate) remote: Option<IpAddr>,
}

impl Arrival {
    /// A placeholder, until the first request arrives.
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            took: Cell::new(None),
            method: Method::GET,
            sent: Sent::default(),
            remote: None,
        }
    }

    /// Begins anew with the request that arrives now.
    #[inline]
    pub(super) fn set(&mut self, head: &RequestHead, with_query: bool, remote: Option<IpAddr>) {
        self.started = Instant::now();
        self.took.set(None);
        self.method.clone_from(&head.method);
        self.sent.set(head, with_query);
        self.remote = remote;
    }

    /// Returns the time from its arrival to the first call of this: the metrics and the summary say the same, and the clock is read
    /// once.
    #[inline]
    pub(crate) fn took(&self) -> Duration {
        self.took.get().unwrap_or_else(|| {
            let took = self.started.elapsed();
            self.took.set(Some(took));
            took
        })
    }
}
