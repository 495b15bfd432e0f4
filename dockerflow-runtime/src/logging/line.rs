//! How a record becomes one line, whatever is in it: of mozlog, of mozlog for Google Cloud, of flat JSON, or of text for people.

use std::{
    cell::Cell,
    fmt::{self, Write as _},
    hash::{BuildHasher as _, RandomState},
    io,
    ops::Range,
    process,
    time::{Duration, SystemTime},
};

use hashbrown::{HashTable, hash_table::Entry};
use serde_json::Value as Json;
use slog::{KV as _, Key, Level, OwnedKVList, Record, Serializer};

use super::{
    escape::{Escaped, cut, escape, escape_lossy, head},
    json,
};
use crate::{error::Chain, json::to_json};

/// The length of a line with its break, at most: container engines split longer ones.
pub(crate) const LONGEST: usize = 16 * 1024;

/// How much of that is kept free for the end of a line: ids, and what Google Cloud reads.
const RESERVE: usize = 2 * 1024;

/// The length of a value, at most, as it is written.
const VALUE: usize = 8 * 1024;

/// The length of a message.
pub(super) const MESSAGE: usize = 6 * 1024;

/// The same where it is written twice.
const MESSAGE_TWICE: usize = 2560;

/// The length of text that a client sent.
const SENT: usize = 1536;

/// The same where Google Cloud has it once more.
const TWICE: usize = 768;

/// The length of names: a key, a target, the name of a program or host.
const NAME: usize = 256;

/// What stands where a value was cut.
pub(super) const CUT: &str = "… [cut]";

/// A value shorter than this says nothing: the field is left out.
const WORTH: usize = 64;

/// From so many fields on, a key is looked up in a table.
const MANY: usize = 16;

/// In what form lines are.
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
    fields: Fields,
}

/// The fields of a line, without those that are known to have a key of their own.
#[derive(Debug, Default)]
struct Fields {
    all: Vec<Field>,
    /// The places of those that are in the line by their keys, if there are many.
    table: HashTable<u32>,
    hasher: RandomState,
    /// How many were replaced by a later one, and are still in the text.
    replaced: usize,
}

/// Where a field stands in the text: all of it, its key, and its value.
#[derive(Clone, Debug)]
struct Field {
    all: Range<usize>,
    key: Range<usize>,
    value: usize,
    replaced: bool,
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
            escape_name(&mut text, logger);
            text.extend_from_slice(br#"","Hostname":""#);
            escape_name(&mut text, &host);
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
            room: LONGEST - RESERVE,
            left_out: 0,
            message: None,
            headline: None,
            google: Vec::new(),
            traced: false,
        };
        match self.format {
            Format::Text { coloured } => line.begin_text(coloured, level, kind, message),
            Format::Json => line.put_message(message, MESSAGE),
            Format::Mozlog | Format::Gcp => {
                line.begin(&self.envelopes[level.as_usize() - 1], kind, message);
            }
        }
        fields(&mut line);
        line.end(level, kind);
        let written = write(&scratch.text);
        if scratch.text.capacity() <= KEPT {
            let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
        }
        written
    }
}

impl Fields {
    fn clear(&mut self) {
        self.all.clear();
        self.table.clear();
        self.replaced = 0;
    }

    /// Adds a field whose key is in `text`, and whose value is not yet. If there is one of that key, it returns which, and adds
    /// nothing unless it `replaces` that.
    fn add(&mut self, text: &[u8], field: Field, replaces: bool) -> Option<usize> {
        let number = self.all.len();
        if number == MANY && self.table.is_empty() {
            self.fill_table(text);
        }
        let found = if self.table.is_empty() {
            self.find(text, &text[field.key.clone()])
        } else {
            self.find_in_table(text, &field.key, replaces)
        };
        if let Some(earlier) = found.filter(|_| replaces) {
            self.all[earlier].replaced = true;
            self.replaced += 1;
        }
        if found.is_none() || replaces {
            self.all.push(field);
        }
        found
    }

