//! What is wrong with a value: found by serde, completed with the key, and shown without anything that may be a secret.

use std::{
    fmt::{self, Display},
    sync::Arc,
};

use serde::de::{self, Expected, Unexpected};

use super::value::{Kind, Origin, Path, Setting};
use crate::{environment::beginning, error::BadSetting};

/// A fault in the value of a key.
pub(super) struct Fault {
    /// The key, once `at` has completed it.
    pub(super) path: Path,
    /// The key's value.
    pub(super) value: Option<Arc<Setting>>,
    pub(super) reason: Reason,
    /// The whole text from serde, to distinguish two faults. It may hold a secret and is never shown.
    pub(super) raw: String,
    /// Whether the reason may contain values of other keys, because the fault was found in a table or a list.
    exposed: bool,
    placed: bool,
    /// Whether the key itself is wrong, not its value.
    of_key: bool,
}

/// Where a setting that is missing may be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'a> {
    /// What the names of the application's variables begin with.
    pub(super) prefix: &'a str,
    /// What names the path of the files: a variable, or an option of the command line.
    pub(super) files: &'a str,
}

#[derive(Clone)]
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

    /// Returns the fault as an operator reads it.
    pub(super) fn bad_setting(self, sources: Sources<'_>) -> BadSetting {
        let origin = self.value.as_ref().map(|value| &value.origin);
        if self.is_missing() {
            return self.missing(sources);
        }
        let name = match origin {
            Some(origin) => named(&self.path, origin),
            None => named(&self.path, &Origin::Nowhere),
        };
        let value = self.value.as_deref();
        let secret = self.path.sounds_secret() || value.is_some_and(Setting::may_hold_a_secret);
        let scalar = value.and_then(Setting::scalar);
        let text = matches!(value.map(|value| &value.kind), Some(Kind::Text(_)));
        let scalar = scalar.filter(|_| !self.of_key);
        // `A__0` for an element of the list `a`.
        let of_elements = value.is_some_and(|value| {
            value.is_table() && matches!(value.origin, Origin::Variable { .. })
        });
        let mut held =
            scalar.filter(|held| !secret && !held.is_empty() && !held.starts_with(['{', '[']));
        let expected = match self.reason {
            Reason::Expected(expected) if self.of_key => {
                held = None;
                format!("a key that is {}", in_words(&expected).unwrap_or(expected))
            }
            Reason::Expected(expected) => match in_words(&expected) {
                // This may be a secret of digits, written without quotes.
                Some(words) if words == TEXT && !text => {
                    held = None;
                    match value {
                        Some(value) if value.is_container() => words,
                        _ => format!("{words}: put it in quotes"),
                    }
                }
                Some(words) if words.starts_with("a list") && of_elements => {
                    format!("{words}, whose elements have no variables of their own")
                }
                Some(words) => words,
                None if secret || self.exposed => HIDDEN.into(),
                None => expected,
            },
            Reason::Custom(_) if secret || self.exposed => HIDDEN.into(),
            Reason::Custom(text) => match of_known_code(&text) {
                Some(words) => words,
                None => format!("a valid value: {}", beginning(&text)),
            },
            Reason::Refused(text) if self.of_key => format!("a key that is {text}"),
            Reason::Refused(text) => text,
            Reason::Unknown(_, known) => {
                held = None;
                match known {
                    [] => "no key".into(),
                    known => format!("one of the keys {}", known.join(", ")),
                }
            }
            Reason::Twice(_) => {
                held = None;
                "only one of the key's names".into()
            }
            Reason::Missing(_) => unreachable!("it was handled above"),
        };
        BadSetting {
            name,
            held: held.as_deref().map(beginning),
            expected,
        }
    }

    fn missing(self, Sources { prefix, files }: Sources<'_>) -> BadSetting {
        // A table that a variable holds as JSON has its keys there.
        if let Some(table) = &self.value
            && matches!(&table.origin, Origin::Variable { depth, .. } if *depth < self.path.len())
        {
            return BadSetting::new(named(&self.path, &table.origin), "a value");
        }
        let expected = match self.path.variable() {
            Some(variable) => {
                format!("a value, in a file at {files} or as {prefix}{variable}")
            }
            None => format!("a value, in a file at {files}"),
        };
        BadSetting::new(self.path.to_string(), expected)
    }
}

const TEXT: &str = "text";
const HIDDEN: &str =
    "a valid value; the message of its type is not shown, because it may quote a secret";

