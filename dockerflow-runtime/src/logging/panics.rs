//! What a panic says, and that it is logged.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
    thread,
};

use slog::Level;

use super::{
    line::Value,
    sink::{current, flush},
};

/// Panics are logged, with the id of the request that they end. A hook that was set before runs after; the standard library's own
/// does not, as what it prints is no mozlog.
pub(super) fn log_panics() {
    let earlier = panic::take_hook();
    // The standard library's hook is a bare function; one that calls another holds that.
    let earlier = (size_of_val(&*earlier) > 0).then_some(earlier);
    panic::set_hook(Box::new(move |info| {
        log_panic(info);
        if let Some(earlier) = &earlier {
            earlier(info);
        }
    }));
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let Some(logging) = current() else { return };
    let thread = thread::current();
    if logging.filter().allows(Level::Error, "panic") {
        let text = payload_text(info.payload());
        let backtrace = Backtrace::capture();
        logging.log(Level::Error, "panic", Some(Value::Text(text)), |line| {
            if let Some(location) = info.location() {
                line.outer("location", Value::Format(format_args!("{location}")));
            }
            line.outer("thread", Value::Text(thread.name().unwrap_or("unnamed")));
            if backtrace.status() == BacktraceStatus::Captured {
                let text = backtrace.to_string();
                let mut end = text.len().min(BACKTRACE);
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                line.outer("backtrace", Value::Text(&text[..end]));
            }
        });
    }
    // Elsewhere a panic ends a request or a task, and the log's thread lives to write it.
    if cfg!(panic = "abort") || thread.name() == Some("main") {
        flush();
    }
}

/// How much of a back-trace is kept, in bytes: engines of containers split a line at 16 KiB.
const BACKTRACE: usize = 8192;

/// What a panic said.
pub(crate) fn payload_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a payload that is no text")
}
