//! The fields of the record `request.summary`, and how they become a line.

use std::{cell::Ref, fmt::Display};

use log::kv;
use serde_json::Value as Json;
use slog::Level;

use crate::{
    logging::{self, Known, KnownFields, Line, Logging, Value, is_plain, known},
    request::{Arrival, Fields, Scope},
};

const TARGET: &str = "request.summary";

/// A summary that is about to be written.
pub(super) struct SummaryRecord<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) scope: &'a Scope,
    pub(super) code: u16,
}

impl SummaryRecord<'_> {
    /// Logs it, with `error` as its message unless the app has set one.
    pub(super) fn log(&self, level: Level, error: Option<&dyn Display>) {
        match logging::current() {
            Some(logging) if !logging.filter().allows(level, TARGET) => {}
            Some(logging) => match (self.own("msg"), error) {
                (Some(own), _) => {
                    let text = own.as_str().map_or_else(|| own.to_string(), Into::into);
                    drop(own);
                    let message = Some(Value::Text(&text));
                    logging.write(level, TARGET, message, |line| self.write(logging, line));
                }
                (None, None) => {
                    logging.write(level, TARGET, None, |line| self.write(logging, line));
                }
                (None, Some(error)) => {
                    let message = Some(Value::Format(format_args!("{error:#}")));
                    logging.write(level, TARGET, message, |line| self.write(logging, line));
                }
            },
            None => self.hand_over(level, error),
        }
    }

    /// The fields that are ours: [`is_ours`] knows each of them.
    #[inline]
    fn each(&self, mut field: impl Put) {
        let arrival = self.arrival;
        let code = u64::from(self.code);
        let milliseconds = u64::try_from(arrival.took().as_millis());
        // A client may send any bytes here. Almost always all of them are plain, and one look at all of them costs less than one at
        // each part.
        let is_plain = is_plain(arrival.sent.all());
        let sent = |bytes| {
            if is_plain {
                Value::Plain(bytes)
            } else {
                Value::Bytes(bytes)
            }
        };
        if let Some(agent) = arrival.sent.agent() {
            field.put(known!("agent"), sent(agent));
        }
        field.put(
            known!("errno"),
            Value::Unsigned(if code < 400 { 0 } else { code }),
        );
        field.put(known!("code"), Value::Unsigned(code));
        if let Some(lang) = arrival.sent.lang() {
            field.put(known!("lang"), sent(lang));
        }
        field.put(
            known!("method"),
            Value::Plain(arrival.method.as_str().as_bytes()),
        );
        field.put(known!("path"), sent(arrival.sent.path()));
        if let Some(query) = arrival.sent.query() {
            field.put(known!("querystring"), sent(query));
        }
        if let Some(address) = arrival.remote {
            field.put(known!("remote"), Value::Format(format_args!("{address}")));
        }
        if let Some(id) = self.scope.id() {
            field.put(known!("rid"), Value::Plain(id.as_bytes()));
        }
        if let Some(trace) = self.scope.trace() {
            field.put(known!("trace_id"), Value::Plain(trace.trace_bytes()));
            if let Some(span) = trace.span_bytes() {
                field.put(known!("span_id"), Value::Plain(span));
            }
        }
        field.put(
            known!("t"),
            Value::Unsigned(milliseconds.unwrap_or(u64::MAX)),
        );
    }

    fn headline(&self) -> String {
        let path = String::from_utf8_lossy(self.arrival.sent.path());
        format!("{} {path} {}", self.arrival.method, self.code)
    }

    /// The request as Google Cloud shows it.
    fn http_request(&self, pair: &mut dyn FnMut(&str, &[u8])) {
        let arrival = self.arrival;
        pair("requestMethod", arrival.method.as_str().as_bytes());
        pair("requestUrl", arrival.sent.path());
        if let Some(agent) = arrival.sent.agent() {
            pair("userAgent", agent);
        }
        if let Some(address) = arrival.remote {
            pair("remoteIp", address.to_string().as_bytes());
        }
        let seconds = arrival.took().as_secs_f64();
        pair("latency", format!("{seconds:.6}s").as_bytes());
    }

    /// The value that the app has set for `name`.
    fn own(&self, name: &str) -> Option<Ref<'_, Json>> {
        let fields = self.scope.summary()?.fields();
        Ref::filter_map(fields, |fields| fields.get(name)).ok()
    }

    #[inline]
    fn write(&self, logging: &Logging, line: &mut Line<'_>) {
        if line.is_for_google() {
            line.headline(|| self.headline());
            if let Some(trace) = self.scope.trace() {
                logging.google_trace(line, trace);
            }
            line.http_request(self.code, |pair| self.http_request(pair));
        }
        let Some(summary) = self.scope.summary() else {
            return self.ours(line);
        };
        let fields = summary.fields();
        let mut set = fields.iter().filter(|(_, value)| !value.is_null());
        if set.any(|(key, _)| is_ours(key)) {
            self.each(Unset(line, &fields));
        } else {
            self.ours(line);
        }
        for (key, value) in fields.iter().filter(|(key, _)| key != "msg") {
            line.json(key, value, Line::unique);
        }
    }

    /// Writes the fields that are ours, none of which the app has set.
    fn ours(&self, line: &mut Line<'_>) {
        match line.known_fields() {
            Some(fields) => self.each(fields),
            None => self.each(ToLine(line)),
        }
    }

    /// Logs to the `log` crate if our log was not started: the app has a logger of its own, or is under test.
    fn hand_over(&self, level: Level, error: Option<&dyn Display>) {
        let level = if level == Level::Error {
            log::Level::Error
        } else {
            log::Level::Info
        };
        if level > log::max_level() {
            return;
        }
        let mut fields = Fields::default();
        self.each(ToJson(&mut fields));
        if let Some(summary) = self.scope.summary() {
            for (name, value) in summary.fields().iter() {
                fields.set(name.clone(), value.clone());
            }
        }
        let pairs = fields.iter().filter(|(_, value)| !value.is_null());
        let pairs = pairs.map(|(name, value)| match value {
            Json::String(text) => (name.as_ref(), kv::Value::from(text.as_str())),
            other => {
                let number = other.as_u64().map(kv::Value::from);
                let value = number.unwrap_or_else(|| kv::Value::from_display(other));
                (name.as_ref(), value)
            }
        });
        let pairs: Vec<(&str, kv::Value<'_>)> = pairs.collect();
        let text = error.map_or_else(|| self.headline(), ToString::to_string);
        log::logger().log(
            &log::Record::builder()
                .level(level)
                .target(TARGET)
                .key_values(&pairs)
                .args(format_args!("{text}"))
                .build(),
        );
    }
}

