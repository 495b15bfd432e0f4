//! Deserializes a type from a value, and records which value was read if that fails.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer as _, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::{
    bad_setting::named,
    fault::Fault,
    formats,
    value::{Kind, Origin, Path, Setting, Step, Table, names},
};
use crate::environment::flag;

/// A change that is made before a value is deserialized.
#[derive(Clone)]
pub(super) enum Edit {
    Put(Arc<Setting>),
    Remove,
    /// The value is deserialized after all others, because nothing can stand in for it.
    Last,
}

pub(super) type Edits = BTreeMap<Path, Edit>;

/// One attempt to read a type's value.
pub(super) struct Attempt<'r> {
    pub(super) edits: &'r Edits,
    /// Keys that the type does not know.
    pub(super) unknown: RefCell<Vec<String>>,
    /// Values that were requested as any type: serde keeps them, and reads them later on its own.
    pub(super) kept: RefCell<Vec<(Path, Arc<Setting>)>>,
}

impl<'r> Attempt<'r> {
    pub(super) fn new(edits: &'r Edits) -> Self {
        Self {
            edits,
            unknown: RefCell::default(),
            kept: RefCell::default(),
        }
    }
}

/// A value that is being deserialized.
pub(super) struct Node<'r> {
    pub(super) value: Arc<Setting>,
    pub(super) path: Path,
    pub(super) attempt: &'r Attempt<'r>,
}

/// Stand-ins for a text. Most types that parse a text can parse one of these.
const TEXTS: [&str; 10] = [
    "",
    "1",
    "a",
    "127.0.0.1",
    "127.0.0.1:1",
    "http://localhost/",
    "1s",
    "2000-01-01T00:00:00Z",
    "2000-01-01",
    "00000000-0000-0000-0000-000000000000",
];
/// How many stand-ins there are for a value.
pub(super) const STAND_INS: usize = 5 + TEXTS.len();

/// Deserializes a value with `seed`. Every fault that it returns has a key.
pub(super) fn hand<'de, S: DeserializeSeed<'de>>(
    seed: S,
    node: Node<'_>,
) -> Result<S::Value, Fault> {
    let (path, value) = (node.path.clone(), node.value.clone());
    seed.deserialize(node)
        .map_err(|fault| fault.at(&path, &value))
}

impl<'r> Node<'r> {
    fn child(&self, step: Step, value: Arc<Setting>) -> Node<'r> {
        let path = match step {
            Step::Key(key) => self.path.key(&key),
            Step::Item(index) => self.path.item(index),
        };
        Node {
            value,
            path,
            attempt: self.attempt,
        }
    }

    /// Reads a list or a table as a variable writes it: as JSON; a list also with commas.
    fn structured(mut self, list: bool) -> Result<Self, Fault> {
        if let Some(text) = self.value.loose_text() {
            let origin = &self.value.origin;
            if text.starts_with(['[', '{']) {
                let value = formats::json(text, origin)
                    .map_err(|fault| Fault::refused(format!("valid JSON: {fault}")))?;
                self.value = Arc::new(value);
            } else if list {
                let items = Kind::List(self.value.items(text));
                self.value = Arc::new(Setting::new(items, origin));
            }
        }
        Ok(self)
    }

    /// Returns keys and values, as they are after the edits. The key of a variable becomes the one of `known` that it stands for.
    fn entries(&self, table: &Table, known: &[&str]) -> Vec<(String, Arc<Setting>)> {
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| {
                let given = !matches!(value.origin, Origin::Variable { .. })
                    || known.contains(&key.as_str());
                let meant = known
                    .iter()
                    .find(|known| !given && names(key, known) && !table.contains_key(**known));
                (
                    meant.map_or(key.as_str(), |known| known).to_owned(),
                    value.clone(),
                )
            })
            .collect();
        if self.attempt.edits.is_empty() {
            return entries;
        }
        let last = |key: &str| {
            let path = self.path.key(key);
            let mut edits = self.attempt.edits.iter();
            edits.any(|(of, edit)| matches!(edit, Edit::Last) && of.is_within(&path))
        };
        for (path, edit) in self.attempt.edits {
            let Some(Step::Key(key)) = path.last_after(&self.path) else {
                continue;
            };
            let found = entries.iter().position(|(name, _)| name == key);
            match (edit, found) {
                (Edit::Put(value), Some(index)) => entries[index].1 = value.clone(),
                (Edit::Put(value), None) => entries.insert(0, (key.clone(), value.clone())),
                (Edit::Remove, Some(index)) => drop(entries.remove(index)),
                _ => {}
            }
        }
        entries.sort_by_key(|(key, _)| last(key));
        entries
    }

    fn visit_table<'de, V: Visitor<'de>>(
        &self,
        table: &Table,
        known: &[&str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_map(Entries {
            rest: self.entries(table, known).into_iter(),
            value: None,
            of: self,
        })
    }

    fn visit_list<'de, V: Visitor<'de>>(
        &self,
        items: &[Arc<Setting>],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let mut items = Items {
            items: items.iter().enumerate(),
            of: self,
        };
        let value = visitor.visit_seq(&mut items)?;
        match items.items.next() {
            None => Ok(value),
            Some((taken, _)) => Err(Fault::refused(format!("a list of {taken} values"))),
        }
    }

    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value.kind {
            Kind::Null | Kind::Any(0) => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Integer(value) => {
                if let Ok(value) = i64::try_from(*value) {
                    visitor.visit_i64(value)
                } else if let Ok(value) = u64::try_from(*value) {
                    visitor.visit_u64(value)
                } else {
                    visitor.visit_i128(*value)
                }
            }
            Kind::Float(value) => visitor.visit_f64(*value),
            Kind::Text(text) => visitor.visit_str(text),
            Kind::List(items) => self.visit_list(items, visitor),
            Kind::Table(table) => self.visit_table(table, &[], visitor),
            Kind::Any(1) => visitor.visit_bool(false),
            Kind::Any(2) => visitor.visit_i64(1),
            Kind::Any(3) => self.visit_list(&[], visitor),
            Kind::Any(4) => self.visit_table(&Table::new(), &[], visitor),
            Kind::Any(other) => visitor.visit_str(TEXTS[(other - 5) % TEXTS.len()]),
        }
    }

    /// Returns a variable's text as what the file has in its place, if it can be that.
    fn like_what_it_replaces(&self) -> Option<Arc<Setting>> {
        let text = self.value.loose_text()?;
        let kind = match &self.value.over.as_ref()?.kind {
            Kind::Bool(_) => Kind::Bool(flag(text)?),
            Kind::Integer(_) => Kind::Integer(text.parse().ok()?),
            Kind::Float(_) => Kind::Float(text.parse().ok()?),
            Kind::List(_) if text.starts_with('[') => {
                formats::json(text, &self.value.origin).ok()?.kind
            }
            Kind::List(_) => Kind::List(self.value.items(text)),
            _ => return None,
        };
        Some(Arc::new(Setting::new(kind, &self.value.origin)))
    }
}

