//! How the fields of slog's records become fields of a line.

use std::fmt;

use slog::{KV as _, Key, OwnedKVList, Record, Serializer};

use crate::{
    error::Chain,
    json::to_json,
    logging::{line::Line, value::Value},
};

impl Line<'_> {
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
}

macro_rules! emit {
    ($($kind:ident: $($name:ident($type:ty)),*;)*) => {$($(
        fn $name(&mut self, key: Key, value: $type) -> slog::Result {
            self.outer(key.as_ref(), Value::$kind(value.into()));
            Ok(())
        }
    )*)*};
}

impl Serializer for Line<'_> {
    emit! {
        Unsigned: emit_u8(u8), emit_u16(u16), emit_u32(u32), emit_u64(u64);
        Signed: emit_i8(i8), emit_i16(i16), emit_i32(i32), emit_i64(i64);
        Wide: emit_u128(u128);
        WideSigned: emit_i128(i128);
        Float: emit_f32(f32), emit_f64(f64);
        Bool: emit_bool(bool);
        Text: emit_str(&str);
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
