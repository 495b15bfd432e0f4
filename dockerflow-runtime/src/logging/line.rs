//! How a record becomes one line: of mozlog, of mozlog for Google Cloud, or of text for people.

use std::{
    cell::Cell,
    fmt::{self, Write as _},
    io,
    ops::Range,
    process,
    time::{Duration, SystemTime},
};

use serde_json::Value as Json;
use slog::{KV as _, Key, Level, OwnedKVList, Record, Serializer};

use super::escape::{Escaped, escape, escape_lossy};

/// In what form lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Mozlog,
    /// mozlog with `severity` and `message`, which Google Cloud reads.
    Gcp,
    Text {
        coloured: bool,
    },
}

/// All of a line that is known before there is a record.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) format: Format,
    /// By level: what stands between `Type` and the fields.
    envelopes: [Vec<u8>; 6],
}

const LEVELS: [(Level, u8, &str); 6] = [
    (Level::Critical, b'2', "CRITICAL"),
    (Level::Error, b'3', "ERROR"),
    (Level::Warning, b'4', "WARNING"),
    (Level::Info, b'6', "INFO"),
    (Level::Debug, b'7', "DEBUG"),
    (Level::Trace, b'7', "DEBUG"),
];

/// A buffer that has grown beyond this is not kept.
const KEPT: usize = 64 * 1024;

