//! TOML and JSON as values. An error does not contain the text of the file, which may hold a secret.

use std::{fmt, sync::Arc};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
#[cfg(feature = "toml")]
use toml::de::{DeTable, DeValue};

use super::value::{Kind, Origin, Setting, Table};

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    #[cfg(feature = "toml")]
    Toml,
    #[cfg(feature = "yaml")]
    Yaml,
    Json,
}

/// The extensions of files that can be read.
pub(super) const ENDINGS: &str = match (cfg!(feature = "toml"), cfg!(feature = "yaml")) {
    (true, true) => ".toml, .yaml, .yml or .json",
    (true, false) => ".toml or .json",
    (false, true) => ".yaml, .yml or .json",
    (false, false) => ".json",
};

impl Format {
    /// Returns the format of a file of this extension.
    pub(super) fn of(extension: &str) -> Option<Self> {
        match extension {
            #[cfg(feature = "toml")]
            "toml" => Some(Self::Toml),
            #[cfg(feature = "yaml")]
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "toml")]
            Self::Toml => "TOML",
            #[cfg(feature = "yaml")]
            Self::Yaml => "YAML",
            Self::Json => "JSON",
        }
    }

    /// Returns the outermost table of a file, `None` if it is empty; `Err` completes "expected".
    pub(super) fn parse(self, text: &str, origin: &Origin) -> Result<Option<Setting>, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Ok(None);
        }
        let name = self.name();
        let parsed = match self {
            #[cfg(feature = "toml")]
            Self::Toml => toml(text, origin),
            #[cfg(feature = "yaml")]
            Self::Yaml => super::yaml::parse(text, origin),
            Self::Json => json(text, origin),
        };
        let value = parsed.map_err(|fault| format!("valid {name}: {fault}"))?;
        match value.kind {
            Kind::Table(_) => Ok(Some(value)),
            #[cfg(feature = "yaml")]
            Kind::Null if self == Self::Yaml => Ok(None),
            _ => Err(format!("{name} whose outermost value is a table")),
        }
    }
}

#[cfg(feature = "toml")]
fn toml(text: &str, origin: &Origin) -> Result<Setting, String> {
    fn table(table: DeTable<'_>, origin: &Origin) -> Result<Setting, String> {
        let entries = table.into_iter().map(|(key, inner)| {
            let inner = value(inner.into_inner(), origin)?;
            Ok((key.into_inner().into_owned(), Arc::new(inner)))
        });
        let table = entries.collect::<Result<Table, String>>()?;
        Ok(Setting::new(Kind::Table(table), origin))
    }

    fn value(found: DeValue<'_>, origin: &Origin) -> Result<Setting, String> {
        let kind = match found {
            DeValue::String(text) => Kind::Text(text.into_owned()),
            DeValue::Boolean(value) => Kind::Bool(value),
            DeValue::Datetime(time) => Kind::Text(time.to_string()),
            DeValue::Integer(number) => Kind::Integer(
                i128::from_str_radix(number.as_str(), number.radix())
                    .map_err(|_| "a whole number has too many digits".to_owned())?,
            ),
            DeValue::Float(number) => Kind::Float(
                (number.as_str().parse()).map_err(|_| "a number cannot be read".to_owned())?,
            ),
            DeValue::Array(items) => {
                let items = items
                    .into_iter()
                    .map(|item| value(item.into_inner(), origin).map(Arc::new));
                Kind::List(items.collect::<Result<_, _>>()?)
            }
            DeValue::Table(inner) => return table(inner, origin),
        };
        Ok(Setting::new(kind, origin))
    }

    let parsed = DeTable::parse(text).map_err(|fault| {
        let message = fault.message().replace('\n', ", ");
        match fault.span() {
            Some(span) => {
                let before = text.get(..span.start).unwrap_or(text);
                let line = before.matches('\n').count() + 1;
                let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
                format!("{message}, at line {line}, column {column}")
            }
            None => message,
        }
    })?;
    table(parsed.into_inner(), origin)
}

/// Reads JSON.
pub(super) fn json(text: &str, origin: &Origin) -> Result<Setting, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Json(origin)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|fault| fault.to_string().replace(" at line", ", at line"))
}

/// Builds a value from what a JSON reader finds.
#[derive(Clone, Copy)]
struct Json<'a>(&'a Origin);

