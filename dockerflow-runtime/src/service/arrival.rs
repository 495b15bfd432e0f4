//! What the summary of a request needs from its arrival, kept because the request is gone if the app fails.

use std::{cell::RefCell, net::IpAddr, ops::Deref, time::Instant};

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
    pub(super) started: Instant,
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
    #[cold]
    fn new() -> Box<Self> {
        Box::new(Self {
            started: Instant::now(),
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
