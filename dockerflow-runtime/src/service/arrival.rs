//! What the summary of a request needs from its arrival, kept because the request is gone if the app fails.

use std::{cell::RefCell, net::IpAddr, ops::Deref, time::Instant};

use actix_web::{dev::RequestHead, http::Method};

use super::{options::SummaryOptions, remote::remote, sent::Sent};

/// How many a thread keeps for later requests.
const KEPT: usize = 64;

/// One whose buffer has grown beyond this is not kept.
const LARGE: usize = 4096;

thread_local! {
    #[expect(clippy::vec_box, reason = "the boxes are handed out")]
    static SPARE: RefCell<Vec<Box<Arrived>>> = const { RefCell::new(Vec::new()) };
}

/// A request that has just arrived. It is a box, because what holds it is moved often, and the box serves later requests, too.
#[derive(Debug)]
pub(super) struct Arrival(Option<Box<Arrived>>);

#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) started: Instant,
    pub(super) method: Method,
    pub(super) sent: Sent,
    /// The client's address, if summaries have it.
    pub(super) remote: Option<IpAddr>,
}

impl Arrival {
    #[inline]
    pub(super) fn of(head: &RequestHead, options: &SummaryOptions) -> Self {
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop());
        let mut arrived = spare.ok().flatten().unwrap_or_else(Arrived::new);
        arrived.started = Instant::now();
        arrived.method.clone_from(&head.method);
        arrived.sent.set(head, options.querystring);
        arrived.remote = if options.remote {
            remote(head, &options.proxies)
        } else {
            None
        };
        Self(Some(arrived))
    }
}

impl Arrived {
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

impl Deref for Arrival {
    type Target = Arrived;

    fn deref(&self) -> &Arrived {
        self.0.as_deref().expect("only its end takes it")
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let Some(arrived) = self.0.take().filter(|one| one.sent.capacity() <= LARGE) else {
            return;
        };
        // A thread that ends keeps none any more.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < KEPT {
                spare.push(arrived);
            }
        });
    }
}
