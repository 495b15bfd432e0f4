//! What slog-json makes of a record whose values were cleaned as the documentation says: the fields that a line of mozlog must have.

use std::{collections::BTreeMap, error, fmt};

use serde_json::Value;
use slog::{
    BorrowedKV, Drain as _, KV, Key, Level, OwnedKVList, Record, Serializer, o, record_static,
};

/// Returns the fields of a record, as slog-json writes them.
pub(super) fn fields(record: &Record<'_>, values: &OwnedKVList) -> BTreeMap<String, Value> {
    let mut cleaned = Cleaned::default();
    let text = record.msg().to_string();
    cleaned.has_message = !text.is_empty();
    if cleaned.has_message {
        cleaned.fields.push(("msg", Plain::Text(text)));
    }
    let own = record.kv().serialize(record, &mut cleaned);
    let outer = values.serialize(record, &mut cleaned);
    assert!(own.is_ok() && outer.is_ok(), "no value fails");
    if cleaned.fields.is_empty() {
        cleaned.fields.push(("msg", Plain::Text(String::new())));
    }
    let mut line = Vec::new();
    let place = record_static!(Level::Info, "");
    let nothing = format_args!("");
    let clean = Record::new(&place, &nothing, BorrowedKV(&cleaned));
    let json = slog_json::Json::new(&mut line).build();
    json.log(&clean, &o!().into()).expect("each value is JSON");
    serde_json::from_slice(&line).expect("slog-json writes JSON")
}

/// Fields of which each key is there once: the first that slog gives is the last or innermost.
#[derive(Default)]
struct Cleaned {
    fields: Vec<(&'static str, Plain)>,
    has_message: bool,
}

enum Plain {
    Text(String),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
}

impl Cleaned {
    #[allow(
        clippy::unnecessary_wraps,
        clippy::useless_conversion,
        reason = "it is what each method returns; the feature `dynamic-keys` makes a key another type"
    )]
    fn put(&mut self, key: Key, value: Plain) -> slog::Result {
        let key: &'static str = key.into();
        let key = if key == "msg" && self.has_message {
            "fields.msg"
        } else {
            key
        };
        if self.fields.iter().all(|(earlier, _)| *earlier != key) {
            self.fields.push((key, value));
        }
        Ok(())
    }

    /// A number that has 32 bits, and a fraction, has the digits that it has there.
    fn float(&mut self, key: Key, number: f64) -> slog::Result {
        if !number.is_finite() {
            return self.put(key, Plain::Text(number.to_string()));
        }
        #[allow(
            clippy::cast_possible_truncation,
            reason = "it is looked at what is lost"
        )]
        let short = number as f32;
        #[allow(clippy::float_cmp, reason = "it is to be the same number")]
        let is_short = f64::from(short) == number && number.fract() != 0.0;
        let digits = short.to_string().parse().ok().filter(|_| is_short);
        self.put(key, Plain::Float(digits.unwrap_or(number)))
    }
}

impl Serializer for Cleaned {
    fn emit_none(&mut self, _key: Key) -> slog::Result {
        Ok(())
    }

    fn emit_unit(&mut self, _key: Key) -> slog::Result {
        Ok(())
    }

    fn emit_bool(&mut self, key: Key, value: bool) -> slog::Result {
        self.put(key, Plain::Bool(value))
    }

    fn emit_u64(&mut self, key: Key, value: u64) -> slog::Result {
        self.put(key, Plain::Unsigned(value))
    }

    fn emit_i64(&mut self, key: Key, value: i64) -> slog::Result {
        self.put(key, Plain::Signed(value))
    }

    fn emit_u128(&mut self, key: Key, value: u128) -> slog::Result {
        let value = u64::try_from(value).map_or(Plain::Text(value.to_string()), Plain::Unsigned);
        self.put(key, value)
    }

    fn emit_i128(&mut self, key: Key, value: i128) -> slog::Result {
        let value = i64::try_from(value).map_or(Plain::Text(value.to_string()), Plain::Signed);
        self.put(key, value)
    }

    fn emit_f32(&mut self, key: Key, value: f32) -> slog::Result {
        self.float(key, value.into())
    }

    fn emit_f64(&mut self, key: Key, value: f64) -> slog::Result {
        self.float(key, value)
    }

    fn emit_error(&mut self, key: Key, error: &(dyn error::Error + 'static)) -> slog::Result {
        self.put(key, Plain::Text(error.to_string()))
    }

    fn emit_serde(&mut self, key: Key, value: &dyn slog::SerdeValue) -> slog::Result {
        match serde_json::to_value(value.as_serde()).expect("it is JSON") {
            Value::Null => Ok(()),
            value => self.put(key, Plain::Text(value.to_string())),
        }
    }

    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        self.put(key, Plain::Text(value.to_string()))
    }
}

impl KV for Cleaned {
    fn serialize(&self, _record: &Record<'_>, to: &mut dyn Serializer) -> slog::Result {
        for (key, value) in &self.fields {
            let key = Key::from(*key);
            match value {
                Plain::Text(text) => to.emit_str(key, text)?,
                Plain::Unsigned(number) => to.emit_u64(key, *number)?,
                Plain::Signed(number) => to.emit_i64(key, *number)?,
                Plain::Float(number) => to.emit_f64(key, *number)?,
                Plain::Bool(yes) => to.emit_bool(key, *yes)?,
            }
        }
        Ok(())
    }
}

/// Whether two values are the same, numbers with a fraction up to what reading them loses.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(a), Some(b)) if one.is_f64() || other.is_f64() => (a - b).abs() <= a.abs() * 1e-15,
        _ => one == other,
    }
}
