//! The environment overrides the files: which variables are settings, and for which key.

use std::{ffi::OsString, sync::Arc};

use serde::{
    de::{self, DeserializeOwned, Deserializer, Visitor},
    forward_to_deserialize_any,
};

use super::{
    formats,
    value::{Kind, Origin, Setting, Table, merge, names},
};
use crate::{environment::is_of_service, error::BadSetting};

/// The maximum depth of a key in a variable's name.
const DEEPEST: usize = 32;

/// Which variables are settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// The prefix of their names: `""`, or a text that ends with an underscore.
    pub(super) prefix: &'a str,
    /// The keys of the outermost table; `None` if any key may be one.
    pub(super) keys: Option<&'a [&'a str]>,
}

/// Puts the variables over `root`. `A__B` is the key `b` in the table `a`; an empty variable counts as unset.
pub(super) fn apply(
    root: &mut Setting,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    known: Names<'_>,
    warnings: &mut Vec<String>,
) -> Vec<BadSetting> {
    let mut bad = Vec::new();
    let mut variables: Vec<_> = variables.into_iter().collect();
    // `A` comes before `A__B`, which is put into it.
    variables.sort();
    for (name, held) in variables {
        let Some(name) = name.to_str().filter(|_| !held.is_empty()) else {
            continue;
        };
        let Some(rest) = name.strip_prefix(known.prefix) else {
            continue;
        };
        let mut parts: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
        if parts.iter().any(String::is_empty) || parts.len() > DEEPEST {
            continue;
        }
        let is_of_service = is_of_service(name, &held.to_string_lossy());
        if let Some(keys) = known.keys {
            let Some(key) = keys.iter().find(|key| names(&parts[0], key)) else {
                if !known.prefix.is_empty() && !is_of_service {
                    warnings.push(format!("{name} is not a setting of this program"));
                }
                continue;
            };
            (*key).clone_into(&mut parts[0]);
        } else if is_of_service && !known.prefix.is_empty() {
            // A Service of Kubernetes that has the prefix's name makes many of these.
            continue;
        }
        let Some(text) = held.to_str() else {
            if known.keys.is_some() || !known.prefix.is_empty() {
                let setting = BadSetting::new(name, "text in UTF-8");
                bad.push(setting.held(held.to_string_lossy()));
            }
            continue;
        };
        bad.extend(insert(root, &parts, 1, name, text).err());
    }
    bad
}

/// Puts a variable's text into a table that is `depth - 1` keys deep.
fn insert(
    table: &mut Setting,
    parts: &[String],
    depth: usize,
    name: &str,
    text: &str,
) -> Result<(), BadSetting> {
    let Kind::Table(entries) = &mut table.kind else {
        return Ok(());
    };
    let Some((part, rest)) = parts.split_first() else {
        return Ok(());
    };
    let mut same = entries.keys().filter(|key| names(part, key));
    let key = match same.next() {
        Some(key) if !entries.contains_key(part) => key.clone(),
        _ => part.clone(),
    };
    let origin = Origin::Variable {
        name: name.into(),
        depth: depth + rest.len(),
    };
    let below = entries.remove(&key);
    let value = if rest.is_empty() {
        let value = Setting::new(Kind::Text(text.into()), &origin);
        match below {
            Some(below) => over(below, value),
            None => value,
        }
    } else {
        let mut inner = match below.map(Arc::unwrap_or_clone) {
            Some(below) if below.is_table() => below,
            Some(below) if below.loose_text().is_some() => json_table(below, name)?,
            _ => Setting::new(Kind::Table(Table::new()), &origin),
        };
        insert(&mut inner, rest, depth + 1, name, text)?;
        inner
    };
    entries.insert(key, Arc::new(value));
    Ok(())
}

/// Puts a variable's text over what a file says. JSON is merged into a table, as a later file's table is.
fn over(below: Arc<Setting>, value: Setting) -> Setting {
    let table = below.is_table() && value.loose_text().is_some_and(|text| text.starts_with('{'));
    match value
        .loose_text()
        .filter(|_| table)
        .map(|text| formats::json(text, &value.origin))
    {
        Some(Ok(json)) => merge(below, json),
        _ => merge(below, value),
    }
}

/// Returns `A` as a table, for `A__B` to be put into it.
fn json_table(value: Setting, other: &str) -> Result<Setting, BadSetting> {
    let name = match &value.origin {
        Origin::Variable { name, .. } => name.to_string(),
        _ => String::new(),
    };
    let text = value.loose_text().unwrap_or_default();
    match formats::json(text, &value.origin) {
        Ok(json) if json.is_table() => Ok(match value.over {
            Some(below) if below.is_table() => merge(below, json),
            _ => json,
        }),
        _ => Err(BadSetting::new(
            name,
            format!("a table as JSON, because {other} is set, too"),
        )),
    }
}

/// Returns the keys of a structure. A map, and a structure with `#[serde(flatten)]`, do not name them.
pub(super) fn keys<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    struct Ask<'a>(&'a mut Option<&'static [&'static str]>);

    impl<'de> Deserializer<'de> for Ask<'_> {
        type Error = de::value::Error;

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = Some(fields);
            Err(de::Error::custom("asked"))
        }

        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            visitor.visit_newtype_struct(self)
        }

        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            visitor.visit_some(self)
        }

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(de::Error::custom("not a structure"))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
            unit_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut keys = None;
    // It always fails. What matters is what it asks for first.
    let _ = T::deserialize(Ask(&mut keys));
    keys
}
