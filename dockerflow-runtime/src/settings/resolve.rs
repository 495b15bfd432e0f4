//! Faults that go away: a variable's text that is to be read as something else, a variable that is not the program's, and two names
//! of one key.
//!
//! Where serde keeps values for later, it does not ask a variable's text to be a number, so the text is tried as a number, a switch,
//! JSON and a list.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{
    attempts::{Attempts, SEARCHED, with},
    deserializer::Edit,
    fault::{Fault, Reason},
    readings,
    value::{Kind, Origin, Path, Setting, Step, merge},
};
use crate::environment::{is_of_service, service_link_warning};

/// Up to how many variables are tried in every combination.
const COMBINED: usize = 6;

impl Attempts {
    /// Makes the fault go away, if it is none of the operator's, and returns whether it did.
    ///
    /// `open` means that every variable of the process is a key, because neither `T` nor a prefix says which are settings.
    pub(super) fn resolve<T: DeserializeOwned>(&mut self, fault: &Fault, open: bool) -> bool {
        match &fault.reason {
            Reason::Twice(key) => self.take_later_name::<T>(fault, key),
            _ => {
                self.read_texts_otherwise::<T>(fault)
                    || self.ignore_variable_of_service(fault)
                    || open && self.ignore_foreign_variable::<T>(fault)
            }
        }
    }

    /// Reads the texts of variables around the fault as something else, if that makes it go away.
    fn read_texts_otherwise<T: DeserializeOwned>(&mut self, fault: &Fault) -> bool {
        // Texts that were never asked to be anything else.
        let mut texts = self.kept::<T>(&self.edits, &fault.path);
        texts
            .retain(|(path, value)| value.loose_text().is_some() && !self.edits.contains_key(path));
        let texts: Vec<_> = texts
            .into_iter()
            .map(|(path, value)| (path, readings::of(&value)))
            .filter(|(_, readings)| !readings.is_empty())
            .collect();
        // JSON may have a fault of its own, further in.
        let alone = texts.len() == 1;
        let gone = |attempts: &Self, more: &[(&Path, Edit)]| {
            let edits = with(&attempts.edits, more);
            match attempts.run::<T>(&edits) {
                Ok(_) => true,
                Err(other) if other.raw == fault.raw => false,
                Err(other) => {
                    let other = attempts.locate::<T>(&edits, other);
                    let inner = alone && other.path != fault.path;
                    inner || !other.path.is_within(&fault.path)
                }
            }
        };
        for edits in combinations(&texts) {
            if gone(self, &edits) {
                let edits = edits.into_iter().map(|(path, edit)| (path.clone(), edit));
                self.edits.extend(edits.collect::<Vec<_>>());
                return true;
            }
        }
        false
    }

    /// Takes the file's value, or none, instead of a variable that Kubernetes made for a Service, and warns of it.
    fn ignore_variable_of_service(&mut self, fault: &Fault) -> bool {
        let Some((name, value)) = whole_variable(fault) else {
            return false;
        };
        let text = value.loose_text();
        if !text.is_some_and(|text| is_of_service(name, text)) {
            return false;
        }
        self.warnings.push(service_link_warning(name));
        let edit = value.over.clone().map_or(Edit::Remove, Edit::Put);
        self.edits.insert(fault.path.clone(), edit);
        true
    }

    /// Leaves out a variable of the process that has nothing to do with the settings: one that would be as wrong under any name.
    fn ignore_foreign_variable<T: DeserializeOwned>(&mut self, fault: &Fault) -> bool {
        let Some((_, value)) = whole_variable(fault) else {
            return false;
        };
        if fault.path.len() != 1 || value.over.is_some() {
            return false;
        }
        let other = Path::default().key("\u{fffd}another");
        let edits = [
            (&fault.path, Edit::Remove),
            (&other, Edit::Put(value.clone())),
        ];
        let after = self.after::<T>(&self.edits, &edits);
        let is_foreign = after.is_some_and(|other| other.raw == fault.raw);
        if is_foreign {
            self.edits.insert(fault.path.clone(), Edit::Remove);
        }
        is_foreign
    }

    /// Takes the later one of two names of a key: an alias in the environment overrides the key in a file.
    fn take_later_name<T: DeserializeOwned>(&mut self, fault: &Fault, key: &str) -> bool {
        let same = |fault: &Fault| matches!(&fault.reason, Reason::Twice(other) if other == key);
        let tables = self.kept::<T>(&self.edits, &Path::default());
        let around = |path: &Path| fault.path.last_after(path).is_some();
        let Some((parent, table)) = tables
            .into_iter()
            .chain(self.typed_table(fault))
            .find(|(path, _)| around(path))
        else {
            return false;
        };
        let Kind::Table(entries) = &table.kind else {
            return false;
        };
        let mut names: Vec<_> = entries
            .iter()
            .take(SEARCHED)
            .map(|(name, value)| (parent.key(name), value.clone()))
            .filter(|(path, _)| {
                let without = self.after::<T>(&self.edits, &[(path, Edit::Remove)]);
                !without.is_some_and(|other| same(&other))
            })
            .collect();
        names.sort_by_key(|(_, value)| value.rank());
        let [(lower, below), (upper, above)] = &names[..] else {
            return false;
        };
        if below.rank() == above.rank() {
            return false;
        }
        if below.is_table() && above.is_table() {
            let merged = merge(below.clone(), Setting::clone(above));
            self.edits
                .insert(upper.clone(), Edit::Put(Arc::new(merged)));
        }
        self.edits.insert(lower.clone(), Edit::Remove);
        true
    }

    /// Returns the table around a fault's key, as it stands in the settings.
    fn typed_table(&self, fault: &Fault) -> Option<(Path, Arc<Setting>)> {
        let (mut path, mut value) = (Path::default(), self.root.clone());
        while fault.path.last_after(&path).is_none() {
            (path, value) = match (fault.path.step(path.len())?, &value.kind) {
                (Step::Key(key), Kind::Table(table)) => (path.key(key), table.get(key)?.clone()),
                (Step::Item(index), Kind::List(items)) => {
                    (path.item(*index), items.get(*index)?.clone())
                }
                _ => return None,
            };
        }
        Some((path, value))
    }
}

/// Returns the variable that a fault is about, and its value, unless the fault is about a part of it.
fn whole_variable(fault: &Fault) -> Option<(&str, &Arc<Setting>)> {
    let value = fault.value.as_ref()?;
    match &value.origin {
        Origin::Variable { name, depth } if fault.path.len() == *depth => Some((name, value)),
        _ => None,
    }
}

/// Returns what texts may be read as: a single one in every way, several in every combination, those with few changes first.
fn combinations(texts: &[(Path, Vec<Setting>)]) -> Vec<Vec<(&Path, Edit)>> {
    let put = |path, value: &Setting| (path, Edit::Put(Arc::new(value.clone())));
    match texts {
        [] => Vec::new(),
        [(path, readings)] => readings
            .iter()
            .map(|value| vec![put(path, value)])
            .collect(),
        several => {
            let mut sets: Vec<usize> = match several.len() {
                few @ ..=COMBINED => (1..1 << few).collect(),
                _ => Vec::new(),
            };
            sets.sort_by_key(|set| set.count_ones());
            let chosen = sets.into_iter().map(|set| {
                let texts = several.iter().enumerate();
                let texts = texts.filter(|(index, _)| set & (1 << index) != 0);
                texts
                    .map(|(_, (path, readings))| put(path, &readings[0]))
                    .collect()
            });
            let all = several
                .iter()
                .map(|(path, readings)| put(path, &readings[0]));
            chosen.chain([all.collect()]).collect()
        }
    }
}
