//! Which fields a line has so far, and which of two with the same key counts.

use std::{
    hash::{BuildHasher as _, RandomState},
    ops::Range,
};

use hashbrown::{HashTable, hash_table::Entry};

use crate::fingerprint::fingerprint;

/// From this number of fields on, keys are looked up in a table.
const MANY: usize = 16;

/// The fields of a line, without those whose keys are known to be unique.
#[derive(Debug)]
pub(super) struct Fields {
    all: Vec<Field>,
    /// A bit for each key while there are few fields, so that almost no key needs a search.
    seen: u64,
    /// The indexes of the fields by key, if there are many.
    table: HashTable<u32>,
    /// Random, so that nobody can choose keys with the same fingerprint.
    seed: u64,
    /// How many fields were replaced by a later one and are still in the text.
    replaced: usize,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            seen: 0,
            table: HashTable::new(),
            seed: RandomState::new().hash_one(0),
            replaced: 0,
        }
    }
}

/// The place of a field in the text, whose length fits into 32 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    start: u32,
    key_start: u32,
    key_end: u32,
    value: u32,
    end: u32,
    pub(super) replaced: bool,
}

#[allow(clippy::cast_possible_truncation, reason = "a line is short")]
impl Field {
    /// Returns a field that begins at `start`; its value is still to come.
    #[inline]
    pub(super) fn new(start: usize, key: Range<usize>, value: usize) -> Self {
        Self {
            start: start as u32,
            key_start: key.start as u32,
            key_end: key.end as u32,
            value: value as u32,
            end: start as u32,
            replaced: false,
        }
    }

    #[inline]
    pub(super) fn all(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    #[inline]
    pub(super) fn key(&self) -> Range<usize> {
        self.key_start as usize..self.key_end as usize
    }

    #[inline]
    pub(super) fn value(&self) -> usize {
        self.value as usize
    }

    fn shift(&mut self, by: u32) {
        for place in [
            &mut self.start,
            &mut self.key_start,
            &mut self.key_end,
            &mut self.value,
            &mut self.end,
        ] {
            *place -= by;
        }
    }
}

impl Fields {
    #[inline]
    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.seen = 0;
        if !self.table.is_empty() {
            self.table.clear();
        }
        self.replaced = 0;
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds a field whose key is in `text`, and whose value is not yet. If there is one of that key, it returns which, and adds
    /// nothing unless it `replaces` that.
    #[inline]
    pub(super) fn add(&mut self, text: &[u8], field: Field, replaces: bool) -> Option<usize> {
        let key = &text[field.key()];
        if self.all.len() < MANY && self.table.is_empty() {
            let bit = bit(key);
            if self.seen & bit == 0 {
                self.seen |= bit;
                self.all.push(field);
                return None;
            }
        }
        self.search(text, field, replaces)
    }

    /// Does the same for a key that may already be there.
    fn search(&mut self, text: &[u8], field: Field, replaces: bool) -> Option<usize> {
        if self.all.len() >= MANY && self.table.is_empty() {
            self.fill_table(text);
        }
        let found = if self.table.is_empty() {
            self.find(text, &text[field.key()])
        } else {
            self.find_in_table(text, &text[field.key()], replaces)
        };
        if let Some(earlier) = found.filter(|_| replaces) {
            self.all[earlier].replaced = true;
            self.replaced += 1;
        }
        if found.is_none() || replaces {
            self.all.push(field);
        }
        found
    }

    fn find(&self, text: &[u8], key: &[u8]) -> Option<usize> {
        self.all.iter().position(|field| {
            let own = field.key();
            own.len() == key.len() && text[own] == *key && !field.replaced
        })
    }

    #[cold]
    fn fill_table(&mut self, text: &[u8]) {
        let Self {
            all, table, seed, ..
        } = self;
        let hash = |place: &u32| fingerprint(*seed, &text[all[*place as usize].key()]);
        for (place, field) in (0..).zip(all.iter()) {
            if !field.replaced {
                table.insert_unique(hash(&place), place, hash);
            }
        }
    }

    /// Returns the field with that key. If there is none, or it is replaced, the next field takes its place in the table.
    fn find_in_table(&mut self, text: &[u8], key: &[u8], replaces: bool) -> Option<usize> {
        let Self {
            all, table, seed, ..
        } = self;
        let next = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let key_of = |place: &u32| &text[all[*place as usize].key()];
        let entry = table.entry(
            fingerprint(*seed, key),
            |place| key_of(place) == key,
            |place| fingerprint(*seed, key_of(place)),
        );
        match entry {
            Entry::Vacant(entry) => {
                entry.insert(next);
                None
            }
            Entry::Occupied(mut entry) => {
                let earlier = *entry.get() as usize;
                if replaces {
                    *entry.get_mut() = next;
                }
                Some(earlier)
            }
        }
    }

    /// Sets the end of the field that was added last.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a line is short")]
    pub(super) fn end_last(&mut self, end: usize) {
        if let Some(field) = self.all.last_mut() {
            field.end = end as u32;
        }
    }

    /// Returns the length of a field.
    pub(super) fn length(&self, number: usize) -> usize {
        self.all[number].all().len()
    }

    /// Removes the field that was added last.
    pub(super) fn take_back(&mut self, text: &[u8]) {
        let Some(gone) = self.all.pop() else { return };
        let hash = fingerprint(self.seed, &text[gone.key()]);
        let number = self.all.len();
        if let Ok(entry) = self
            .table
            .find_entry(hash, |place| *place as usize == number)
        {
            entry.remove();
        }
    }

    /// Returns the fields that count.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.all.iter().filter(|field| !field.replaced)
    }

    /// Removes the fields that later ones have replaced from the text.
    #[inline]
    pub(super) fn remove_replaced(&mut self, text: &mut Vec<u8>) {
        if self.replaced > 0 {
            self.remove(text);
        }
    }

    #[cold]
    #[allow(clippy::cast_possible_truncation, reason = "a line is short")]
    fn remove(&mut self, text: &mut Vec<u8>) {
        let (mut to, mut from) = (0, 0);
        let mut shift = 0;
        for field in &mut self.all {
            let all = field.all();
            if field.replaced {
                text.copy_within(from..all.start, to);
                to += all.start - from;
                from = all.end;
                shift += all.len();
            } else {
                field.shift(shift as u32);
            }
        }
        text.copy_within(from.., to);
        text.truncate(text.len() - shift);
    }
}

/// Returns a bit that depends on the length and the ends of a key.
#[inline]
fn bit(key: &[u8]) -> u64 {
    let ends = match key {
        [] => 0,
        [first, .., last] => usize::from(*first) + 5 * usize::from(*last),
        [only] => usize::from(*only),
    };
    1 << ((ends + 11 * key.len()) % 64)
}