impl Node<'_> {
    /// Refuses a number that would become infinite. One that is written as infinity is meant.
    fn must_not_exceed(&self, most: f64) -> Result<(), Fault> {
        let number = match (&self.value.kind, self.value.loose_text()) {
            (Kind::Float(number), _) if number.is_finite() => *number,
            (_, Some(text)) if text.contains(|letter: char| letter.is_ascii_digit()) => {
                text.parse().unwrap_or_default()
            }
            _ => 0.0,
        };
        if number.abs() > most {
            return Err(Fault::refused(format!("a number of at most {most:e}")));
        }
        Ok(())
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            if let Kind::Any(which) = self.value.kind {
                #[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap, clippy::cast_lossless, clippy::as_conversions)]
                return visitor.$visit(which as $type);
            }
            match self.value.loose_text().map(str::parse::<$type>) {
                Some(Ok(value)) => visitor.$visit(value),
                _ => self.visit(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        if !matches!(self.value.origin, Origin::Key) {
            if let Some(value) = self.like_what_it_replaces() {
                self.value = value;
            }
            let mut kept = self.attempt.kept.borrow_mut();
            kept.push((self.path.clone(), self.value.clone()));
        }
        self.visit(visitor)
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
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.must_not_exceed(f32::MAX.into())?;
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if let Kind::Any(which) = self.value.kind {
            #[allow(clippy::cast_precision_loss)]
            return visitor.visit_f64(which as f64);
        }
        self.must_not_exceed(f64::MAX)?;
        match self.value.loose_text().map(str::parse) {
            Some(Ok(value)) => visitor.visit_f64(value),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if let Kind::Any(_) = self.value.kind {
            return visitor.visit_bool(false);
        }
        match self.value.loose_text().and_then(flag) {
            Some(value) => visitor.visit_bool(value),
            None => self.visit(visitor),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.kind {
            Kind::Any(_) => visitor.visit_char('a'),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.kind {
            Kind::Any(which) => visitor.visit_str(TEXTS[which % TEXTS.len()]),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.kind {
            Kind::Null | Kind::Any(_) => visitor.visit_none(),
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
        match self.value.kind {
            Kind::Any(_) => self.visit_list(&[], visitor),
            _ => self.structured(true)?.visit(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if let Kind::Any(_) = self.value.kind {
            return self.visit_list(&vec![self.value.clone(); length], visitor);
        }
        let node = self.structured(true)?;
        match &node.value.kind {
            Kind::List(items) if items.len() != length => {
                Err(Fault::refused(format!("a list of {length} values")))
            }
            _ => node.visit(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let node = self.structured(false)?;
        match &node.value.kind {
            Kind::Table(table) => node.visit_table(table, fields, visitor),
            Kind::Any(_) => node.visit_table(&Table::new(), fields, visitor),
            _ => node.visit(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let node = self.structured(false)?;
        let (name, content) = match &node.value.kind {
            Kind::Any(_) => {
                let name = (*variants.first().unwrap_or(&"")).to_owned();
                let content = node.child(Step::Key(name.clone()), node.value.clone());
                (name, Some(content))
            }
            Kind::Text(text) => (node.value.loose_text().unwrap_or(text).to_owned(), None),
            Kind::Table(table) => {
                let mut entries = node.entries(table, variants);
                // A later file, or the environment, may say another variant.
                let highest = entries.iter().map(|(_, value)| value.rank()).max();
                entries.retain(|(_, value)| Some(value.rank()) == highest);
                match <[_; 1]>::try_from(entries) {
                    Ok([(name, value)]) => {
                        let content = node.child(Step::Key(name.clone()), value);
                        (name, Some(content))
                    }
                    Err(entries) if entries.is_empty() => {
                        return Err(Fault::refused("a name, or a table with one key"));
                    }
                    Err(entries) => {
                        let keys: Vec<_> = entries.into_iter().map(|(key, _)| key).collect();
                        return Err(Fault::refused(format!(
                            "a table with one key, not with {} at once",
                            keys.join(" and ")
                        )));
                    }
                }
            }
            _ => return Err(Fault::refused("a name, or a table with one key")),
        };
        visitor.visit_enum(Variant { name, content })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let mut unknown = self.attempt.unknown.borrow_mut();
        unknown.push(named(&self.path, &self.value.origin));
        visitor.visit_unit()
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.kind {
            Kind::Any(_) => visitor.visit_unit(),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }
}

struct Items<'n, 'r> {
    items: std::iter::Enumerate<std::slice::Iter<'n, Arc<Setting>>>,
    of: &'n Node<'r>,
}

impl<'de> SeqAccess<'de> for &mut Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        loop {
            let Some((index, item)) = self.items.next() else {
                return Ok(None);
            };
            let mut node = self.of.child(Step::Item(index), item.clone());
            match self.of.attempt.edits.get(&node.path) {
                Some(Edit::Remove) => continue,
                Some(Edit::Put(value)) => node.value = value.clone(),
                Some(Edit::Last) | None => {}
            }
            return hand(seed, node).map(Some);
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'n, 'r> {
    rest: std::vec::IntoIter<(String, Arc<Setting>)>,
    value: Option<(String, Arc<Setting>)>,
    of: &'n Node<'r>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        let name = Node {
            value: Arc::new(Setting::new(Kind::Text(key.clone()), &Origin::Key)),
            path: Path::default(),
            attempt: self.of.attempt,
        };
        let found = seed.deserialize(name).map_err(|fault| {
            // A wrong key is reported for the file or variable that has it.
            fault.of_key(&self.of.path.key(&key), &value)
        });
        self.value = Some((key, value));
        found.map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (key, value) = self
            .value
            .take()
            .ok_or_else(|| Fault::refused("a key before its value"))?;
        hand(seed, self.of.child(Step::Key(key), value))
    }
}

/// A variant of an enumeration. A table with one key has its content.
struct Variant<'r> {
    name: String,
    content: Option<Node<'r>>,
}

impl<'de, 'r> EnumAccess<'de> for Variant<'r> {
    type Error = Fault;
    type Variant = Content<'r>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content<'r>), Fault> {
        let variant = seed.deserialize(self.name.as_str().into_deserializer())?;
        Ok((variant, Content(self)))
    }
}

struct Content<'r>(Variant<'r>);

impl<'r> Content<'r> {
    fn node(self) -> Result<Node<'r>, Fault> {
        let name = self.0.name;
        self.0.content.ok_or_else(|| {
            Fault::refused(format!(
                "a table with the key {name}, because {name} takes a value"
            ))
        })
    }
}

/// Adds the key of a variant to a fault, as `hand` does.
fn content<T>(node: Node<'_>, read: impl FnOnce(Node<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
    let (path, value) = (node.path.clone(), node.value.clone());
    read(node).map_err(|fault| fault.at(&path, &value))
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        let name = self.0.name;
        match self.0.content.as_ref().map(|node| &node.value.kind) {
            None | Some(Kind::Null | Kind::Any(_)) => Ok(()),
            Some(Kind::Table(table)) if table.is_empty() => Ok(()),
            Some(_) => Err(Fault::refused(format!(
                "{name} alone, because it takes no value"
            ))),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        hand(seed, self.node()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        content(self.node()?, |node| node.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        content(self.node()?, |node| {
            node.deserialize_struct("", fields, visitor)
        })
    }
}
