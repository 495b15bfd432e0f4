//! What the fuzz targets in `fuzz/` call: readers and writers that are not part of the API.

use std::ffi::OsString;

use actix_web::http::header::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use slog::{OwnedKVList, Record};

use crate::{
    environment::Environment,
    error::Error,
    logging::{Format, Layout, Line, LogOptions, Value},
    metrics,
    process::ProcessOptions,
    request::{RequestId, TraceContext},
    service::ServiceOptions,
    settings::Files,
};

/// The forms of a line.
pub const FORMATS: [&str; 5] = ["mozlog", "gcp", "json", "text", "coloured"];

/// Returns the line of a record in a request whose client sent these bytes and named this trace.
#[must_use]
pub fn line(
    format: &str,
    record: &Record<'_>,
    values: &OwnedKVList,
    sent: &[u8],
    trace: Option<&TraceContext>,
) -> Vec<u8> {
    let format = match format {
        "gcp" => Format::Gcp,
        "json" => Format::Json,
        "text" => Format::Text { coloured: false },
        "coloured" => Format::Text { coloured: true },
        _ => Format::Mozlog,
    };
    let layout = Layout::new(format, record.module());
    let message = Some(Value::Format(*record.msg()));
    let fields = |line: &mut Line<'_>| {
        line.slog(record, values);
        line.outer("agent", Value::Bytes(sent));
        if let Some(trace) = trace {
            line.outer("trace_id", Value::Plain(trace.trace_bytes()));
            line.google_trace(Some("project"), trace.trace_id(), trace.span_id());
        }
        line.source(record.file(), record.line());
    };
    layout.line(
        record.level(),
        record.tag(),
        message,
        fields,
        <[u8]>::to_vec,
    )
}

/// Returns the id of a request that has this header.
#[must_use]
pub fn request_id(sent: &HeaderValue) -> RequestId {
    RequestId::accept(Some(sent))
}

/// Returns the trace of a request that has these headers.
#[must_use]
pub fn trace(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::accept(headers)
}

/// Returns the lines that are sent of one that an app's client of statsd wrote.
#[must_use]
pub fn statsd_lines(line: &str) -> String {
    String::from_utf8(metrics::sent(line)).expect("text stays text")
}

/// Reads an app's settings from these variables and the files at `CONFIG_PATH`, which is one of them.
///
/// # Errors
///
/// Those of [`settings`](crate::settings).
pub fn settings<T: DeserializeOwned>(variables: &[(OsString, OsString)]) -> Result<T, Error> {
    let mut environment = environment(variables);
    let files = Files::read(&mut environment);
    environment.finish(files)?.settings_with(variables.to_vec())
}

/// Reads our own variables.
///
/// # Errors
///
/// Those of [`Server::from_env`](crate::Server::from_env).
pub fn options(variables: &[(OsString, OsString)]) -> Result<(), Error> {
    let mut environment = environment(variables);
    let _ = ProcessOptions::read(&mut environment);
    let _ = ServiceOptions::read(&mut environment);
    let _ = LogOptions::read(&mut environment);
    environment.finish(())
}

fn environment(variables: &[(OsString, OsString)]) -> Environment<'_> {
    Environment::new(|name| {
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    })
}