thread_local! {
    /// Kept from line to line. Taken while a line is made: a value that logs while it is formatted finds none, and makes one.
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

#[derive(Debug, Default)]
struct Scratch {
    text: Vec<u8>,
    fields: Vec<Field>,
}

/// Where a field stands in the text: all of it, and its key.
#[derive(Clone, Debug)]
struct Field {
    all: Range<usize>,
    key: Range<usize>,
}

impl Layout {
    pub(crate) fn new(format: Format, logger: &str) -> Self {
        let host = hostname::get().unwrap_or_default();
        let host = match host.to_string_lossy() {
            host if host.is_empty() => "unknown".into(),
            host => host,
        };
        let pid = process::id();
        let envelopes = LEVELS.map(|(_, severity, name)| {
            let mut text = br#"","Logger":""#.to_vec();
            escape(&mut text, logger);
            text.extend_from_slice(br#"","Hostname":""#);
            escape(&mut text, &host);
            text.extend_from_slice(br#"","EnvVersion":"2.0","Severity":"#);
            text.push(severity);
            if format == Format::Gcp {
                text.extend_from_slice(format!(r#","severity":"{name}""#).as_bytes());
            }
            text.extend_from_slice(format!(r#","Pid":{pid},"Fields":{{"#).as_bytes());
            text
        });
        Self { format, envelopes }
    }

    /// Makes a line and hands it to `write`, with its line break.
    pub(crate) fn line<T>(
        &self,
        level: Level,
        kind: &str,
        message: Option<Value<'_>>,
        fields: impl FnOnce(&mut Line<'_>),
        write: impl FnOnce(&[u8]) -> T,
    ) -> T {
        // A thread that ends has no thread-local any more, and may still log.
        let kept = SCRATCH.try_with(Cell::take).ok().flatten();
        let mut scratch = kept.unwrap_or_default();
        scratch.text.clear();
        scratch.fields.clear();
        let mut line = Line {
            format: self.format,
            text: &mut scratch.text,
            fields: &mut scratch.fields,
            message: None,
            headline: None,
            google: Vec::new(),
            traced: false,
        };
        match self.format {
            Format::Text { coloured } => line.begin_text(coloured, level, kind, message),
            Format::Mozlog | Format::Gcp => {
                line.begin(&self.envelopes[level.as_usize() - 1], kind, message);
            }
        }
        fields(&mut line);
        line.end(kind);
        let written = write(&scratch.text);
        if scratch.text.capacity() <= KEPT {
            let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
        }
        written
    }
}

/// A key, and how it stands in JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) json: &'static str,
}

/// A key of a field that many lines have. It needs no escape.
macro_rules! known {
    ($name:literal) => {
        $crate::logging::Known {
            name: $name,
            json: concat!("\"", $name, "\":"),
        }
    };
}
pub(crate) use known;

/// A field's value, as far as a line tells them apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// Text as a client sent it.
    Bytes(&'a [u8]),
    /// ASCII that needs no escape.
    Plain(&'a [u8]),
    Format(fmt::Arguments<'a>),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
}

/// A line under way.
pub(crate) struct Line<'a> {
    format: Format,
    text: &'a mut Vec<u8>,
    fields: &'a mut Vec<Field>,
    /// Where `msg` stands, with its quotes.
    message: Option<Range<usize>>,
    headline: Option<String>,
    /// Members that stand beside `Fields` for Google Cloud, each with a comma before it.
    google: Vec<u8>,
    /// Whether a trace is among them.
    traced: bool,
}

impl Line<'_> {
    fn begin(&mut self, envelope: &[u8], kind: &str, message: Option<Value<'_>>) {
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanoseconds = u64::try_from(time.unwrap_or(Duration::ZERO).as_nanos());
        self.text.extend_from_slice(br#"{"Timestamp":"#);
        self.unsigned(nanoseconds.unwrap_or(u64::MAX));
        self.text.extend_from_slice(br#","Type":""#);
        dotted(self.text, kind);
        self.text.extend_from_slice(envelope);
        if let Some(message) = message {
            self.text.extend_from_slice(br#""msg":"#);
            let start = self.text.len();
            self.value(message);
            if &self.text[start..] == br#""""# {
                self.text.truncate(start - br#""msg":"#.len());
            } else {
                self.message = Some(start..self.text.len());
                self.text.push(b',');
            }
        }
    }

    fn begin_text(&mut self, coloured: bool, level: Level, kind: &str, message: Option<Value<'_>>) {
        let colour = match level {
            Level::Critical | Level::Error => 31,
            Level::Warning => 33,
            Level::Info => 32,
            Level::Debug | Level::Trace => 34,
        };
        let time = humantime::format_rfc3339_millis(SystemTime::now());
        let name = level.as_str();
        if coloured {
            self.raw(format_args!(
                "\x1b[2m{time}\x1b[0m \x1b[{colour}m{name:<8}\x1b[0m \x1b[2m"
            ));
            escape(self.text, kind);
            self.text.extend_from_slice(b"\x1b[0m");
        } else {
            self.raw(format_args!("{time} {name:<8} "));
            escape(self.text, kind);
        }
        if let Some(message) = message {
            self.text.push(b' ');
            let start = self.text.len();
            self.readable(message);
            if self.text.len() == start {
                self.text.pop();
            } else {
                self.message = Some(start..self.text.len());
            }
        }
    }

    /// A field; one of this key that is there stays, as the inner comes before the outer.
    pub(crate) fn outer(&mut self, key: &str, value: Value<'_>) {
        let start = self.key(key);
        if self.position().is_some() {
            self.text.truncate(start);
        } else {
            self.finish(start, value);
        }
    }

    /// A field in place of one of this key that is there, as the last one said counts.
    pub(crate) fn last(&mut self, key: &str, value: Value<'_>) {
        let start = self.key(key);
        match self.position() {
            None => self.finish(start, value),
            Some(position) => {
                self.text.truncate(start);
                self.remove(position);
                let start = self.key(key);
                self.finish(start, value);
            }
        }
    }

    /// A field that no other has the key of, where only such are written.
    #[inline]
    pub(crate) fn known(&mut self, key: Known, value: Value<'_>) {
        if matches!(self.format, Format::Text { .. }) {
            self.outer(key.name, value);
        } else {
            self.text.extend_from_slice(key.json.as_bytes());
            self.value(value);
            self.text.push(b',');
        }
    }

    /// A field by `put`, which is one of the above; no field for `null`.
    pub(crate) fn json(&mut self, key: &str, value: &Json, put: fn(&mut Self, &str, Value<'_>)) {
        match value {
            Json::Null => {}
            Json::Bool(yes) => put(self, key, Value::Bool(*yes)),
            Json::String(text) => put(self, key, Value::Text(text)),
            Json::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => put(self, key, Value::Unsigned(number)),
                (None, Some(number)) => put(self, key, Value::Signed(number)),
                (None, None) => put(self, key, Value::Float(number.as_f64().unwrap_or(f64::NAN))),
            },
            Json::Array(_) | Json::Object(_) => {
                put(self, key, Value::Format(format_args!("{value}")));
            }
        }
    }

    /// What Google Cloud shows for a record that has no message.
    pub(crate) fn headline(&mut self, text: impl FnOnce() -> String) {
        if self.format == Format::Gcp {
            self.headline = Some(text());
        }
    }

    /// Adds the trace, as Google Cloud links to it.
    pub(crate) fn google_trace(&mut self, project: Option<&str>, trace: &str, span: Option<&str>) {
        // The first that is added is the innermost.
        if self.format != Format::Gcp || self.traced {
            return;
        }
        self.traced = true;
        let into = &mut self.google;
        into.extend_from_slice(br#","logging.googleapis.com/trace":""#);
        if let Some(project) = project {
            into.extend_from_slice(b"projects/");
            escape(into, project);
            into.extend_from_slice(b"/traces/");
        }
        into.extend_from_slice(trace.as_bytes());
        into.push(b'"');
        if let Some(span) = span {
            into.extend_from_slice(br#","logging.googleapis.com/spanId":""#);
            into.extend_from_slice(span.as_bytes());
            into.push(b'"');
        }
    }

    /// Adds where in the source a record comes from, for Google Cloud.
    pub(crate) fn source(&mut self, file: &str, line: u32) {
        if self.format == Format::Gcp {
            let into = &mut self.google;
            into.extend_from_slice(br#","logging.googleapis.com/sourceLocation":{"file":""#);
            escape(into, file);
            into.extend_from_slice(format!(r#"","line":"{line}"}}"#).as_bytes());
        }
    }

    /// Adds a request as Google Cloud shows one: the text pairs, escaped here, then its status.
    pub(crate) fn http_request(
        &mut self,
        status: u16,
        pairs: impl FnOnce(&mut dyn FnMut(&str, &[u8])),
    ) {
        if self.format == Format::Gcp {
            let into = &mut self.google;
            into.extend_from_slice(br#","httpRequest":{"#);
            pairs(&mut |key, text| {
                into.push(b'"');
                into.extend_from_slice(key.as_bytes());
                into.extend_from_slice(br#"":""#);
                escape_lossy(into, text);
                into.extend_from_slice(br#"","#);
            });
            into.extend_from_slice(format!(r#""status":{status}}}"#).as_bytes());
        }
    }

    /// The fields of a slog record, and of the loggers that it went through.
    pub(crate) fn slog(&mut self, record: &Record<'_>, values: &OwnedKVList) {
        // slog goes from the last field to the first, and from the inner logger to the outer one.
        for result in [
            record.kv().serialize(record, self),
            values.serialize(record, self),
        ] {
            if let Err(error) = result {
                self.outer("log.error", Value::Format(format_args!("{error}")));
            }
        }
    }

    fn end(&mut self, kind: &str) {
        if matches!(self.format, Format::Text { .. }) {
            self.text.push(b'\n');
            return;
        }
        if self.text.last() == Some(&b',') {
            self.text.pop();
        } else {
            self.text.extend_from_slice(br#""msg":"""#);
        }
        self.text.push(b'}');
        if self.format == Format::Gcp {
            self.text.append(&mut self.google);
            self.text.extend_from_slice(br#","message":"#);
            match (self.message.clone(), self.headline.take()) {
                (Some(message), _) => self.text.extend_from_within(message),
                (None, headline) => self.value(Value::Text(headline.as_deref().unwrap_or(kind))),
            }
        }
        self.text.extend_from_slice(b"}\n");
    }

    /// Writes a key and remembers where; gives where the field starts.
    fn key(&mut self, key: &str) -> usize {
        let start = self.text.len();
        let key = if key == "msg" && self.message.is_some() {
            "fields.msg"
        } else {
            key
        };
        match self.format {
            Format::Text { coloured } => {
                self.text
                    .extend_from_slice(if coloured { b" \x1b[2m" } else { b" " });
                let from = self.text.len();
                escape(self.text, key);
                self.remember(start, from);
                self.text.push(b'=');
                if coloured {
                    self.text.extend_from_slice(b"\x1b[0m");
                }
            }
            Format::Mozlog | Format::Gcp => {
                self.text.push(b'"');
                let from = self.text.len();
                escape(self.text, key);
                self.remember(start, from);
                self.text.extend_from_slice(b"\":");
            }
        }
        start
    }

    fn remember(&mut self, start: usize, from: usize) {
        let end = self.text.len();
        self.fields.push(Field {
            all: start..end,
            key: from..end,
        });
    }

    /// Takes back the key that was remembered last if there is an earlier one of its text, and says where that is.
    fn position(&mut self) -> Option<usize> {
        let (new, earlier) = self.fields.split_last()?;
        let length = new.key.len();
        let key = &self.text[new.key.clone()];
        let found = earlier
            .iter()
            .position(|field| field.key.len() == length && self.text[field.key.clone()] == *key);
        if found.is_some() {
            self.fields.pop();
        }
        found
    }

    fn finish(&mut self, start: usize, value: Value<'_>) {
        let from = self.text.len();
        self.value(value);
        if matches!(self.format, Format::Text { .. }) {
            self.unquote(from);
        } else {
            self.text.push(b',');
        }
        let end = self.text.len();
        if let Some(field) = self.fields.last_mut() {
            field.all = start..end;
        }
    }

    fn remove(&mut self, position: usize) {
        let gone = self.fields.remove(position).all;
        self.text.drain(gone.clone());
        for field in &mut self.fields[position..] {
            for range in [&mut field.all, &mut field.key] {
                *range = range.start - gone.len()..range.end - gone.len();
            }
        }
    }

    #[inline]
    fn value(&mut self, value: Value<'_>) {
        match value {
            Value::Text(text) => self.quoted(|into| escape(into, text)),
            Value::Bytes(bytes) => self.quoted(|into| escape_lossy(into, bytes)),
            Value::Plain(bytes) => self.quoted(|into| into.extend_from_slice(bytes)),
            Value::Format(arguments) => self.quoted(|into| {
                // A value that cannot be shown is cut there: half of it says more than nothing.
                let _ = Escaped(into).write_fmt(arguments);
            }),
            Value::Unsigned(number) => self.unsigned(number),
            Value::Signed(number) => {
                if number < 0 {
                    self.text.push(b'-');
                }
                self.unsigned(number.unsigned_abs());
            }
            Value::Float(number) if number.is_finite() => self.raw(format_args!("{number:?}")),
            Value::Float(number) => self.quoted(|into| {
                into.extend_from_slice(number.to_string().as_bytes());
            }),
            Value::Bool(yes) => self
                .text
                .extend_from_slice(if yes { b"true" } else { b"false" }),
        }
    }

    fn quoted(&mut self, text: impl FnOnce(&mut Vec<u8>)) {
        self.text.push(b'"');
        text(self.text);
        self.text.push(b'"');
    }

    fn unsigned(&mut self, number: u64) {
        if let Ok(digit @ 0..10) = u8::try_from(number) {
            self.text.push(b'0' + digit);
        } else {
            let mut digits = itoa::Buffer::new();
            self.text
                .extend_from_slice(digits.format(number).as_bytes());
        }
    }

    fn raw(&mut self, text: fmt::Arguments<'_>) {
        io::Write::write_fmt(self.text, text).expect("a vector takes all");
    }

    /// A message for people: its line breaks stay, what could move their cursor does not.
    fn readable(&mut self, message: Value<'_>) {
        let text = match message {
            Value::Text(text) => text.to_owned(),
            Value::Format(arguments) => fmt::format(arguments),
            Value::Bytes(_)
            | Value::Plain(_)
            | Value::Unsigned(_)
            | Value::Signed(_)
            | Value::Float(_)
            | Value::Bool(_) => return self.value(message),
        };
        for character in text.chars() {
            if character.is_control() && !matches!(character, '\n' | '\t') {
                self.raw(format_args!("{}", character.escape_default()));
            } else {
                self.raw(format_args!("{character}"));
            }
        }
    }

    /// Drops the quotes of the string that begins at `from` if it reads well without them.
    fn unquote(&mut self, from: usize) {
        if let [b'"', inside @ .., b'"'] = &self.text[from..]
            && !inside.is_empty()
            && inside
                .iter()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'='))
        {
            self.text.pop();
            self.text.remove(from);
        }
    }
}

/// A path of modules, with dots.
fn dotted(into: &mut Vec<u8>, kind: &str) {
    if kind.is_empty() {
        into.extend_from_slice(b"app.log");
    } else if kind.as_bytes().contains(&b':') {
        escape(into, &kind.replace("::", "."));
    } else {
        escape(into, kind);
    }
}

macro_rules! emit {
    ($($name:ident($type:ty) = $kind:ident;)*) => {$(
        fn $name(&mut self, key: Key, value: $type) -> slog::Result {
            self.outer(key.as_ref(), Value::$kind(value.into()));
            Ok(())
        }
    )*};
}

impl Serializer for Line<'_> {
    emit! {
        emit_u8(u8) = Unsigned;
        emit_u16(u16) = Unsigned;
        emit_u32(u32) = Unsigned;
        emit_u64(u64) = Unsigned;
        emit_i8(i8) = Signed;
        emit_i16(i16) = Signed;
        emit_i32(i32) = Signed;
        emit_i64(i64) = Signed;
        emit_f64(f64) = Float;
        emit_bool(bool) = Bool;
        emit_str(&str) = Text;
    }

    fn emit_usize(&mut self, key: Key, value: usize) -> slog::Result {
        self.emit_u128(key, value as u128)
    }

    fn emit_isize(&mut self, key: Key, value: isize) -> slog::Result {
        self.emit_i128(key, value as i128)
    }

    fn emit_u128(&mut self, key: Key, value: u128) -> slog::Result {
        match u64::try_from(value) {
            Ok(value) => self.emit_u64(key, value),
            Err(_) => self.emit_arguments(key, &format_args!("{value}")),
        }
    }

    fn emit_i128(&mut self, key: Key, value: i128) -> slog::Result {
        match i64::try_from(value) {
            Ok(value) => self.emit_i64(key, value),
            Err(_) => self.emit_arguments(key, &format_args!("{value}")),
        }
    }

    fn emit_f32(&mut self, key: Key, value: f32) -> slog::Result {
        self.emit_f64(key, widened(value))
    }

    fn emit_unit(&mut self, _key: Key) -> slog::Result {
        Ok(())
    }

    fn emit_none(&mut self, _key: Key) -> slog::Result {
        Ok(())
    }

    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        self.outer(key.as_ref(), Value::Format(*value));
        Ok(())
    }

    fn emit_serde(&mut self, key: Key, value: &dyn slog::SerdeValue) -> slog::Result {
        let value = match serde_json::to_value(value.as_serde()) {
            Ok(value) => value,
            Err(error) => return self.emit_arguments(key, &format_args!("not JSON: {error}")),
        };
        self.json(key.as_ref(), &value, Self::outer);
        Ok(())
    }
}

/// The number that is written with the same digits.
fn widened(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(number.into())
}
