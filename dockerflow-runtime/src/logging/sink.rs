//! The log of this process: every record goes through it to stdout.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use slog::Level;

use super::{
    filter::Filter,
    line::{Layout, Line},
    options::LogOptions,
    origin::RecordOrigin,
    repeats::{LeftOut, Repeats},
    unresolved,
    value::Value,
    writer::Writer,
};
use crate::request::{self, TraceContext};

/// How long the end of a process waits for its last lines to be written.
const FLUSH: Duration = Duration::from_secs(2);

/// The log of this process.
static LOGGING: OnceLock<Logging> = OnceLock::new();

/// The log of a process. It lasts until the process ends.
#[derive(Debug)]
pub(crate) struct Logging {
    filter: Filter,
    /// The filter that lets DEBUG records through, for a time in which somebody looks closely.
    raised_filter: Filter,
    is_raised: AtomicBool,
    layout: Layout,
    writer: Writer,
    /// `LOG_REPEAT_LIMIT`.
    repeats: Option<Repeats>,
    /// `GOOGLE_CLOUD_PROJECT`.
    project: Option<String>,
}

/// Takes a line instead of stdout, and returns whether it has.
pub(crate) type Tap = fn(&[u8]) -> bool;

/// The tap of a program's tests.
static TAP: OnceLock<Tap> = OnceLock::new();

/// Sends each line to `tap` first, from now on.
pub(super) fn set_tap(tap: Tap) {
    let _only_one = TAP.set(tap);
}

/// Whether these are a program's tests.
pub(super) fn is_tapped() -> bool {
    TAP.get().is_some()
}

/// Returns the log, if it was started.
#[inline]
pub(crate) fn current() -> Option<&'static Logging> {
    LOGGING.get()
}

/// Whether any record is logged, by us or, if our log was not started, by the logger of the `log` crate.
#[inline]
pub(crate) fn is_on() -> bool {
    match current() {
        Some(logging) => logging.filter().most().is_some(),
        None => log::max_level() != log::LevelFilter::Off,
    }
}

/// Waits, for at most 2 s, until all that was logged so far is written. Returns whether it was.
///
/// A server does it as it ends, and so does the thread that has started the log. It is for a program that ends in another way:
///
/// ```no_run
/// log::error!("the disk is gone");
/// dockerflow::logging::flush();
/// std::process::exit(3); // on a thread other than the main one
/// ```
///
/// If nobody reads stdout, only the first call waits.
pub fn flush() -> bool {
    static BLOCKED: AtomicBool = AtomicBool::new(false);
    let limit = if BLOCKED.load(Ordering::Relaxed) {
        Duration::ZERO
    } else {
        FLUSH
    };
    let written = current().is_none_or(|logging| {
        let deadline = Instant::now() + limit;
        if let Some(repeats) = &logging.repeats {
            logging.report_left_out(&repeats.end());
        }
        unresolved::wait(deadline);
        let left = deadline.saturating_duration_since(Instant::now());
        logging.writer.flush(left)
    });
    BLOCKED.store(!written, Ordering::Relaxed);
    written
}

/// How many lines were lost since the start, because stdout took none.
pub(crate) fn dropped() -> u64 {
    current().map_or(0, |logging| logging.writer.dropped())
}

impl Logging {
    /// Puts a log in place for the rest of the process. Returns it, or the one that is there already.
    pub(super) fn set(
        options: &LogOptions,
        layout: Layout,
        writer: Writer,
    ) -> (&'static Self, bool) {
        let mut first = false;
        let logging = LOGGING.get_or_init(|| {
            first = true;
            Self {
                filter: options.filter.clone(),
                raised_filter: options.filter.raised(Level::Debug),
                is_raised: AtomicBool::new(false),
                layout,
                writer,
                repeats: options.repeat_limit.map(Repeats::new),
                project: options.project.clone(),
            }
        });
        (logging, first)
    }

    pub(crate) fn filter(&self) -> &Filter {
        if self.is_raised.load(Ordering::Relaxed) {
            &self.raised_filter
        } else {
            &self.filter
        }
    }

    pub(super) fn set_raised(&self, raised: bool) {
        self.is_raised.store(raised, Ordering::Relaxed);
    }

    /// Logs a record that has passed the filter, with the ids of the request that is handled.
    pub(crate) fn log(
        &self,
        level: Level,
        origin: &RecordOrigin<'_>,
        message: Option<Value<'_>>,
        fields: impl FnOnce(&mut Line<'_>),
    ) {
        if let Some(repeats) = &self.repeats {
            let (admitted, left_out) = repeats.admit(origin);
            self.report_left_out(&left_out);
            if !admitted {
                return;
            }
        }
        self.write(level, origin.target, message, |line| {
            fields(line);
            // It cannot be asked which span is current while it says that it cannot change that.
            #[cfg(feature = "opentelemetry-0_33")]
            if !origin.target.starts_with("opentelemetry")
                && let Some(trace) = super::opentelemetry::current()
            {
                self.trace(line, &trace);
            }
            request::with(|id, trace| {
                line.outer("rid", Value::Plain(id.as_bytes()));
                if let Some(trace) = trace {
                    self.trace(line, trace);
                }
            });
            if level.is_at_least(Level::Error)
                && let Some(file) = origin.file
            {
                line.source(file, origin.line);
            }
        });
    }

    /// Logs how many repeated lines were left out.
    fn report_left_out(&self, left_out: &[LeftOut]) {
        for one in left_out {
            if self.filter.allows(Level::Warning, "dockerflow.log") {
                let text =
                    "lines were left out: more than LOG_REPEAT_LIMIT a second came from one place";
                let message = Some(Value::Text(text));
                self.write(Level::Warning, "dockerflow.log", message, |fields| {
                    fields.outer("left_out", Value::Unsigned(one.lines));
                    fields.outer("target", Value::Text(&one.target));
                    if one.line > 0 {
                        let (place, line) = (&one.place, one.line);
                        fields.outer("place", Value::Format(format_args!("{place}:{line}")));
                    }
                });
            }
        }
    }

    /// Adds the ids of a trace.
    pub(crate) fn trace(&self, line: &mut Line<'_>, trace: &TraceContext) {
        line.outer("trace_id", Value::Plain(trace.trace_bytes()));
        if let Some(span) = trace.span_bytes() {
            line.outer("span_id", Value::Plain(span));
        }
        self.google_trace(line, trace);
    }

    /// Adds the link to a trace, for Google Cloud.
    pub(crate) fn google_trace(&self, line: &mut Line<'_>, trace: &TraceContext) {
        line.google_trace(self.project.as_deref(), trace.trace_id(), trace.span_id());
    }

    /// Logs a record with only these fields.
    pub(crate) fn write(
        &self,
        level: Level,
        target: &str,
        message: Option<Value<'_>>,
        fields: impl FnOnce(&mut Line<'_>),
    ) {
        let push = |line: &[u8]| {
            if !TAP.get().is_some_and(|tap| tap(line)) {
                self.writer.push(line);
            }
        };
        self.layout.line(level, target, message, fields, push);
    }
}
