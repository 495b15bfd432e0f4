//! The fields of a summary: each name once, found by a table if there are many.

use std::{
    borrow::Cow,
    hash::{BuildHasher as _, RandomState},
};

use hashbrown::{HashTable, hash_table::Entry};
use serde_json::Value as Json;

use crate::fingerprint::fingerprint;

/// From this number of fields on, names are looked up in a table.
const MANY: usize = 16;

/// Names and values, in the order in which the names were first set.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    all: Vec<(Cow<'static, str>, Json)>,
    table: Option<Table>,
}

/// The indexes of all fields by name.
#[derive(Debug)]
struct Table {
    places: HashTable<u32>,
    /// Random, so that nobody can choose names with the same fingerprint.
    seed: u64,
}

impl Fields {
    /// Sets a field, or replaces the one with that name.
    pub(crate) fn set(&mut self, name: Cow<'static, str>, value: Json) {
        if self.all.len() == MANY && self.table.is_none() {
            self.fill_table();
        }
        let next = self.all.len();
        let place = match &mut self.table {
            None => self
                .all
                .iter()
                .position(|(own, _)| *own == name)
                .unwrap_or(next),
            Some(Table { places, seed }) => {
                let (all, number) = (&self.all, u32::try_from(next).unwrap_or(u32::MAX));
                let name_of = |place: &u32| &*all[*place as usize].0;
                let entry = places.entry(
                    fingerprint(*seed, name.as_bytes()),
                    |place| name_of(place) == name,
                    |place| fingerprint(*seed, name_of(place).as_bytes()),
                );
                match entry {
                    Entry::Vacant(entry) => {
                        entry.insert(number);
                        next
                    }
                    Entry::Occupied(entry) => *entry.get() as usize,
                }
            }
        };
        match self.all.get_mut(place) {
            Some((_, earlier)) => *earlier = value,
            None => self.all.push((name, value)),
        }
    }

    /// Returns the value of the field with that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        let place = match &self.table {
            None => self.all.iter().position(|(own, _)| own == name),
            Some(Table { places, seed }) => {
                let hash = fingerprint(*seed, name.as_bytes());
                let place = places.find(hash, |place| self.all[*place as usize].0 == name);
                place.map(|place| *place as usize)
            }
        };
        Some(&self.all[place?].1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Cow<'static, str>, Json)> {
        self.all.iter()
    }

    #[cold]
    fn fill_table(&mut self) {
        let seed = RandomState::new().hash_one(0);
        let hash = |place: &u32| fingerprint(seed, self.all[*place as usize].0.as_bytes());
        let mut places = HashTable::with_capacity(4 * MANY);
        for place in (0..).take(self.all.len()) {
            places.insert_unique(hash(&place), place, hash);
        }
        self.table = Some(Table { places, seed });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_there_once_with_its_last_value_however_many_there_are() {
        for many in [1, 15, 16, 17, 2000] {
            let mut fields = Fields::default();
            for round in 0..3 {
                for number in 0..many {
                    let name = format!("name{number}");
                    assert_eq!(fields.get(&name).is_some(), round > 0, "{many} {name}");
                    fields.set(name.into(), round.into());
                }
            }
            let names = fields.iter().map(|(name, value)| {
                assert_eq!(*value, 2, "{name}");
                name.clone()
            });
            assert!(
                names.eq((0..many).map(|number| format!("name{number}"))),
                "{many}"
            );
            assert_eq!(fields.get("other"), None);
        }
    }
}
