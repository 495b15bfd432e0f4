//! What the summary of a request needs from its arrival, kept because the request is gone if the app fails.

use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    ops::Deref,
    time::{Duration, Instant},
};

use actix_web::{dev::RequestHead, http::Method};

use super::{options::SummaryOptions, remote::remote, sent::Sent};

/// How many boxes a thread keeps for later requests.
const KEPT: usize = 64;

/// A box whose buffer holds more bytes is not kept.
const LARGE: usize = 4096;

thread_local! {
    #[expect(clippy::vec_box, reason = "the boxes are handed out")]
    static SPARE: RefCell<Vec<Box<Arrival>>> = const { RefCell::new(Vec::new()) };
}

/// A request that has just arrival. It is a box, because what holds it is moved often, and the box serves later requests, too.
#[derive(Debug)]
pub(super) struct ArrivalBox(Option<Box<Arrival>>);

/// What is kept of the request.
#[derive(Debug)]
pub(super) struct Arrival {
    started: Instant,
    /// How long it took, once that was asked.
    took: Cell<Option<Duration>>,
    pub(super) method: Method,
    pub(super) sent: Sent,
    /// The client's address, if summaries have it.
    pub(super) remote: Option<IpAddr>,
}

impl ArrivalBox {
    #[inline]
    pub(super) fn of(head: &RequestHead, options: &SummaryOptions) -> Self {
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop());
        let mut arrival = spare.ok().flatten().unwrap_or_else(Arrival::new);
        arrival.started = Instant::now();
        arrival.took.set(None);
        arrival.method.clone_from(&head.method);
        arrival.sent.set(head, options.querystring);
        arrival.remote = if options.remote {
            remote(head, &options.proxies)
        } else {
            None
        };
        Self(Some(arrival))
    }
}

impl Arrival {
    /// Returns the time from its arrival to the first call of this: the metrics and the summary say the same, and the clock is read
    /// once.
    #[inline]
    pub(super) fn took(&self) -> Duration {
        self.took.get().unwrap_or_else(|| {
            let took = self.started.elapsed();
            self.took.set(Some(took));
            took
        })
    }

    #[cold]
    fn new() -> Box<Self> {
        Box::new(Self {
            started: Instant::now(),
            took: Cell::new(None),
            method: Method::GET,
            sent: Sent::default(),
            remote: None,
        })
    }
}

impl Deref for ArrivalBox {
    type Target = Arrival;

    fn deref(&self) -> &Arrival {
        self.0.as_deref().expect("only drop takes it")
    }
}

impl Drop for ArrivalBox {
    fn drop(&mut self) {
        let Some(mut arrival) = self.0.take().filter(|one| one.sent.capacity() <= LARGE) else {
            return;
        };
        arrival.method = Method::GET; // a client may invent a long one
        // A thread that ends keeps none any more.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < KEPT {
                spare.push(arrival);
            }
        });
    }
}
