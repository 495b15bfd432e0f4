//! The log of this process: the one way that every record takes to stdout.

use std::{sync::OnceLock, time::Duration};

use slog::Level;

use super::{
    filter::Filter,
    line::{Layout, Line, Value},
    writer::Writer,
};
use crate::request;

/// So long the end of a process waits for its last lines to be written.
const FLUSH: Duration = Duration::from_secs(2);

/// The one of this process.
static LOGGING: OnceLock<Logging> = OnceLock::new();

/// The log of this process: it lasts until the process ends.
#[derive(Debug)]
pub(crate) struct Logging {
    filter: Filter,
    layout: Layout,
    writer: Writer,
}

/// The log, if it was started.
#[inline]
pub(crate) fn current() -> Option<&'static Logging> {
    LOGGING.get()
}

/// Waits, for at most 2 s, until all that was logged so far is written. Says whether it was.
pub(crate) fn flush() -> bool {
    current().is_none_or(|logging| logging.writer.flush(FLUSH))
}

/// How many lines were lost since the start, because stdout took none.
pub(crate) fn dropped() -> u64 {
    current().map_or(0, |logging| logging.writer.dropped())
}

impl Logging {
    /// Puts a log in place for the rest of the process. Returns it, or the one that is there already.
    pub(super) fn set(filter: Filter, layout: Layout, writer: Writer) -> (&'static Self, bool) {
        let mut first = false;
        let logging = LOGGING.get_or_init(|| {
            first = true;
            Self {
                filter,
                layout,
                writer,
            }
        });
        (logging, first)
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Logs a record that has passed the filter, with the id of the request that is handled.
    pub(crate) fn log(
        &self,
        level: Level,
        kind: &str,
        message: Option<Value<'_>>,
        fields: impl FnOnce(&mut Line<'_>),
    ) {
        self.write(level, kind, message, |line| {
            fields(line);
            request::with(|id| line.outer("rid", Value::Plain(id)));
        });
    }

    /// The same, with these fields alone.
    pub(crate) fn write(
        &self,
        level: Level,
        kind: &str,
        message: Option<Value<'_>>,
        fields: impl FnOnce(&mut Line<'_>),
    ) {
        let push = |line: &[u8]| self.writer.push(line);
        self.layout.line(level, kind, message, fields, push);
    }
}
