//! A setting's value, the path to it, and where it comes from.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::Arc,
};

use crate::environment::{looks_secret, sounds_secret};

/// Keys and their values.
pub(super) type Table = BTreeMap<String, Arc<Setting>>;

#[derive(Clone)]
pub(super) struct Setting {
    pub(super) kind: Kind,
    pub(super) origin: Origin,
    /// Set if this is a variable's text: the value that it overrides.
    pub(super) over: Option<Arc<Setting>>,
}

#[derive(Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Arc<Setting>>),
    Table(Table),
    /// A stand-in of any type for a value that is wrong or missing, so that the keys after it are read, too.
    Any(usize),
}

/// Where a value comes from.
#[derive(Clone, Debug, Default)]
pub(super) enum Origin {
    /// More than one origin, or none.
    #[default]
    Nowhere,
    /// A file. One with a higher rank overrides.
    File { name: Arc<str>, rank: usize },
    /// An environment variable, and how many keys its name stands for.
    Variable { name: Arc<str>, depth: usize },
    /// A table's key that is read as a value.
    Key,
}

impl Origin {
    fn rank(&self) -> usize {
        match self {
            Self::Nowhere | Self::Key => 0,
            Self::File { rank, .. } => rank + 1,
            Self::Variable { .. } => usize::MAX,
        }
    }
}

impl Setting {
    pub(super) fn new(kind: Kind, origin: &Origin) -> Self {
        Self {
            kind,
            origin: origin.clone(),
            over: None,
        }
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.kind, Kind::Table(_))
    }

    /// Returns whether there may be values in this one.
    pub(super) fn is_container(&self) -> bool {
        matches!(self.kind, Kind::Table(_) | Kind::List(_) | Kind::Any(_))
    }

    /// Returns the text, if it is a variable's or a key: it becomes what the type asks for.
    pub(super) fn loose_text(&self) -> Option<&str> {
        match (&self.kind, &self.origin) {
            (Kind::Text(text), Origin::Variable { .. } | Origin::Key) => Some(text.trim()),
            _ => None,
        }
    }

    /// Returns the text of a scalar.
    pub(super) fn scalar(&self) -> Option<String> {
        match &self.kind {
            Kind::Null => Some("null".into()),
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Integer(value) => Some(value.to_string()),
            Kind::Float(value) => Some(format!("{value:?}")),
            Kind::Text(text) => Some(text.clone()),
            Kind::List(_) | Kind::Table(_) | Kind::Any(_) => None,
        }
    }

    /// Returns which of several sources has the last word: the highest of this value and all in it.
    pub(super) fn rank(&self) -> usize {
        let inner = match &self.kind {
            Kind::Table(table) => table.values().map(|value| value.rank()).max(),
            Kind::List(items) => items.iter().map(|value| value.rank()).max(),
            _ => None,
        };
        inner.unwrap_or(0).max(self.origin.rank())
    }

    /// Returns whether this value, or one in it, may be a secret. Its own name is the caller's to judge.
    pub(super) fn may_hold_a_secret(&self) -> bool {
        let origin = match &self.origin {
            Origin::Variable { name, .. } => sounds_secret(name),
            // A volume of secrets; a path has many other words.
            Origin::File { name, .. } => {
                let name = name.to_lowercase();
                name.contains("secret") || name.contains("credential")
            }
            Origin::Nowhere | Origin::Key => false,
        };
        origin
            || match &self.kind {
                Kind::Text(text) => looks_secret(text),
                Kind::List(items) => items.iter().any(|item| item.may_hold_a_secret()),
                Kind::Table(table) => table
                    .iter()
                    .any(|(key, value)| sounds_secret(key) || value.may_hold_a_secret()),
                _ => false,
            }
    }

    /// Returns the values of a list as a variable writes it: with commas between them.
    pub(super) fn items(&self, text: &str) -> Vec<Arc<Self>> {
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| Arc::new(Self::new(Kind::Text(item.into()), &self.origin)))
            .collect()
    }
}

/// Writes kinds and origins only, because a value may be a secret.
impl fmt::Debug for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Table(table) => formatter.debug_map().entries(table).finish(),
            Kind::List(items) => formatter.debug_list().entries(items).finish(),
            _ => write!(formatter, "[hidden] of {:?}", self.origin),
        }
    }
}

/// Puts `upper` over `lower`: tables are merged, anything else is replaced.
pub(super) fn merge(lower: Arc<Setting>, mut upper: Setting) -> Setting {
    if let (Kind::Table(low), Kind::Table(high)) = (&lower.kind, &mut upper.kind) {
        let mut merged = low.clone();
        for (mut key, value) in std::mem::take(high) {
            if matches!(value.origin, Origin::Variable { .. }) && !low.contains_key(&key) {
                // The name of a variable does not show how the key is written.
                let same = low.keys().find(|other| names(&key, other));
                same.map_or_else(|| key.clone(), Clone::clone)
                    .clone_into(&mut key);
            }
            let value = match merged.remove(&key) {
                Some(below) => Arc::new(merge(below, Arc::unwrap_or_clone(value))),
                None => value,
            };
            merged.insert(key, value);
        }
        *high = merged;
    } else if upper.loose_text().is_some() {
        upper.over = Some(lower);
    }
    upper
}

