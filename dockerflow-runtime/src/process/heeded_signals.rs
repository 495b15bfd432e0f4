//! The signals that the process handles instead of being killed, and whether a server does so already.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::task::JoinHandle;

use super::{signals::Signals, verbosity};

/// The signals that no longer kill the process.
#[derive(Debug)]
pub(super) struct Heeded {
    pub(super) stop: Signals,
    /// Raises the level of the log.
    pub(super) verbosity: JoinHandle<()>,
}

impl Heeded {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            stop: Signals::new()?,
            verbosity: actix_web::rt::spawn(verbosity::listen()),
        })
    }
}

/// Whether a server handles the signals.
#[derive(Clone, Debug, Default)]
pub(super) struct Serving(Arc<AtomicBool>);

impl Serving {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
