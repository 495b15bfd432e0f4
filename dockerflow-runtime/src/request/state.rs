//! What is known about a request, in a box that later requests use again.

use std::cell::RefCell;

use actix_web::http::Method;

use super::{arrival::Arrival, id::RequestId, summary::Summary, trace::TraceContext};

/// How many boxes a thread keeps for later requests.
const KEPT: usize = 64;

/// A box whose buffer has room for more bytes is not kept.
const LARGE: usize = 4096;

thread_local! {
    #[expect(clippy::vec_box, reason = "the boxes are handed out")]
    static SPARE: RefCell<Vec<Box<RequestState>>> = const { RefCell::new(Vec::new()) };
}

/// The ids of a request, which its log lines have.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) id: RequestId,
    /// The trace that the client named.
    pub(super) trace: Option<TraceContext>,
    /// The first span that was begun here, if OpenTelemetry is used.
    pub(super) span: Option<TraceContext>,
}

/// What is known about a request.
#[derive(Debug)]
pub(super) struct RequestState {
    /// `None` only in a box that is not in use, or whose id was taken.
    pub(super) ids: Option<Ids>,
    pub(super) summary: Option<Summary>,
    /// Of this request only if `has_arrived`.
    pub(super) arrival: Arrival,
    pub(super) has_arrived: bool,
}

impl RequestState {
    /// Returns an empty box for a request. Give it back with `give_back`.
    #[inline]
    pub(super) fn spare() -> Box<Self> {
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop());
        spare.ok().flatten().unwrap_or_else(Self::new)
    }

    #[cold]
    fn new() -> Box<Self> {
        Box::new(Self {
            ids: None,
            summary: None,
            arrival: Arrival::new(),
            has_arrived: false,
        })
    }

    /// Makes the box ready for a later request, and keeps it.
    #[inline]
    pub(super) fn give_back(mut self: Box<Self>) {
        self.ids = None;
        self.summary = None;
        self.has_arrived = false;
        self.arrival.method = Method::GET; // a client may invent a long one
        if self.arrival.sent.capacity() > LARGE {
            return;
        }
        // A thread that ends keeps none any more.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < KEPT {
                spare.push(self);
            }
        });
    }
}
