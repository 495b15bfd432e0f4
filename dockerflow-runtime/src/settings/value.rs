//! A setting's value on its way into a type: what it may be, and what is said where it is something else.

use std::{
    cell::RefCell,
    fmt::{self, Display},
};

use ::config::{Map, Value, ValueKind};
use serde::{
    de::{
        self, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer as _,
        MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
    },
    forward_to_deserialize_any,
};

use crate::{
    environment::{flag, shown},
    error::BadSetting,
};

/// What is wrong with a key.
#[derive(Debug)]
pub(super) struct Fault {
    path: String,
    origin: Option<String>,
    held: Option<String>,
    expected: String,
    missing: bool,
    /// Whether the key is known by now: the innermost value that saw the fault has it.
    placed: bool,
}

impl Fault {
    fn new(expected: String) -> Self {
        Self {
            path: String::new(),
            origin: None,
            held: None,
            expected,
            missing: false,
            placed: false,
        }
    }

    /// The fault as an operator reads it.
    pub(super) fn problem(self) -> BadSetting {
        let variable = self
            .path
            .to_uppercase()
            .replace('.', "__")
            .replace('-', "_");
        let (name, held) = match self.origin.as_deref() {
            _ if self.missing => {
                return BadSetting {
                    name: self.path,
                    held: None,
                    expected: format!("a value, in a file at CONFIG_PATH or as {variable}"),
                };
            }
            Some(origin) => (named(&self.path, origin), self.held),
            None => (self.path, self.held),
        };
        BadSetting {
            name,
            held,
            expected: self.expected,
        }
    }
}

/// A key as an operator finds it.
fn named(path: &str, origin: &str) -> String {
    match origin.strip_prefix('$') {
        Some(variable) => variable.to_owned(),
        None => format!("{path} in {origin}"),
    }
}

impl de::Error for Fault {
    fn custom<T: Display>(text: T) -> Self {
        Self::new(format!("something else: {text}"))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(in_words(&expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(in_words(&expected.to_string()))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mut fault = Self::new(format!("one of the keys {}", expected.join(", ")));
        field.clone_into(&mut fault.path);
        fault
    }

    fn missing_field(field: &'static str) -> Self {
        let mut fault = Self::new(String::new());
        field.clone_into(&mut fault.path);
        fault.missing = true;
        fault
    }
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: expected {}", self.path, self.expected)
    }
}

impl std::error::Error for Fault {}

/// Rust's name of a type, for an operator.
fn in_words(expected: &str) -> String {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "u128" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "text",
        "a sequence" => "a list",
        other => {
            return other
                .strip_prefix("struct ")
                .map_or_else(|| other.to_owned(), |_| "a table".to_owned());
        }
    }
    .to_owned()
}

/// A value and the way to it.
pub(super) struct Node<'a> {
    value: Value,
    path: String,
    unknown: &'a RefCell<Vec<String>>,
}

impl<'a> Node<'a> {
    /// The outermost table. Keys that mean nothing are added to `unknown`.
    pub(super) fn root(table: Map<String, Value>, unknown: &'a RefCell<Vec<String>>) -> Self {
        Self {
            value: Value::new(None, ValueKind::Table(table)),
            path: String::new(),
            unknown,
        }
    }

    /// The text, where the value is a variable's: it is what the key wants it to be.
    fn text(&self) -> Option<&str> {
        match &self.value.kind {
            ValueKind::String(text) if self.value.origin()?.starts_with('$') => Some(text),
            _ => None,
        }
    }

    /// Calls `visit` and completes its fault, where that is this value's own.
    fn visit<T>(self, visit: impl FnOnce(Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let path = self.path.clone();
        let origin = self.value.origin().map(ToOwned::to_owned);
        let held = match &self.value.kind {
            ValueKind::Table(_) | ValueKind::Array(_) => None,
            scalar => Some(scalar.to_string()),
        };
        visit(self).map_err(|mut fault| {
            if fault.placed {
                return fault;
            }
            fault.placed = true;
            fault.path = join(&path, &fault.path);
            if !fault.missing {
                fault.origin = origin;
                if let Some(held) = held.filter(|held| !held.is_empty()) {
                    fault.held = shown(&path, &held);
                    if fault.held.is_none() {
                        // A type's own message may quote what it refused.
                        fault.expected = fault.expected.replace(&held, "[hidden]");
                    }
                }
            }
            fault
        })
    }

    fn child(&self, key: &str, value: Value) -> Node<'a> {
        Node {
            value,
            path: join(&self.path, key),
            unknown: self.unknown,
        }
    }

    /// A list or a table as a variable writes it: JSON; a list also with commas.
    fn structured(mut self) -> Self {
        let origin = self.value.origin().map(ToOwned::to_owned);
        if let Some(text) = self.text().map(str::trim) {
            let json = serde_json::from_str(text).ok();
            if let Some(value) = json
                .as_ref()
                .and_then(|json| from_json(json, origin.as_ref()))
            {
                self.value = value;
            } else if !text.starts_with(['[', '{']) {
                let items = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                let items: Vec<_> = items
                    .map(|item| Value::new(origin.as_ref(), item))
                    .collect();
                self.value = Value::new(origin.as_ref(), items);
            }
        }
        self
    }
}

