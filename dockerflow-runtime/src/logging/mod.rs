//! The log: records of slog, `log` and `tracing`, and panics, as lines on stdout.

mod bridges;
mod escape;
mod filter;
mod line;
mod mozlog;
mod options;
mod panics;
mod setup;
mod sink;
mod writer;

pub(crate) use self::{
    line::{Known, Line, Value, known},
    options::LogOptions,
    panics::payload_text,
    setup::start,
    sink::{current, dropped, flush},
};
pub use slog;

pub use self::{
    mozlog::Mozlog,
    setup::{init_logging, logger},
};
