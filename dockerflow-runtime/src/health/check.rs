//! A check before it runs: its name, place, level and deadline, and its work.

use std::{
    fmt::{self, Display},
    time::Duration,
};

use futures_util::future::LocalBoxFuture;

use super::{level::Level, message::Message};

/// The place of a check in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: &'static str,
    pub(crate) line: u32,
}

impl Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// The properties of a check that are known before it runs.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    /// The worst level that this check can have. A message above it is lowered to it.
    pub(crate) worst: Level,
    /// Its deadline, if it has one of its own.
    pub(crate) timeout: Option<Duration>,
}

/// A check with its inputs, ready to be sent to the health thread. Calling it there starts the check.
pub(crate) type Job = Box<dyn FnOnce() -> Work + Send>;

/// A check that has been started, on the thread that it stays on.
pub(crate) enum Work {
    /// Is polled on the health thread.
    Async(LocalBoxFuture<'static, Vec<Message>>),
    /// Is called on the blocking pool.
    Blocking(Box<dyn FnOnce() -> Vec<Message> + Send>),
}
