//! What is wrong with a value: found by serde, and completed with the key.

use std::{
    fmt::{self, Display},
    sync::Arc,
};

use serde::de::{self, Expected, Unexpected};

use super::{
    value::{Kind, Path, Setting},
    wording::in_words,
};

/// A fault in the value of a key.
pub(super) struct Fault {
    /// The key, once `at` or `of_key` has completed it.
    pub(super) path: Path,
    /// The key's value.
    pub(super) value: Option<Arc<Setting>>,
    pub(super) reason: Reason,
    /// The whole text from serde, to distinguish two faults. It may hold a secret and is never shown.
    pub(super) raw: String,
    /// Whether the reason may contain values of other keys, because the fault was found in a table or a list.
    pub(super) exposed: bool,
    /// Whether `at` or `of_key` has completed it.
    placed: bool,
    /// Whether the key itself is wrong, not its value.
    pub(super) of_key: bool,
}

pub(super) enum Reason {
    /// What a type expects, in its own words.
    Expected(String),
    /// A message from the type's own code.
    Custom(String),
    /// Our own text, which completes "expected".
    Refused(String),
    /// A table has no such key.
    Missing(String),
    /// A table has a key that its type does not know.
    Unknown(String, &'static [&'static str]),
    /// A key is present under two of its names.
    Twice(String),
}

impl Fault {
    fn new(reason: Reason, raw: String) -> Self {
        Self {
            path: Path::default(),
            value: None,
            reason,
            raw,
            exposed: false,
            placed: false,
            of_key: false,
        }
    }

    /// Returns a fault of ours; `expected` completes "expected" and holds no value.
    pub(super) fn refused(expected: impl Into<String>) -> Self {
        let expected = expected.into();
        Self::new(Reason::Refused(expected.clone()), expected)
    }

    /// Adds the value that was being read to the fault, unless an inner value has been added.
    pub(super) fn at(mut self, path: &Path, value: &Arc<Setting>) -> Self {
        if self.placed {
            return self;
        }
        self.placed = true;
        let key = match &self.reason {
            Reason::Missing(key) | Reason::Unknown(key, _) | Reason::Twice(key) => Some(key),
            _ => None,
        };
        self.exposed = value.is_container() && (path.sounds_secret() || value.may_hold_a_secret());
        (self.path, self.value) = match (key, &value.kind) {
            (Some(key), Kind::Table(table)) => (path.key(key), table.get(key).cloned()),
            (Some(key), _) => (path.key(key), None),
            (None, _) => (path.clone(), Some(value.clone())),
        };
        if self.is_missing() {
            // The table may show where the key is missing.
            self.value = Some(value.clone());
        }
        self
    }

    /// Adds the origin of its value to the fault of a key.
    pub(super) fn of_key(mut self, path: &Path, value: &Arc<Setting>) -> Self {
        self.placed = true;
        self.of_key = true;
        self.path = path.clone();
        self.value = Some(value.clone());
        self
    }

    /// Returns the same fault, found to be another value's.
    pub(super) fn moved(mut self, path: Path, value: Option<Arc<Setting>>) -> Self {
        self.path = path;
        self.value = value;
        self
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self.reason, Reason::Missing(_))
    }
}

impl de::Error for Fault {
    fn custom<T: Display>(text: T) -> Self {
        let text = text.to_string().replace(['\n', '\r'], " ");
        Self::new(Reason::Custom(text.clone()), text)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let raw = format!("type {found}, {expected}");
        Self::new(Reason::Expected(expected.to_string()), raw)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let raw = format!("value {found}, {expected}");
        Self::new(Reason::Expected(expected.to_string()), raw)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let raw = format!("length {length}, {expected}");
        Self::new(Reason::Expected(expected.to_string()), raw)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let raw = format!("variant {variant}");
        let words = format!("one of {}", expected.join(", "));
        Self::new(Reason::Refused(words), raw)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let raw = format!("unknown {field}");
        Self::new(Reason::Unknown(field.into(), expected), raw)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Reason::Missing(field.into()), format!("missing {field}"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(Reason::Twice(field.into()), format!("twice {field}"))
    }
}

/// Returns what can safely be shown of the error of a type that wraps another error.
impl Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Expected(expected) => {
                let words = in_words(expected).unwrap_or_else(|| expected.clone());
                write!(formatter, "expected {words}")
            }
            Reason::Custom(text) => formatter.write_str(text),
            Reason::Refused(words) => write!(formatter, "expected {words}"),
            Reason::Missing(key) => write!(formatter, "the key {key} is missing"),
            Reason::Unknown(key, _) => write!(formatter, "the key {key} is not known"),
            Reason::Twice(key) => write!(formatter, "the key {key} is there twice"),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, formatter)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_show_what_was_held() {
        let fault: Fault = de::Error::invalid_type(Unexpected::Str("hunter2"), &"a prime number");
        assert_eq!(format!("{fault} {fault:?}").matches("hunter2").count(), 0);
    }
}
