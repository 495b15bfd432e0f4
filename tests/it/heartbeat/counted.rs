//! Counts of a check's instances and inputs, so that a test sees from outside how often it runs.

use std::{
    future::{Ready, ready},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, dev::Payload, get};
use serde_json::json;

static STARTED: AtomicUsize = AtomicUsize::new(0);
static RUNNING: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static INPUTS: AtomicUsize = AtomicUsize::new(0);

/// An instance of a check, counted until it is dropped.
pub(crate) struct Instance {
    /// How many instances came before this one.
    pub(crate) number: usize,
}

impl Instance {
    pub(crate) fn begin() -> Self {
        MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
        Self {
            number: STARTED.fetch_add(1, SeqCst),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, SeqCst);
    }
}

/// An input of a check, counted until it is dropped.
pub(crate) struct Counted(());

impl FromRequest for Counted {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        INPUTS.fetch_add(1, SeqCst);
        ready(Ok(Self(())))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        INPUTS.fetch_sub(1, SeqCst);
    }
}

/// Answers with what has been counted.
#[get("/counts")]
pub(crate) async fn counts() -> impl Responder {
    let counts = json!({
        "started": STARTED.load(SeqCst), "running": RUNNING.load(SeqCst), "most": MOST.load(SeqCst), "inputs": INPUTS.load(SeqCst),
    });
    HttpResponse::Ok().body(counts.to_string())
}
