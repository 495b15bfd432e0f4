//! The log: any record is one line of at most 16 KiB, in each `LOG_FORMAT`. If that is JSON, no key is there twice, and nothing is null.
#![no_main]

use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use dockerflow_runtime::fuzzing::{FORMATS, line, trace};
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use slog::{KV, Key, Level, OwnedKVList, Record, RecordLocation, RecordStatic, Serializer};

#[derive(Arbitrary, Debug)]
struct Input {
    level: u8,
    tag: Text,
    message: Text,
    line: u32,
    record: Vec<(Text, Field)>,
    logger: Vec<(Text, Field)>,
    sent: Vec<u8>,
    traced: bool,
}

/// A text, perhaps of great length.
#[derive(Arbitrary, Clone, Debug)]
enum Text {
    Any(String),
    Known(u8),
    Long(String, u16),
}

/// Keys that a line has anyway.
const KNOWN: [&str; 12] = [
    "msg",
    "time",
    "level",
    "target",
    "rid",
    "trace_id",
    "agent",
    "log.cut",
    "log.error",
    "fields.msg",
    "message",
    "",
];

impl Text {
    fn get(&self) -> String {
        match self {
            Self::Any(text) => text.clone(),
            Self::Known(which) => KNOWN[usize::from(*which) % KNOWN.len()].to_owned(),
            Self::Long(text, times) => {
                let times = usize::from(*times).min(20_000 / text.len().max(1));
                text.repeat(times)
            }
        }
    }
}

#[derive(Arbitrary, Clone, Debug)]
enum Field {
    Text(Text),
    Arguments(Text),
    /// A `Display` that fails after this text.
    Fails(Text),
    Unsigned(u64),
    Signed(i64),
    Wide(u128),
    WideSigned(i128),
    Float(f64),
    Short(f32),
    Bool(bool),
    Char(char),
    Nothing,
    Unit,
    /// A serializer that gives up.
    Error,
}

struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)?;
        Err(fmt::Error)
    }
}

struct Fields(Vec<(Text, Field)>);

impl KV for Fields {
    fn serialize(&self, _record: &Record<'_>, to: &mut dyn Serializer) -> slog::Result {
        for (key, field) in &self.0 {
            let key = Key::from(key.get());
            match field {
                Field::Text(text) => to.emit_str(key, &text.get())?,
                Field::Arguments(text) => {
                    to.emit_arguments(key, &format_args!("{}", text.get()))?
                }
                Field::Fails(text) => {
                    to.emit_arguments(key, &format_args!("{}", Broken(text.get())))?
                }
                Field::Unsigned(number) => to.emit_u64(key, *number)?,
                Field::Signed(number) => to.emit_i64(key, *number)?,
                Field::Wide(number) => to.emit_u128(key, *number)?,
                Field::WideSigned(number) => to.emit_i128(key, *number)?,
                Field::Float(number) => to.emit_f64(key, *number)?,
                Field::Short(number) => to.emit_f32(key, *number)?,
                Field::Bool(yes) => to.emit_bool(key, *yes)?,
                Field::Char(letter) => to.emit_char(key, *letter)?,
                Field::Nothing => to.emit_none(key)?,
                Field::Unit => to.emit_unit(key)?,
                Field::Error => return Err(slog::Error::Other),
            }
        }
        Ok(())
    }
}

fuzz_target!(|input: Input| {
    let levels = [
        Level::Critical,
        Level::Error,
        Level::Warning,
        Level::Info,
        Level::Debug,
        Level::Trace,
    ];
    let location = RecordLocation {
        file: "src/orders.rs",
        line: input.line,
        column: 0,
        function: "",
        module: "shop::orders",
    };
    let tag = input.tag.get();
    let record = RecordStatic {
        location: &location,
        tag: &tag,
        level: levels[usize::from(input.level) % levels.len()],
    };
    let message = input.message.get();
    let own = Fields(input.record);
    let values: OwnedKVList = slog::OwnedKV(Fields(input.logger)).into();
    let context = input.traced.then(|| {
        let mut headers = HeaderMap::new();
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        headers.insert(
            HeaderName::from_static("traceparent"),
            HeaderValue::from_static(parent),
        );
        trace(&headers).expect("it is valid")
    });
    for format in FORMATS {
        let arguments = format_args!("{message}");
        let record = Record::new(&record, &arguments, slog::BorrowedKV(&own));
        let line = line(format, &record, &values, &input.sent, context.as_ref());
        let length = line.len();
        assert!(length <= 16 * 1024, "{format}: {length} bytes");
        let line = str::from_utf8(&line).expect("UTF-8");
        let line = line.strip_suffix('\n').expect("a line break at its end");
        if ["text", "coloured"].contains(&format) {
            let harmless = |letter: char| !letter.is_control() || "\n\t\x1b".contains(letter);
            assert!(line.chars().all(harmless), "{line:?}");
            continue;
        }
        assert!(!line.contains('\n'), "{format}: {line:?}");
        let node: Node =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{format}: {error}: {line}"));
        let Node::Object(members) = node else {
            panic!("{format}: not an object: {line}");
        };
        for (key, member) in &members {
            match member {
                Node::Scalar => {}
                Node::Object(fields) if key == "Fields" && format != "json" => {
                    assert!(!fields.is_empty(), "{line}");
                    assert!(
                        fields
                            .iter()
                            .all(|(_, field)| matches!(field, Node::Scalar)),
                        "{line}"
                    );
                }
                Node::Object(_) => {
                    let google = key == "logging.googleapis.com/sourceLocation";
                    assert!(google && format == "gcp", "{line}");
                }
            }
        }
    }
});

/// JSON without null, lists, or a key that is there twice.
enum Node {
    Scalar,
    Object(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Node;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object, a string, a number or a boolean")
            }

            fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
                Ok(Node::Scalar)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
                Ok(Node::Scalar)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
                Ok(Node::Scalar)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
                Ok(Node::Scalar)
            }

            fn visit_str<E>(self, _: &str) -> Result<Node, E> {
                Ok(Node::Scalar)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut members: Vec<(String, Node)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Node>()? {
                    if members.iter().any(|(known, _)| *known == key) {
                        return Err(A::Error::custom(format!("the key {key:?} is there twice")));
                    }
                    members.push((key, value));
                }
                Ok(Node::Object(members))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
