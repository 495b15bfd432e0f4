//! Flat lines of JSON, by slog-json, for collectors that know nothing of mozlog.

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{LazyLock, PoisonError, RwLock},
};

use slog::{BorrowedKV, Drain as _, KV, Key, Level, Record, Serializer, o, record_static};
use slog_json::Json;

use super::clock::now;

/// How many keys are kept that slog does not have from the program's text: one that makes keys up would make more and more.
const KEYS: usize = 4096;

/// Appends a line. Everything but the level is given as JSON.
pub(super) fn write<'a>(
    into: &mut Vec<u8>,
    level: Level,
    target: &[u8],
    message: Option<&[u8]>,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) {
    let fields = Fields {
        level,
        target,
        message,
        all: fields.collect(),
    };
    let place = record_static!(level, "");
    let nothing = format_args!("");
    let record = Record::new(&place, &nothing, BorrowedKV(&fields));
    let written = Json::new(into).build().log(&record, &o!().into());
    // JSON can express every value.
    debug_assert!(written.is_ok(), "{written:?}");
}

/// The fields of a line, in order.
struct Fields<'a> {
    level: Level,
    target: &'a [u8],
    message: Option<&'a [u8]>,
    all: Vec<(&'a [u8], &'a [u8])>,
}

impl KV for Fields<'_> {
    fn serialize(&self, _record: &Record<'_>, to: &mut dyn Serializer) -> slog::Result {
        let time = humantime::format_rfc3339_micros(now());
        to.emit_str(key("time"), &time.to_string())?;
        to.emit_str(key("level"), name(self.level))?;
        emit(to, key("target"), self.target)?;
        emit(to, key("msg"), self.message.unwrap_or(br#""""#))?;
        let mut lost: u64 = 0;
        for (name, value) in &self.all {
            match lasting(&text(name)) {
                Some(name) => emit(to, key(name), value)?,
                None => lost += 1,
            }
        }
        if lost > 0 {
            to.emit_u64(key("log.keys_cut"), lost)?;
        }
        Ok(())
    }
}

#[allow(
    clippy::useless_conversion,
    reason = "the feature `dynamic-keys`, which a program may enable, makes it another type"
)]
fn key(name: &'static str) -> Key {
    name.into()
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Critical => "critical",
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// Emits a value that is given as JSON: a string, a number or a boolean.
fn emit(to: &mut dyn Serializer, key: Key, json: &[u8]) -> slog::Result {
    match json {
        b"true" => return to.emit_bool(key, true),
        b"false" => return to.emit_bool(key, false),
        [b'"', ..] => return to.emit_str(key, &text(json)),
        _ => {}
    }
    let number = str::from_utf8(json).unwrap_or_default();
    if let Ok(number) = number.parse::<u64>() {
        to.emit_u64(key, number)
    } else if let Ok(number) = number.parse::<i64>() {
        to.emit_i64(key, number)
    } else if let Ok(number) = number.parse::<f64>() {
        to.emit_f64(key, number)
    } else {
        to.emit_str(key, number)
    }
}

/// Returns the text of a JSON string. Almost none has an escape.
fn text(json: &[u8]) -> Cow<'_, str> {
    if let [b'"', inside @ .., b'"'] = json
        && !inside.contains(&b'\\')
        && let Ok(text) = str::from_utf8(inside)
    {
        return text.into();
    }
    serde_json::from_slice(json).unwrap_or_default()
}

/// Returns the name with a static lifetime, as slog requires. `None` if there are too many already.
fn lasting(name: &str) -> Option<&'static str> {
    static NAMES: LazyLock<RwLock<HashSet<&'static str>>> = LazyLock::new(RwLock::default);
    let known = NAMES.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.get(name) {
        return Some(known);
    }
    drop(known);
    let mut known = NAMES.write().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= KEYS {
        return None;
    }
    let name: &'static str = Box::leak(name.into());
    known.insert(name);
    Some(name)
}
