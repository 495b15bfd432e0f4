//! Awkward values, each logged by every interface that takes it: the field `value`, or in the summary a field of its name.

use std::{collections::BTreeMap, error, fmt, num::NonZeroU8};

use dockerflow::{Summary, logging::logger};
use serde::{Serialize, Serializer, ser};

/// Logs values that each interface has a type for.
macro_rules! plain {
    ($summary:ident: $($of:literal = $value:expr;)*) => {$(
        slog::info!(logger(), "slog"; "of" => $of, "value" => $value);
        log::info!(of = $of, value = $value; "log");
        tracing::info!(of = $of, value = $value, "tracing");
        tracing::info_span!("span", value = $value).in_scope(|| tracing::info!(of = $of, "span"));
        serde!($summary: $of = $value;);
    )*};
}

/// Logs values that serialize.
macro_rules! serde {
    ($summary:ident: $($of:literal = $value:expr;)*) => {$(
        slog::info!(logger(), "slog::Serde"; "of" => $of, "value" => slog::Serde($value));
        log::info!(of = $of, value:serde = $value; "log:serde");
        $summary.set($of, $value);
    )*};
}

/// Logs values that are shown.
macro_rules! shown {
    ($summary:ident: $($of:literal = $value:expr;)*) => {$(
        let value = $value;
        slog::info!(logger(), "slog %"; "of" => $of, "value" => %value);
        log::info!(of = $of, value:% = value; "log:%");
        tracing::info!(of = $of, value = %value, "tracing %");
        tracing::info_span!("span", value = %value).in_scope(|| tracing::info!(of = $of, "span %"));
        $summary.set($of, Collected(value));
    )*};
}

/// Logs values of which there is a form for programmers.
macro_rules! debug {
    ($($of:literal = $value:expr;)*) => {$(
        let value = $value;
        slog::info!(logger(), "slog ?"; "of" => $of, "value" => ?value);
        log::info!(of = $of, value:? = value; "log:?");
        tracing::info!(of = $of, value = ?value, "tracing ?");
        tracing::info_span!("span", value = ?value).in_scope(|| tracing::info!(of = $of, "span ?"));
    )*};
}

#[derive(Clone, Serialize)]
enum Shape {
    Unit,
    Newtype(f32),
    Tuple(u128, Option<u8>),
    Struct { none: Option<u8>, r#type: f64 },
}

/// A value whose `Display` fails in the middle.
#[derive(Clone)]
struct Half;

impl fmt::Display for Half {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("half")?;
        Err(fmt::Error)
    }
}

impl fmt::Debug for Half {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Serializes as it is shown.
#[derive(Clone)]
struct Collected<T>(T);

impl<T: fmt::Display> Serialize for Collected<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Serializes as bytes do.
#[derive(Clone)]
struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Cannot be serialized.
#[derive(Clone)]
struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("it refuses"))
    }
}

/// An error with a cause.
#[derive(Debug)]
struct Outer(fmt::Error);

impl fmt::Display for Outer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("outer")
    }
}

impl error::Error for Outer {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.0)
    }
}

pub(crate) async fn values(summary: Summary) -> &'static str {
    plain! { summary:
        "nan" = f64::NAN;
        "infinity" = f64::INFINITY;
        "minus infinity" = f64::NEG_INFINITY;
        "nan of 32 bits" = f32::NAN;
        "minus zero" = -0.0_f64;
        "a tenth of 32 bits" = 0.1_f32;
        "a tenth" = 0.1_f64;
        "large" = 1e300_f64;
        "whole" = 5.0_f64;
        "u128" = u128::MAX;
        "small u128" = 5_u128;
        "i128" = i128::MIN;
        "small i128" = -5_i128;
        "u64" = u64::MAX;
        "i64" = i64::MIN;
        "u8" = 255_u8;
        "isize" = -1_isize;
        "usize" = usize::MAX;
        "yes" = true;
        "empty" = "";
        "control" = "\u{0}\u{1}\t\n\u{7f}\u{85}\u{2028}";
        "quotes" = "\"\\=\"";
        "emoji" = "é€🦀";
        "null in text" = "null";
        "number in text" = "1";
    }
    serde! { summary:
        "unit" = ();
        "none" = None::<u8>;
        "some" = Some(3);
        "nested none" = Some(None::<u8>);
        "nested some" = Some(Some(3));
        "letter" = 'x';
        "list" = vec![Some(f64::NAN), None];
        "map" = BTreeMap::from([((1, "a"), f32::INFINITY)]);
        "map by option" = BTreeMap::from([(Some(2), 2)]);
        "map by none" = BTreeMap::from([(None::<u8>, 1)]);
        "unit variant" = Shape::Unit;
        "newtype variant" = Shape::Newtype(0.1);
        "tuple variant" = Shape::Tuple(u128::MAX, None);
        "struct variant" = Shape::Struct { none: None, r#type: f64::NAN };
        "bytes" = Bytes(b"a\xff");
        "refuses" = Refuses;
        "nested control" = vec!["\u{0}\n\u{2028}"];
        "json" = serde_json::json!({"a": [1.5, null, {"b": "c"}]});
        "json number" = serde_json::json!(-0.5);
        "nonzero" = NonZeroU8::MAX;
    }
    shown! { summary:
        "shown" = "shown \"with\"\nquotes";
        "half" = Half;
        "arguments" = 17_u8;
    }
    debug! {
        "half debug" = Half;
        "debug" = Some(["a\u{0}"]);
    }
    let none = None::<u64>;
    slog::info!(logger(), "slog"; "of" => "absent", "value" => none);
    log::info!(of = "absent", value = none; "log");
    tracing::info!(of = "absent", value = none, "tracing");
    summary.set("absent", none);

    let chain = Outer(fmt::Error);
    slog::info!(logger(), "slog"; "of" => "chain", "value" => #&chain);
    log::info!(of = "chain", value:err = chain; "log");
    tracing::info!(
        of = "chain",
        value = &chain as &(dyn error::Error + 'static),
        "tracing"
    );

    tracing::info!(of = "raw bytes", value = &b"a\xff"[..], "tracing");

    slog::info!(logger(), "slog"; "of" => "twice", "value" => 1, "value" => 2);
    log::info!(of = "twice", value = 1, value = 2; "log");
    tracing::info!(of = "twice", value = 1, value = 2, "tracing");
    summary.set("twice", 1);
    summary.set("twice", 2);

    slog::info!(logger(), "slog"; "of" => "names", "type" => 1, "msg" => 2, "time" => 3, "level" => 4, "target" => 5);
    log::info!(of = "names", r#type = 1, msg = 2, time = 3, level = 4, target = 5; "log");
    tracing::info!(
        of = "names",
        r#type = 1,
        msg = 2,
        time = 3,
        level = 4,
        target = 5,
        "tracing"
    );
    let span = tracing::info_span!("span", r#type = 1, msg = 2, time = 3, level = 4, target = 5);
    span.in_scope(|| tracing::info!(of = "names", "span"));
    summary.set("type", 1);
    "logged"
}
