//! A fault as an operator reads it: the key, what it held, and what was expected, without anything that may be a secret.

use super::{
    fault::{Fault, Reason},
    value::{Kind, Origin, Path, Setting},
    wording::{TEXT, in_words, of_known_code},
};
use crate::{environment::beginning, error::BadSetting};

/// Where a setting that is missing may be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'a> {
    /// What the names of the application's variables begin with.
    pub(super) prefix: &'a str,
    /// What names the path of the files: a variable, or an option of the command line.
    pub(super) files: &'a str,
}

const HIDDEN: &str =
    "a valid value; the message of its type is not shown, because it may quote a secret";

impl Fault {
    /// Returns the fault as an operator reads it.
    pub(super) fn bad_setting(&self, sources: Sources<'_>) -> BadSetting {
        if self.is_missing() {
            return self.missing(sources);
        }
        let origin = self.value.as_ref().map(|value| &value.origin);
        BadSetting {
            name: named(&self.path, origin.unwrap_or(&Origin::Nowhere)),
            held: self.held().as_deref().map(beginning),
            expected: self.expected(),
        }
    }

    /// Returns where a missing key may be set.
    fn missing(&self, Sources { prefix, files }: Sources<'_>) -> BadSetting {
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

    /// Returns what the key held, if that is what was wrong and may be shown.
    fn held(&self) -> Option<String> {
        let is_about_a_key =
            self.of_key || matches!(self.reason, Reason::Unknown(..) | Reason::Twice(_));
        // A number where text is expected may be a secret whose quotes were forgotten.
        if is_about_a_key || self.is_secret() || self.is_no_text() {
            return None;
        }
        let held = self.value.as_deref().and_then(Setting::scalar)?;
        let is_plain = !held.is_empty() && !held.starts_with(['{', '[']);
        is_plain.then_some(held)
    }

    /// Returns the words that complete "expected".
    fn expected(&self) -> String {
        let is_hidden = self.is_secret() || self.exposed;
        match &self.reason {
            Reason::Expected(expected) => match in_words(expected) {
                Some(words) if self.of_key => format!("a key that is {words}"),
                None if self.of_key => format!("a key that is {expected}"),
                Some(words) => self.with_advice(words),
                None if is_hidden => HIDDEN.into(),
                None => expected.clone(),
            },
            Reason::Custom(_) if is_hidden => HIDDEN.into(),
            Reason::Custom(text) => {
                of_known_code(text).unwrap_or_else(|| format!("a valid value: {}", beginning(text)))
            }
            Reason::Refused(text) if self.of_key => format!("a key that is {text}"),
            Reason::Refused(text) => text.clone(),
            Reason::Unknown(_, []) => "no key".into(),
            Reason::Unknown(_, known) => format!("one of the keys {}", known.join(", ")),
            Reason::Twice(_) => "only one of the key's names".into(),
            Reason::Missing(_) => unreachable!("`missing` has handled it"),
        }
    }

    /// Adds what an operator has to do, where that is not plain from what the type expects.
    fn with_advice(&self, words: String) -> String {
        let value = self.value.as_deref();
        let is_container = value.is_some_and(Setting::is_container);
        // `A__0` for an element of the list `a`.
        let has_elements_as_variables = value.is_some_and(|value| {
            value.is_table() && matches!(value.origin, Origin::Variable { .. })
        });
        if self.is_no_text() && !is_container {
            format!("{words}: put it in quotes")
        } else if words.starts_with("a list") && has_elements_as_variables {
            format!("{words}, whose elements have no variables of their own")
        } else {
            words
        }
    }

    fn is_secret(&self) -> bool {
        let value = self.value.as_deref();
        self.path.sounds_secret() || value.is_some_and(Setting::may_hold_a_secret)
    }

    /// Returns whether a text was expected and something else was found.
    fn is_no_text(&self) -> bool {
        let Reason::Expected(expected) = &self.reason else {
            return false;
        };
        let found = self.value.as_deref().map(|value| &value.kind);
        in_words(expected).as_deref() == Some(TEXT) && !matches!(found, Some(Kind::Text(_)))
    }
}

/// Returns a key with its file, or the variable that holds it.
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