/// Returns a key as an operator finds it.
pub(super) fn named(path: &Path, origin: &Origin) -> String {
    match origin {
        Origin::File { name, .. } if path.len() == 0 => name.to_string(),
        _ if path.len() == 0 => "the settings".into(),
        Origin::Nowhere | Origin::Key => path.to_string(),
        Origin::File { name, .. } => format!("{path} in {name}"),
        Origin::Variable { name, depth } => {
            let rest = path.after(*depth).to_string();
            if rest.starts_with('[') || rest.is_empty() {
                format!("{name}{rest}")
            } else {
                format!("{name}.{rest}")
            }
        }
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

/// Returns the texts of serde and of the standard library, for an operator.
fn of_known_code(text: &str) -> Option<String> {
    let words = match text {
        "invalid IP address syntax" => "an IP address",
        "invalid IPv4 address syntax" => "an IPv4 address",
        "invalid IPv6 address syntax" => "an IPv6 address",
        "invalid socket address syntax" => "an address with a port, such as 127.0.0.1:80",
        _ => {
            let untagged = "data did not match any variant of untagged enum ";
            let name = text.strip_prefix(untagged)?;
            return Some(format!("one of the forms of {name}"));
        }
    };
    Some(words.into())
}

/// Returns an operator's word for Rust's name of a type; `None` if the words are a type's own.
fn in_words(expected: &str) -> Option<String> {
    let whole = |least: &str, most: &str| format!("a whole number from {least} to {most}");
    let words = match expected {
        "u8" => whole("0", "255"),
        "u16" => whole("0", "65535"),
        "u32" => whole("0", "4294967295"),
        "u64" | "usize" => whole("0", "18446744073709551615"),
        "u128" => "a whole number from 0".into(),
        "i8" => whole("-128", "127"),
        "i16" => whole("-32768", "32767"),
        "i32" => whole("-2147483648", "2147483647"),
        "i64" | "isize" => whole("-9223372036854775808", "9223372036854775807"),
        "i128" => "a whole number".into(),
        "a nonzero u8" => whole("1", "255"),
        "a nonzero u16" => whole("1", "65535"),
        "a nonzero u32" => whole("1", "4294967295"),
        "a nonzero u64" | "a nonzero usize" => whole("1", "18446744073709551615"),
        "a nonzero u128" => "a whole number from 1".into(),
        "a nonzero i8" | "a nonzero i16" | "a nonzero i32" | "a nonzero i64" | "a nonzero i128"
        | "a nonzero isize" => "a whole number other than 0".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" | "a borrowed string" | "str" | "string" => TEXT.into(),
        "a character" => "one character".into(),
        "path string" => "a path".into(),
        "unit" => "nothing".into(),
        "byte array" | "bytes" | "borrowed bytes" => "text or a list of numbers".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        "IP address"
        | "IPv4 address"
        | "IPv6 address"
        | "socket address"
        | "IPv4 socket address"
        | "IPv6 socket address" => format!("an {expected}").replace("an socket", "a socket"),
        "`secs` and `nanos`" | "struct Duration" => "a table with the keys secs and nanos".into(),
        "variant identifier" | "field identifier" => "a name".into(),
        other => return structured(other),
    };
    Some(words)
}

fn structured(expected: &str) -> Option<String> {
    let table = [
        "struct ",
        "internally tagged enum ",
        "adjacently tagged enum ",
        "map with ",
    ];
    if table.iter().any(|start| expected.starts_with(start)) {
        // "struct Limits with 2 elements" was given a list.
        return Some("a table".into());
    }
    let list = [
        "an array of ",
        "a tuple of ",
        "tuple struct ",
        "tuple variant ",
    ];
    if list.iter().any(|start| expected.starts_with(start)) {
        let length = expected
            .split_whitespace()
            .rev()
            .find_map(|word| word.parse::<usize>().ok());
        return Some(match length {
            Some(length) => format!("a list of {length} values"),
            None => "a list".into(),
        });
    }
    if expected.starts_with("unit struct ") {
        return Some("nothing".into());
    }
    if expected.starts_with("enum ") {
        return Some("a name, or a table with one key".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rusts_types_are_in_an_operators_words() {
        for (expected, words) in [
            ("u32", "a whole number from 0 to 4294967295"),
            ("i8", "a whole number from -128 to 127"),
            ("a nonzero u16", "a whole number from 1 to 65535"),
            ("an array of length 3", "a list of 3 values"),
            ("tuple struct Pair with 2 elements", "a list of 2 values"),
            ("struct Limits", "a table"),
            ("IPv4 address", "an IPv4 address"),
            ("socket address", "a socket address"),
        ] {
            assert_eq!(in_words(expected).as_deref(), Some(words));
        }
        assert_eq!(in_words("a prime number"), None);
    }

    #[test]
    fn neither_debug_nor_display_show_what_was_held() {
        let fault: Fault = de::Error::invalid_type(Unexpected::Str("hunter2"), &"a prime number");
        assert_eq!(format!("{fault} {fault:?}").matches("hunter2").count(), 0);
    }
}