fn join(path: &str, key: &str) -> String {
    match (path, key) {
        ("", other) | (other, "") => other.to_owned(),
        (path, key) if key.starts_with('[') => format!("{path}{key}"),
        (path, key) => format!("{path}.{key}"),
    }
}

/// A JSON array or object as the library's value; nothing else is a list or a table.
fn from_json(json: &serde_json::Value, origin: Option<&String>) -> Option<Value> {
    fn any(json: &serde_json::Value, origin: Option<&String>) -> Value {
        use serde_json::Value as Json;
        match json {
            Json::Null => Value::new(origin, ValueKind::Nil),
            Json::Bool(value) => Value::new(origin, *value),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Value::new(origin, value),
                (None, Some(value)) => Value::new(origin, value),
                (None, None) => Value::new(origin, number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::new(origin, text.as_str()),
            Json::Array(items) => Value::new(
                origin,
                items
                    .iter()
                    .map(|item| any(item, origin))
                    .collect::<Vec<_>>(),
            ),
            Json::Object(object) => {
                let entries = object
                    .iter()
                    .map(|(key, value)| (key.clone(), any(value, origin)));
                Value::new(origin, entries.collect::<Map<_, _>>())
            }
        }
    }
    (json.is_array() || json.is_object()).then(|| any(json, origin))
}

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.text().map(|text| text.trim().parse::<$type>()) {
                Some(Ok(value)) => self.visit(|_| visitor.$visit(value)),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit(|node| match node.value.kind {
            ValueKind::Nil => visitor.visit_unit(),
            ValueKind::Boolean(value) => visitor.visit_bool(value),
            ValueKind::I64(value) => visitor.visit_i64(value),
            ValueKind::I128(value) => visitor.visit_i128(value),
            ValueKind::U64(value) => visitor.visit_u64(value),
            ValueKind::U128(value) => visitor.visit_u128(value),
            ValueKind::Float(value) => visitor.visit_f64(value),
            ValueKind::String(text) => visitor.visit_string(text),
            ValueKind::Array(ref items) => visitor.visit_seq(Items {
                items: items.clone().into_iter().enumerate(),
                of: &node,
            }),
            ValueKind::Table(ref table) => visitor.visit_map(Entries {
                rest: table.clone().into_iter(),
                value: None,
                of: &node,
            }),
        })
    }

    parsed! {
        deserialize_i8 visit_i64 i64;
        deserialize_i16 visit_i64 i64;
        deserialize_i32 visit_i64 i64;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u64 u64;
        deserialize_u16 visit_u64 u64;
        deserialize_u32 visit_u64 u64;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f64 f64;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text().and_then(flag) {
            Some(value) => self.visit(|_| visitor.visit_bool(value)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.kind {
            ValueKind::Nil => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.structured().deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text() {
            Some(text) if text.trim_start().starts_with('{') => {
                self.structured().deserialize_any(visitor)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.visit(|node| match &node.value.kind {
            ValueKind::String(text) => {
                visitor.visit_enum(text.trim().to_owned().into_deserializer())
            }
            ValueKind::Table(table) if table.len() == 1 => {
                let entry = table.iter().next();
                let (key, value) = entry.expect("its length was checked");
                visitor.visit_enum(Variant {
                    key: key.clone(),
                    node: node.child(key, value.clone()),
                })
            }
            _ => Err(Fault::new("a name, or a table with one key".into())),
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let origin = self.value.origin().unwrap_or_default();
        self.unknown.borrow_mut().push(named(&self.path, origin));
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { char str string bytes byte_buf unit unit_struct tuple_struct identifier }
}

struct Items<'n, 'a> {
    items: std::iter::Enumerate<std::vec::IntoIter<Value>>,
    of: &'n Node<'a>,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((index, item)) = self.items.next() else {
            return Ok(None);
        };
        seed.deserialize(self.of.child(&format!("[{index}]"), item))
            .map(Some)
    }
}

struct Entries<'n, 'a, I> {
    rest: I,
    value: Option<(String, Value)>,
    of: &'n Node<'a>,
}

impl<'de, I: Iterator<Item = (String, Value)>> MapAccess<'de> for Entries<'_, '_, I> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        let name = Node {
            value: Value::new(None, key.as_str()),
            path: String::new(),
            unknown: self.of.unknown,
        };
        let found = seed.deserialize(name).map_err(|mut fault| {
            // An unknown key is the fault of the file or variable that has it, and its name no secret.
            fault.held = None;
            fault.path = join(&self.of.path, &key);
            fault.origin = value.origin().map(ToOwned::to_owned);
            fault
        });
        self.value = Some((key, value));
        found.map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (key, value) = self
            .value
            .take()
            .ok_or_else(|| Fault::new("a key before its value".into()))?;
        seed.deserialize(self.of.child(&key, value))
    }
}

/// A variant of an enumeration, as a table with one key.
struct Variant<'a> {
    key: String,
    node: Node<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = Content<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content<'a>), Fault> {
        let variant = seed.deserialize(self.key.into_deserializer())?;
        Ok((variant, Content(self.node)))
    }
}

struct Content<'a>(Node<'a>);

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.0.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.0.deserialize_map(visitor)
    }
}