impl Json<'_> {
    fn value(self, kind: Kind) -> Setting {
        Setting::new(kind, self.0)
    }
}

impl<'de> DeserializeSeed<'de> for Json<'_> {
    type Value = Setting;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Setting, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json<'_> {
    type Value = Setting;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Setting, E> {
        Ok(self.value(Kind::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Setting, E> {
        Ok(self.value(Kind::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Setting, E> {
        Ok(self.value(Kind::Integer(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Setting, E> {
        Ok(self.value(Kind::Integer(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Setting, E> {
        Ok(self.value(Kind::Float(value)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Setting, E> {
        Ok(self.value(Kind::Text(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Setting, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(Arc::new(item));
        }
        Ok(self.value(Kind::List(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Setting, A::Error> {
        let mut table = Table::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = Arc::new(entries.next_value_seed(self)?);
            if table.insert(key, value).is_some() {
                return Err(de::Error::custom("a table has a key twice"));
            }
        }
        Ok(self.value(Kind::Table(table)))
    }
}

#[cfg(all(test, feature = "toml", feature = "yaml"))]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_value_up_to_64_bits_without_a_sign() {
        for (format, text) in [
            (Format::Json, r#"{"a": 18446744073709551615, "b": 5.0}"#),
            (Format::Yaml, "a: 18446744073709551615\nb: 5.0"),
            (Format::Toml, "a = 18446744073709551615\nb = 5.0"),
        ] {
            let value = format.parse(text, &Origin::Nowhere).expect("it is good");
            let Some(Kind::Table(table)) = value.map(|value| value.kind) else {
                panic!("not a table: {text}");
            };
            let scalar = |key: &str| table[key].scalar().expect("a scalar");
            assert_eq!(scalar("a"), "18446744073709551615", "{text}");
            assert_eq!(scalar("b"), "5.0", "{text}");
        }
    }

    #[test]
    fn what_does_not_parse_is_named_by_its_place_and_never_quoted() {
        for (format, text) in [
            (Format::Toml, "a = 1\npass = hunter2"),
            (Format::Toml, "pass = \"hunter2"),
            (Format::Toml, "pass = \"hunter2\"\npass = \"hunter2\""),
            (
                Format::Toml,
                "pass = 12345678901234567890123456789012345678901234567890",
            ),
            (Format::Json, "{\"pass\": hunter2}"),
            (Format::Json, "{\"pass\": \"hunter2\"} hunter2"),
            (Format::Json, "{\"pass\": \"hunter2\", \"pass\": 1}"),
            (Format::Json, "[\"hunter2\"]"),
            (Format::Yaml, "pass: \"hunter2"),
            (
                Format::Yaml,
                "pass: {{get_env(name=\"X\", default=\"postgres://u:hunter2@h\")}}",
            ),
            (Format::Yaml, "pass: hunter2\n\tx: 1"),
            (Format::Yaml, "hunter2"),
        ] {
            let fault = format.parse(text, &Origin::Nowhere).expect_err(text);
            assert!(
                !fault.contains("hunter2") && !fault.contains("12345"),
                "{fault}"
            );
            assert!(!fault.contains('\n'), "{fault}");
            assert!(fault.contains(format.name()), "{fault}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_an_empty_file_are_no_keys() {
        for (format, text) in [
            (Format::Json, "{\"a\": 1}"),
            (Format::Yaml, "a: 1"),
            (Format::Toml, "a = 1"),
        ] {
            let marked = format!("\u{feff}{text}");
            let value = format.parse(&marked, &Origin::Nowhere).expect(text);
            let Some(Kind::Table(table)) = value.map(|value| value.kind) else {
                panic!("not a table: {text}");
            };
            assert!(table.contains_key("a"), "{text}");
            for empty in ["", "\u{feff}", " \n"] {
                let parsed = format.parse(empty, &Origin::Nowhere).expect("it is empty");
                assert!(parsed.is_none());
            }
        }
        for empty in ["---", "---\n...\n", "# a comment", "~", "--- \n# nothing"] {
            let parsed = Format::Yaml.parse(empty, &Origin::Nowhere).expect(empty);
            assert!(parsed.is_none(), "{empty}");
        }
    }
}