    fn find(&self, text: &[u8], key: &[u8]) -> Option<usize> {
        self.all.iter().position(|field| {
            field.key.len() == key.len() && text[field.key.clone()] == *key && !field.replaced
        })
    }

    #[cold]
    fn fill_table(&mut self, text: &[u8]) {
        let Self {
            all, table, hasher, ..
        } = self;
        let hash = |place: &u32| hasher.hash_one(&text[all[*place as usize].key.clone()]);
        for (place, field) in (0..).zip(all.iter()) {
            if !field.replaced {
                table.insert_unique(hash(&place), place, hash);
            }
        }
    }

    /// Returns the field of that key. If there is none, or it is to be replaced, the next field takes its place in the table.
    fn find_in_table(&mut self, text: &[u8], key: &Range<usize>, replaces: bool) -> Option<usize> {
        let Self {
            all, table, hasher, ..
        } = self;
        let next = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let key_of = |place: &u32| &text[all[*place as usize].key.clone()];
        let key = &text[key.clone()];
        let entry = table.entry(
            hasher.hash_one(key),
            |place| key_of(place) == key,
            |place| hasher.hash_one(key_of(place)),
        );
        match entry {
            Entry::Vacant(entry) => {
                entry.insert(next);
                None
            }
            Entry::Occupied(mut entry) => {
                let earlier = *entry.get() as usize;
                if replaces {
                    *entry.get_mut() = next;
                }
                Some(earlier)
            }
        }
    }

