//! The log: records of slog, `log` and `tracing`, and panics, as lines on stdout.
//!
//! A [`Server`](crate::Server) starts it. An app logs with the crate that it already uses, and each
//! line of a request has its id.
//!
//! ```
//! log::info!(book = 4711; "sold");
//! tracing::info!(book = 4711, "sold");
//! slog::info!(dockerflow::logging::logger(), "sold"; "book" => 4711);
//! ```

mod bounds;
mod bridges;
mod clock;
mod envelope;
mod escape;
mod fields;
mod filter;
mod google;
mod json;
mod line;
mod mozlog_drain;
#[cfg(feature = "opentelemetry-0_33")]
mod opentelemetry;
mod options;
mod origin;
mod panics;
mod repeats;
mod setup;
mod sink;
#[cfg(test)]
mod tests;
mod text;
mod unresolved;
mod value;
mod writer;

#[cfg(fuzzing)]
pub(crate) use self::line::{Format, Layout};
pub(crate) use self::{
    bridges::raise,
    line::{Known, KnownFields, Line, known},
    options::LogOptions,
    panics::{contain, contain_call, payload_text, service_is_up},
    setup::{start, start_for_tests},
    sink::{Logging, current, dropped, is_on},
    value::{Value, is_plain},
};
#[cfg(feature = "sentry-0_49")]
pub(crate) use self::{
    panics::{Rest, is_contained, observe},
    unresolved::wait as wait_for_panics,
};
pub use slog;

pub use self::{
    bridges::layer,
    mozlog_drain::Mozlog,
    setup::{init_logging, logger},
    sink::flush,
};