/// Whether a field of that name is one of ours.
fn is_ours(name: &str) -> bool {
    matches!(
        name,
        "agent"
            | "errno"
            | "code"
            | "lang"
            | "method"
            | "path"
            | "querystring"
            | "remote"
            | "rid"
            | "trace_id"
            | "span_id"
            | "t"
    )
}

/// Takes our fields one by one. Each is a call of its own: its key, and mostly its kind of value, are known to the compiler.
trait Put {
    fn put(&mut self, key: Known, value: Value<'_>);
}

impl Put for KnownFields<'_> {
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "for the reason that KnownFields::add gives"
    )]
    fn put(&mut self, key: Known, value: Value<'_>) {
        self.add(key, value);
    }
}

/// Writes them to a line that keeps a list of its fields.
struct ToLine<'a, 'b>(&'a mut Line<'b>);

impl Put for ToLine<'_, '_> {
    fn put(&mut self, key: Known, value: Value<'_>) {
        self.0.outer(key.name, value);
    }
}

/// Writes those that the app has not set.
struct Unset<'a, 'b>(&'a mut Line<'b>, &'a Fields);

impl Put for Unset<'_, '_> {
    fn put(&mut self, key: Known, value: Value<'_>) {
        if self.1.get(key.name).is_none_or(Json::is_null) {
            self.0.known(key, value);
        }
    }
}

/// Keeps them.
struct ToJson<'a>(&'a mut Fields);

impl Put for ToJson<'_> {
    fn put(&mut self, key: Known, value: Value<'_>) {
        debug_assert!(is_ours(key.name), "{}", key.name);
        let value = match value {
            Value::Unsigned(number) => Json::from(number),
            Value::Bytes(bytes) | Value::Plain(bytes) => String::from_utf8_lossy(bytes).into(),
            Value::Format(text) => text.to_string().into(),
            _ => return,
        };
        self.0.set(key.name.into(), value);
    }
}