    /// Takes back the field that was added last.
    fn take_back(&mut self, text: &[u8]) {
        let Some(gone) = self.all.pop() else { return };
        let Self {
            all, table, hasher, ..
        } = self;
        let key = &text[gone.key];
        let number = all.len();
        if let Ok(entry) = table.find_entry(hasher.hash_one(key), |place| *place as usize == number)
        {
            entry.remove();
        }
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
    /// A string where 64 bits do not hold it.
    Wide(u128),
    /// Likewise.
    WideSigned(i128),
    Float(f64),
    Bool(bool),
}

/// A line under way.
pub(crate) struct Line<'a> {
    format: Format,
    pub(super) text: &'a mut Vec<u8>,
    fields: &'a mut Fields,
    /// How long the text may become by fields that an app chooses.
    room: usize,
    /// How many fields found no room.
    left_out: usize,
    /// Where `msg` stands, with its quotes.
    pub(super) message: Option<Range<usize>>,
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
        if self.format == Format::Gcp {
            self.put_message(message, MESSAGE_TWICE);
            self.room -= self.message.as_ref().map_or(0, Range::len);
        } else {
            self.put_message(message, MESSAGE);
        }
    }

    fn put_message(&mut self, message: Option<Value<'_>>, most: usize) {
        let Some(message) = message else { return };
        let start = self.text.len();
        self.text.extend_from_slice(br#""msg":"#);
        let from = self.text.len();
        self.value(message, most);
        if &self.text[from..] == br#""""# {
            self.text.truncate(start);
        } else {
            self.message = Some(from..self.text.len());
            self.text.push(b',');
        }
    }

    /// A field; one of this key that is there stays, as the inner comes before the outer.
    pub(crate) fn outer(&mut self, key: &str, value: Value<'_>) {
        self.field(key, value, false);
    }

    /// A field in place of one of this key that is there, as the last one said counts.
    pub(crate) fn last(&mut self, key: &str, value: Value<'_>) {
        self.field(key, value, true);
    }

    fn field(&mut self, key: &str, value: Value<'_>, replaces: bool) {
        // What is ours is short, and has its room at the end.
        let room = if matches!(value, Value::Plain(_)) {
            usize::MAX
        } else {
            self.room
        };
        if self.text.len() >= room {
            self.left_out += 1;
            return;
        }
        let field = self.key(key);
        let (start, from) = (field.all.start, field.value);
        if let Some(earlier) = self.fields.add(self.text, field, replaces) {
            if !replaces {
                self.text.truncate(start);
                return;
            }
            // It goes at the end.
            let freed = self.fields.all[earlier].all.len();
            self.room = self.room.saturating_add(freed);
        }
        let room = room.max(self.room);
        self.value(value, VALUE);
        if self.text.len() > room && !self.cut(from, room.saturating_sub(from)) {
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
        let end = self.text.len();
        if let Some(field) = self.fields.all.last_mut() {
            field.all.end = end;
        }
    }

    /// A field that no other has the key of, where only such are written.
    #[inline]
    pub(crate) fn known(&mut self, key: Known, value: Value<'_>) {
        if matches!(self.format, Format::Text { .. } | Format::Json) {
            self.outer(key.name, value);
        } else {
            self.text.extend_from_slice(key.json.as_bytes());
            self.value(value, VALUE);
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
            escape_name(into, file);
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
                let from = into.len();
                escape_lossy(into, text.get(..=TWICE).unwrap_or(text));
                if into.len() - from > TWICE {
                    let end = from + cut(&into[from..], TWICE);
                    into.truncate(end);
                }
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

    fn end(&mut self, level: Level, kind: &str) {
        if self.left_out > 0 {
            self.room = usize::MAX;
            self.last("log.cut", Value::Unsigned(self.left_out as u64));
        }
        if self.fields.replaced > 0 {
            self.remove_replaced();
        }
        match self.format {
            Format::Text { .. } => self.end_text(),
            Format::Json => self.end_json(level, kind),
            Format::Mozlog | Format::Gcp => self.end_mozlog(kind),
        }
    }

    fn end_mozlog(&mut self, kind: &str) {
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
                (None, headline) => {
                    let text = headline.as_deref().unwrap_or(kind);
                    self.value(Value::Text(text), SENT);
                }
            }
        }
        self.text.extend_from_slice(b"}\n");
    }

    /// What is in the text so far is clean, and has its bound: slog-json makes the line of it.
    fn end_json(&mut self, level: Level, kind: &str) {
        let mut target = vec![b'"'];
        dotted(&mut target, kind);
        target.push(b'"');
        let text = std::mem::take(self.text);
        let message = self.message.clone().map(|message| &text[message]);
        let fields = self.fields.all.iter().filter(|field| !field.replaced);
        let fields = fields.map(|field| {
            let end = field.all.end - 1; // the comma
            let key = field.key.start - 1..field.key.end + 1; // with its quotes
            (&text[key], &text[field.value..end])
        });
        json::write(self.text, level, &target, message, fields);
    }

    /// Takes those fields out of the text that later ones have replaced.
    #[cold]
    fn remove_replaced(&mut self) {
        let (mut to, mut from) = (0, 0);
        let mut shift = 0;
        for field in &mut self.fields.all {
            if field.replaced {
                self.text.copy_within(from..field.all.start, to);
                to += field.all.start - from;
                from = field.all.end;
                shift += field.all.len();
            } else {
                for range in [&mut field.all, &mut field.key] {
                    *range = range.start - shift..range.end - shift;
                }
                field.value -= shift;
            }
        }
        self.text.copy_within(from.., to);
        self.text.truncate(self.text.len() - shift);
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
        let coloured = match self.format {
            Format::Text { coloured } => coloured,
            Format::Mozlog | Format::Gcp | Format::Json => {
                self.text.push(b'"');
                let from = self.text.len();
                escape_name(self.text, key);
                let end = self.text.len();
                self.text.extend_from_slice(b"\":");
                return Field::new(start, from..end);
            }
        };
        let (before, after): (&[u8], &[u8]) = if coloured {
            (b" \x1b[2m", b"=\x1b[0m")
        } else {
            (b" ", b"=")
        };
        self.text.extend_from_slice(before);
        let from = self.text.len();
        escape_name(self.text, key);
        let end = self.text.len();
        self.text.extend_from_slice(after);
        Field {
            value: self.text.len(),
            ..Field::new(start, from..end)
        }
    }

    /// Writes a value, of which at most `most` bytes are kept.
    #[inline]
    pub(super) fn value(&mut self, value: Value<'_>, most: usize) {
        let from = self.text.len();
        let most = match value {
            Value::Bytes(_) => most.min(SENT),
            Value::Plain(_) => NAME,
            _ => most,
        };
        match value {
            Value::Text(text) => self.quoted(|into| escape(into, head(text, most))),
            Value::Bytes(bytes) => {
                let bytes = bytes.get(..=most).unwrap_or(bytes);
                self.quoted(|into| escape_lossy(into, bytes));
            }
            Value::Plain(bytes) => {
                let bytes = bytes.get(..=most).unwrap_or(bytes);
                self.quoted(|into| into.extend_from_slice(bytes));
            }
            Value::Format(arguments) => self.quoted(|into| {
                // A value that cannot be shown is cut there: half of it says more than nothing.
                let most = into.len() + most;
                let _ = Escaped { into, most }.write_fmt(arguments);
            }),
            Value::Unsigned(number) => self.unsigned(number),
            Value::Signed(number) => {
                if number < 0 {
                    self.text.push(b'-');
                }
                self.unsigned(number.unsigned_abs());
            }
            Value::Wide(number) => match u64::try_from(number) {
                Ok(number) => self.unsigned(number),
                Err(_) => self.raw(format_args!("\"{number}\"")),
            },
            Value::WideSigned(number) => match i64::try_from(number) {
                Ok(number) => self.raw(format_args!("{number}")),
                Err(_) => self.raw(format_args!("\"{number}\"")),
            },
            Value::Float(number) => self.float(number),
            Value::Bool(yes) => self
                .text
                .extend_from_slice(if yes { b"true" } else { b"false" }),
        }
        if self.text.len() - from > most {
            self.cut(from, most);
        }
    }

    /// Cuts the string that begins at `from` to `most` bytes, its quotes among them. Returns whether enough of it is left.
    #[cold]
    fn cut(&mut self, from: usize, most: usize) -> bool {
        let around = CUT.len() + 2;
        if self.text[from] != b'"' || most < WORTH {
            return false;
        }
        let inside = &self.text[from + 1..self.text.len() - 1];
        if inside.len() > most - around {
            let end = from + 1 + cut(inside, most - around);
            self.text.truncate(end);
            self.text.extend_from_slice(CUT.as_bytes());
            self.text.push(b'"');
        }
        true
    }

    fn float(&mut self, number: f64) {
        if !number.is_finite() {
            self.raw(format_args!("\"{number}\""));
            return;
        }
        // Not every interface says which numbers had 32 bits: one that has a fraction, and is exactly such a number, has its
        // digits.
        #[allow(
            clippy::cast_possible_truncation,
            reason = "it is looked at what is lost"
        )]
        let short = number as f32;
        #[allow(clippy::float_cmp, reason = "it is to be the same number")]
        if f64::from(short) == number && number.fract() != 0.0 {
            self.raw(format_args!("{short:?}"));
        } else {
            self.raw(format_args!("{number:?}"));
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

    pub(super) fn raw(&mut self, text: fmt::Arguments<'_>) {
        // A vector takes all, and what cannot be shown is cut.
        let _ = io::Write::write_fmt(self.text, text);
    }
}

