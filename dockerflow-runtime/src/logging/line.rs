//! How a record becomes one line, whatever is in it: of mozlog, of mozlog for Google Cloud, of flat JSON, or of text for people.

use std::{cell::Cell, ops::Range};

use serde_json::Value as Json;
use slog::Level;

use super::{
    bounds::{LONGEST, MESSAGE, MESSAGE_TWICE, NAME, PLAIN, RESERVE, VALUE},
    envelope::{Envelopes, Written},
    fields::{Field, Fields},
    json,
    value::{Value, cut_string, write_dotted, write_inline, write_name, write_value},
};

/// The format of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Mozlog,
    /// mozlog with `severity` and `message`, which Google Cloud reads.
    Gcp,
    /// One flat object, by slog-json.
    Json,
    Text {
        coloured: bool,
    },
}

/// The parts of a line that do not depend on the record.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) format: Format,
    envelopes: Envelopes,
}

/// A buffer that has grown beyond this is not kept.
const KEPT: usize = 64 * 1024;

thread_local! {
    /// Reused from line to line. It is taken while a line is made: a value that logs while it is formatted makes its own.
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

#[derive(Debug, Default)]
struct Scratch {
    text: Vec<u8>,
    fields: Fields,
    written: Written,
}

impl Layout {
    pub(crate) fn new(format: Format, logger: &str) -> Self {
        Self {
            format,
            envelopes: Envelopes::new(logger, format == Format::Gcp),
        }
    }

    /// Makes a line and hands it to `write`, with its line break.
    pub(crate) fn line<T>(
        &self,
        level: Level,
        target: &str,
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
            room: LONGEST - RESERVE,
            left_out: 0,
            message: None,
            google: None,
        };
        match self.format {
            Format::Text { coloured } => line.begin_text(coloured, level, target),
            Format::Json => {}
            Format::Mozlog | Format::Gcp => {
                let written = &mut scratch.written;
                written.begin(line.text, &self.envelopes, level, target);
            }
        }
        if let Some(message) = message {
            line.message(message);
        }
        fields(&mut line);
        line.end(level, target);
        let written = write(&scratch.text);
        if scratch.text.capacity() <= KEPT {
            let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
        }
        written
    }
}

/// A key, and how it is written in JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) json: &'static str,
    /// As `json`, with the opening quote of a string.
    pub(crate) string: &'static str,
}

/// A key of a field that many lines have. It needs no escape.
macro_rules! known {
    ($name:literal) => {
        $crate::logging::Known {
            name: $name,
            json: concat!("\"", $name, "\":"),
            string: concat!("\"", $name, "\":\""),
        }
    };
}
pub(crate) use known;

/// A line that is being made.
pub(crate) struct Line<'a> {
    pub(super) format: Format,
    pub(super) text: &'a mut Vec<u8>,
    fields: &'a mut Fields,
    /// The maximum length of the text with the fields that an app chooses.
    room: usize,
    /// How many fields were left out because there was no room.
    left_out: usize,
    /// The place of `msg`, with its quotes.
    pub(super) message: Option<Range<usize>>,
    /// The members for Google Cloud, beside the fields.
    pub(super) google: Option<Box<Google>>,
}

/// A mozlog line to whose end fields are added; their keys must be unique.
pub(crate) struct KnownFields<'a>(&'a mut Vec<u8>);

impl KnownFields<'_> {
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "the key, and mostly the kind of value, of each use are known to the compiler"
    )]
    pub(crate) fn add(&mut self, key: Known, value: Value<'_>) {
        if let Value::Plain(bytes) = value
            && bytes.len() <= PLAIN
        {
            self.0.extend_from_slice(key.string.as_bytes());
            self.0.extend_from_slice(bytes);
            self.0.extend_from_slice(b"\",");
            return;
        }
        self.0.extend_from_slice(key.json.as_bytes());
        write_inline(self.0, value, VALUE);
        self.0.push(b',');
    }
}

/// The members beside `Fields` for Google Cloud.
#[derive(Debug, Default)]
pub(super) struct Google {
    pub(super) headline: Option<String>,
    /// Members, each with a comma before it.
    pub(super) members: Vec<u8>,
    /// Whether a trace is among them.
    pub(super) traced: bool,
}