/// The path from the outermost table to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(String),
    Item(usize),
}

impl Path {
    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.into()))
    }

    pub(super) fn item(&self, index: usize) -> Self {
        self.with(Step::Item(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut path = self.clone();
        path.0.push(step);
        path
    }

    /// Returns whether it is `other` or leads to something in it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Returns the last step, if `parent` is the path before it.
    pub(super) fn last_after(&self, parent: &Self) -> Option<&Step> {
        match self.0.split_last() {
            Some((last, before)) if before == parent.0 => Some(last),
            _ => None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the step that comes after its first `count`.
    pub(super) fn step(&self, count: usize) -> Option<&Step> {
        self.0.get(count)
    }

    /// Returns the path without its first `count` steps.
    pub(super) fn after(&self, count: usize) -> Self {
        Self(self.0.iter().skip(count).cloned().collect())
    }

    /// Returns whether a name on the way sounds like a secret's.
    pub(super) fn sounds_secret(&self) -> bool {
        self.0.iter().any(|step| match step {
            Step::Key(key) => sounds_secret(key),
            Step::Item(_) => false,
        })
    }

    /// Returns the name of its environment variable, without a prefix; `None` if no variable can have it.
    pub(super) fn variable(&self) -> Option<String> {
        let parts = self.0.iter().map(|step| match step {
            Step::Key(key) => Some(snake(key).to_uppercase()).filter(|name| {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                name.bytes().all(plain) && !name.contains("__") && !name.is_empty()
            }),
            Step::Item(_) => None,
        });
        parts
            .collect::<Option<Vec<_>>>()
            .map(|parts| parts.join("__"))
    }
}

/// As TOML writes it: `database.pool`, `hosts[1]`, `"a.b".c`.
impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(item) => write!(formatter, "[{item}]")?,
                Step::Key(key) => {
                    if index > 0 {
                        formatter.write_char('.')?;
                    }
                    let plain = |character: char| {
                        character.is_alphanumeric() || character == '_' || character == '-'
                    };
                    if key.contains("://") || key.contains('@') {
                        formatter.write_str("\"[hidden]\"")?;
                    } else if key.chars().all(plain) && !key.is_empty() {
                        formatter.write_str(key)?;
                    } else {
                        write!(formatter, "{key:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Returns `max_size` for `maxSize` and `max-size`.
fn snake(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 2);
    let mut lower = false;
    for character in key.chars() {
        if character.is_uppercase() && lower {
            name.push('_');
        }
        lower = character.is_lowercase() || character.is_ascii_digit();
        match character {
            '-' => name.push('_'),
            other => name.extend(other.to_lowercase()),
        }
    }
    name
}

/// Returns whether a part of a variable's name, in small letters, stands for the key.
pub(super) fn names(part: &str, key: &str) -> bool {
    key.to_lowercase().replace('-', "_") == part || snake(key) == part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_toml_writes_it_and_its_variable_as_a_shell_does() {
        let path = Path::default().key("database").key("maxSize").item(3);
        assert_eq!(path.to_string(), "database.maxSize[3]");
        assert_eq!(path.variable(), None);
        let path = Path::default().key("data-base").key("maxSize");
        assert_eq!(path.variable().as_deref(), Some("DATA_BASE__MAX_SIZE"));
        let path = Path::default().key("a.b").key("c");
        assert_eq!(path.to_string(), "\"a.b\".c");
        assert_eq!(path.variable(), None);
    }

    #[test]
    fn a_part_of_a_variables_name_stands_for_a_key_in_any_style() {
        for key in ["max_size", "max-size", "maxSize", "MaxSize", "MAX_SIZE"] {
            assert!(names("max_size", key), "{key}");
        }
        assert!(names("maxsize", "maxSize"));
        assert!(!names("hostname", "host_name"));
    }

    #[test]
    fn debug_shows_no_value() {
        let origin = Origin::File {
            name: "a.toml".into(),
            rank: 0,
        };
        let text = Arc::new(Setting::new(Kind::Text("hunter2".into()), &origin));
        let list = Arc::new(Setting::new(Kind::List(vec![text.clone()]), &origin));
        let table = Table::from([("a".into(), text), ("b".into(), list)]);
        let shown = format!("{:?}", Setting::new(Kind::Table(table), &origin));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("a.toml"), "{shown}");
    }
}