/// A path of modules, with dots.
fn dotted(into: &mut Vec<u8>, kind: &str) {
    if kind.is_empty() {
        into.extend_from_slice(b"app.log");
    } else if kind.as_bytes().contains(&b':') {
        escape_name(into, &kind.replace("::", "."));
    } else {
        escape_name(into, kind);
    }
}

/// A name that is not too long.
#[inline]
pub(super) fn escape_name(into: &mut Vec<u8>, name: &str) {
    if name.len() > NAME {
        escape(into, head(name, NAME - CUT.len()));
        into.extend_from_slice(CUT.as_bytes());
    } else {
        escape(into, name);
    }
}

impl Field {
    fn new(start: usize, key: Range<usize>) -> Self {
        Self {
            all: start..start,
            value: key.end + 2,
            key,
            replaced: false,
        }
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
        emit_u128(u128) = Wide;
        emit_i128(i128) = WideSigned;
        emit_f32(f32) = Float;
        emit_f64(f64) = Float;
        emit_bool(bool) = Bool;
        emit_str(&str) = Text;
    }

    fn emit_usize(&mut self, key: Key, value: usize) -> slog::Result {
        self.emit_u64(key, value as u64)
    }

    fn emit_isize(&mut self, key: Key, value: isize) -> slog::Result {
        self.emit_i64(key, value as i64)
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

    fn emit_error(&mut self, key: Key, error: &(dyn std::error::Error + 'static)) -> slog::Result {
        self.outer(
            key.as_ref(),
            Value::Format(format_args!("{}", Chain(error))),
        );
        Ok(())
    }

    fn emit_serde(&mut self, key: Key, value: &dyn slog::SerdeValue) -> slog::Result {
        let value = to_json(value.as_serde());
        self.json(key.as_ref(), &value, Self::outer);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMATS: [Format; 4] = [
        Format::Mozlog,
        Format::Gcp,
        Format::Json,
        Format::Text { coloured: true },
    ];

    /// Returns the line, and its fields if it is JSON.
    fn line(
        format: Format,
        message: Option<Value<'_>>,
        fields: impl FnOnce(&mut Line<'_>),
    ) -> (String, Json) {
        let layout = Layout::new(format, &"program ".repeat(100));
        let fields = |line: &mut Line<'_>| {
            fields(line);
            line.outer("rid", Value::Plain(&[b'r'; 128]));
        };
        let text = layout.line(Level::Info, "a::target", message, fields, <[u8]>::to_vec);
        let text = String::from_utf8(text).expect("a line is text");
        assert!(text.len() <= LONGEST, "{format:?}: {}", text.len());
        assert!(text.ends_with('\n'));
        let fields = match format {
            Format::Text { .. } => Json::Null,
            Format::Json => serde_json::from_str(&text).expect(&text),
            Format::Mozlog | Format::Gcp => {
                let mut line: Json = serde_json::from_str(&text).expect(&text);
                line["Fields"].take()
            }
        };
        (text, fields)
    }

    /// A `Display` that goes on and on, and says so if it is asked for more than a line can hold.
    struct Endless(&'static str);

    impl fmt::Display for Endless {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            for _ in 0..LONGEST {
                formatter.write_str(self.0)?;
            }
            panic!("nobody listens any more");
        }
    }

    #[test]
    fn the_number_of_lost_fields_replaces_a_field_of_its_name() {
        for format in FORMATS {
            let long = "x".repeat(VALUE);
            let (_, fields) = line(format, None, |line| {
                line.last("log.cut", Value::Text("the app's"));
                for key in ["a", "b", "c", "d"] {
                    line.last(key, Value::Text(&long));
                }
            });
            if format != (Format::Text { coloured: true }) {
                assert_eq!(fields["log.cut"], 2, "{format:?}");
            }
        }
    }

    #[test]
    fn a_line_keeps_to_its_bound_and_has_its_id_whatever_is_in_it() {
        for format in FORMATS {
            for part in ["x", "é€🦀", "\"\\\n", "\u{1}", "\u{7f}\u{85}"] {
                let long = part.repeat(50_000);
                for value in [
                    Value::Text(&long),
                    Value::Bytes(long.as_bytes()),
                    Value::Format(format_args!("{}", Endless(part))),
                    Value::Format(format_args!("{long}")),
                ] {
                    let (text, fields) = line(format, Some(value), |line| {
                        for key in ["a", "b", &long, "d"] {
                            line.outer(key, value);
                        }
                        for number in 0..3_000_u64 {
                            line.last(&format!("key{number}"), Value::Unsigned(number));
                        }
                    });
                    assert!(text.contains(CUT), "{format:?}: {text}");
                    assert!(text.contains("log.cut"), "{format:?}: {text}");
                    if !fields.is_null() {
                        assert_eq!(fields["rid"].as_str().map(str::len), Some(128));
                        let cut = fields["log.cut"].as_u64().expect("a number");
                        assert!((1_000..3_004).contains(&cut), "{cut}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_summary_of_a_request_with_long_parts_has_all_of_them() {
        let long = "\"".repeat(9_000);
        let bytes = Value::Bytes(long.as_bytes());
        for format in [Format::Mozlog, Format::Gcp, Format::Json] {
            let (_, fields) = line(format, Some(Value::Text(&long)), |line| {
                line.known(known!("agent"), bytes);
                line.known(known!("lang"), bytes);
                line.known(known!("method"), Value::Plain(&[b'M'; 5_000]));
                line.known(known!("path"), bytes);
                line.known(known!("querystring"), bytes);
                line.known(known!("t"), Value::Unsigned(7));
            });
            for key in ["agent", "lang", "method", "path", "querystring"] {
                let text = fields[key].as_str().expect(key);
                assert!(
                    text.len() > 100 && text.ends_with(CUT),
                    "{format:?} {key}: {text}"
                );
            }
            assert_eq!(fields["t"], 7);
        }
    }

    #[test]
    fn among_many_fields_the_last_or_the_innermost_of_one_key_counts() {
        for format in [Format::Mozlog, Format::Gcp, Format::Json] {
            for many in [3, 15, 16, 17, 40, 300] {
                let (text, fields) = line(format, None, |line| {
                    for round in 0..3_u64 {
                        for number in 0..many {
                            line.last(&format!("key{number}"), Value::Unsigned(round));
                        }
                    }
                    for number in 0..=many {
                        line.outer(&format!("key{number}"), Value::Unsigned(3));
                    }
                });
                for number in 0..many {
                    assert_eq!(fields[format!("key{number}")], 2, "{text}");
                    let key = format!("\"key{number}\"");
                    assert_eq!(text.matches(&key).count(), 1, "{text}");
                }
                assert_eq!(fields[format!("key{many}")], 3, "{text}");
            }
        }
    }

    #[test]
    fn a_field_that_replaces_a_long_one_has_its_room() {
        let long = "x".repeat(7_000);
        for format in FORMATS {
            let (text, _) = line(format, None, |line| {
                for number in 0..20_u64 {
                    line.last("key", Value::Text(&long));
                    line.last("count", Value::Unsigned(number));
                }
            });
            assert!(text.contains(&long) && !text.contains("log.cut"), "{text}");
        }
    }

    #[test]
    fn a_message_that_cannot_be_shown_is_cut_in_every_format() {
        struct Broken;
        impl fmt::Display for Broken {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("half")?;
                Err(fmt::Error)
            }
        }
        for format in FORMATS {
            let message = Value::Format(format_args!("{Broken}"));
            let (text, _) = line(format, Some(message), |line| line.outer("key", message));
            assert_eq!(
                text.matches("half").count(),
                if format == Format::Gcp { 3 } else { 2 }
            );
        }
    }

    #[test]
    fn flat_json_has_its_own_keys_once() {
        let (text, fields) = line(Format::Json, Some(Value::Text("a \"message\"")), |line| {
            for key in ["time", "level", "target", "msg", "other"] {
                line.outer(key, Value::Float(1e300));
            }
            line.outer("wide", Value::Wide(u128::MAX));
            line.outer("signed", Value::WideSigned(-5));
        });
        assert_eq!(fields["level"], "info");
        assert_eq!(fields["target"], "a.target");
        assert_eq!(fields["msg"], "a \"message\"");
        assert_eq!(fields["wide"], u128::MAX.to_string());
        assert_eq!(fields["signed"], -5);
        for key in [
            "fields.time",
            "fields.level",
            "fields.target",
            "fields.msg",
            "other",
        ] {
            assert_eq!(fields[key], 1e300, "{text}");
        }
    }

    #[test]
    fn numbers_of_32_bits_have_their_digits_and_others_keep_all_of_theirs() {
        for (number, text) in [
            (f64::from(0.1_f32), "0.1"),
            (0.1, "0.1"),
            (1_073_741_824.0, "1073741824.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-0.0, "-0.0"),
            (f64::from(f32::MIN_POSITIVE), "1.1754944e-38"),
        ] {
            let (line, _) = line(Format::Mozlog, None, |line| {
                line.outer("key", Value::Float(number));
            });
            assert!(line.contains(&format!("\"key\":{text},")), "{text}: {line}");
        }
    }
}