impl Line<'_> {
    /// Adds the message, which must come before any field.
    pub(crate) fn message(&mut self, message: Value<'_>) {
        if !self.fields.is_empty() {
            return self.last("msg", message);
        }
        let most = match self.format {
            Format::Text { .. } => return self.message_of_text(message),
            Format::Gcp => MESSAGE_TWICE,
            Format::Mozlog | Format::Json => MESSAGE,
        };
        let start = self.text.len();
        self.text.extend_from_slice(br#""msg":"#);
        let from = self.text.len();
        write_value(self.text, message, most);
        if &self.text[from..] == br#""""# {
            self.text.truncate(start);
            return;
        }
        self.message = Some(from..self.text.len());
        if self.format == Format::Gcp {
            self.room -= self.text.len() - from;
        }
        self.text.push(b',');
    }

    /// Adds a field unless there is one with its key: inner fields come first, and win.
    pub(crate) fn outer(&mut self, key: &str, value: Value<'_>) {
        self.field(key, value, false);
    }

    /// Adds a field, or replaces the one with its key: the last value wins.
    pub(crate) fn last(&mut self, key: &str, value: Value<'_>) {
        self.field(key, value, true);
    }

    fn field(&mut self, key: &str, value: Value<'_>, replaces: bool) {
        // A plain value is short: there is room for it at the end.
        let room = if matches!(value, Value::Plain(_)) {
            usize::MAX
        } else {
            self.room
        };
        if self.text.len() >= room {
            self.left_out += 1;
            return;
        }
        let start = self.text.len();
        let field = self.key(key);
        if let Some(earlier) = self.fields.add(self.text, field, replaces) {
            if !replaces {
                self.text.truncate(start);
                return;
            }
            // It goes at the end.
            let freed = self.fields.length(earlier);
            self.room = self.room.saturating_add(freed);
        }
        let from = field.value();
        let room = room.max(self.room);
        write_value(self.text, value, VALUE);
        if self.text.len() > room && !cut_string(self.text, from, room.saturating_sub(from)) {
            self.fields.take_back(self.text);
            self.text.truncate(start);
            self.left_out += 1;
            return;
        }
        if matches!(self.format, Format::Text { .. }) {
            self.unquote(from);
        } else {
            self.text.push(b',');
        }
        self.fields.end_last(self.text.len());
    }

    /// Adds a field whose key is unique among those that the caller writes.
    pub(crate) fn unique(&mut self, key: &str, value: Value<'_>) {
        // Two long keys can be the same once they are cut, and a key of ours may follow.
        let by_key = matches!(self.format, Format::Text { .. } | Format::Json);
        if by_key || key.len() > NAME || key == LEFT_OUT {
            return self.last(key, value);
        }
        let start = self.text.len();
        if start >= self.room {
            self.left_out += 1;
            return;
        }
        self.text.push(b'"');
        write_name(self.text, key);
        self.text.extend_from_slice(b"\":");
        let from = self.text.len();
        write_value(self.text, value, VALUE);
        if self.text.len() > self.room
            && !cut_string(self.text, from, self.room.saturating_sub(from))
        {
            self.text.truncate(start);
            self.left_out += 1;
            return;
        }
        self.text.push(b',');
    }

    /// Adds a field with a unique key, to a line with only such fields.
    pub(crate) fn known(&mut self, key: Known, value: Value<'_>) {
        match self.known_fields() {
            Some(mut fields) => fields.add(key, value),
            None => self.outer(key.name, value),
        }
    }

    /// Returns what adds fields with unique keys, if the line is mozlog: lines of other formats keep a list of their fields.
    #[inline]
    pub(crate) fn known_fields(&mut self) -> Option<KnownFields<'_>> {
        match self.format {
            Format::Mozlog | Format::Gcp => Some(KnownFields(self.text)),
            Format::Json | Format::Text { .. } => None,
        }
    }

    /// Adds a field by `put`, which is one of the above; none for `null`.
    #[inline]
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

    #[inline]
    fn end(&mut self, level: Level, target: &str) {
        if self.left_out > 0 {
            self.room = usize::MAX;
            self.last(LEFT_OUT, Value::Unsigned(self.left_out as u64));
        }
        self.fields.remove_replaced(self.text);
        match self.format {
            Format::Text { .. } => self.end_text(),
            Format::Json => self.end_json(level, target),
            Format::Mozlog | Format::Gcp => self.end_mozlog(target),
        }
    }

    #[inline]
    fn end_mozlog(&mut self, target: &str) {
        if self.text.last() == Some(&b',') {
            self.text.pop();
        } else {
            self.text.extend_from_slice(br#""msg":"""#);
        }
        self.text.push(b'}');
        if self.format == Format::Gcp {
            self.end_google(target);
        }
        self.text.extend_from_slice(b"}\n");
    }

    /// Makes the line with slog-json, from the text so far, which is clean and within its bounds.
    fn end_json(&mut self, level: Level, target: &str) {
        let mut dotted = vec![b'"'];
        write_dotted(&mut dotted, target);
        dotted.push(b'"');
        let text = std::mem::take(self.text);
        let message = self.message.clone().map(|message| &text[message]);
        let fields = self.fields.iter().map(|field| {
            let key = field.key().start - 1..field.key().end + 1; // with its quotes
            let value = field.value()..field.all().end - 1; // without the comma
            (&text[key], &text[value])
        });
        json::write(self.text, level, &dotted, message, fields);
    }

    /// Writes a key; returns the field that begins with it.
    fn key(&mut self, key: &str) -> Field {
        let start = self.text.len();
        let key = match (self.format, key) {
            (_, "msg") if self.message.is_some() => "fields.msg",
            (Format::Json, "msg") => "fields.msg",
            (Format::Json, "time") => "fields.time",
            (Format::Json, "level") => "fields.level",
            (Format::Json, "target") => "fields.target",
            _ => key,
        };
        let (before, after): (&[u8], &[u8]) = match self.format {
            Format::Text { coloured: true } => (b" \x1b[2m", b"=\x1b[0m"),
            Format::Text { coloured: false } => (b" ", b"="),
            Format::Mozlog | Format::Gcp | Format::Json => {
                self.text.push(b'"');
                write_name(self.text, key);
                let end = self.text.len();
                self.text.extend_from_slice(b"\":");
                return Field::new(start, start + 1..end, end + 2);
            }
        };
        self.text.extend_from_slice(before);
        let from = self.text.len();
        write_name(self.text, key);
        let end = self.text.len();
        self.text.extend_from_slice(after);
        Field::new(start, from..end, self.text.len())
    }
}

/// The key of the field with the number of fields that were left out.
const LEFT_OUT: &str = "log.cut";
