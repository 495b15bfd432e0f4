//! Reads a type's value, and finds everything that is wrong with it: serde stops at the first fault, so the type is read again
//! with a stand-in for the value that was wrong.
//!
//! A fault belongs to the innermost value that was being read. Under `flatten`, and in tagged and untagged enumerations, serde
//! keeps values and reads them later, on its own. Which of them is at fault is found by changing them one at a time. A variable's
//! text is not asked to be a number there, either, so it is tried as a number, a switch, JSON and a list.

use std::{cell::Cell, sync::Arc};

use serde::de::DeserializeOwned;

use super::{
    deserializer::{Attempt, Edit, Edits, Node, STAND_INS, hand},
    fault::{Fault, Reason, Sources},
    overrides, readings,
    value::{Kind, Origin, Path, Setting, Step},
};
use crate::error::BadSetting;

/// How many times a type is read at most. Settings without a fault are read once.
const MOST: usize = 20_000;
/// Up to how many variables are tried in every combination.
const COMBINED: usize = 6;
/// Among how many values the faulty one is searched for.
const SEARCHED: usize = 1_000;

/// The settings, and warnings for the log.
pub(super) struct Read<T> {
    pub(super) settings: T,
    pub(super) warnings: Vec<String>,
}

/// Reads `root` as a `T`. `open` is set if `T` does not name its keys and there is no prefix, so that every variable of the process is
/// in `root`.
pub(super) fn read<T: DeserializeOwned>(
    root: Setting,
    sources: Sources<'_>,
    open: bool,
) -> Result<Read<T>, Vec<BadSetting>> {
    let mut attempts = Attempts {
        root: Arc::new(root),
        edits: Edits::new(),
        warnings: Vec::new(),
        left: Cell::new(MOST),
        open,
    };
    let mut found: Vec<Path> = Vec::new();
    let mut bad = Vec::new();
    loop {
        let fault = match attempts.run::<T>(&attempts.edits) {
            Ok((settings, unknown)) if bad.is_empty() => {
                let unknown = unknown
                    .into_iter()
                    .map(|key| format!("{key} is not a setting of this program"));
                attempts.warnings.extend(unknown);
                return Ok(Read {
                    settings,
                    warnings: attempts.warnings,
                });
            }
            Ok(_) => return Err(bad),
            Err(fault) => attempts.locate::<T>(&attempts.edits, fault),
        };
        if attempts.left.get() == 0 {
            if bad.is_empty() {
                bad.push(fault.bad_setting(sources));
            }
            return Err(bad);
        }
        if !found.iter().any(|path| fault.path.is_within(path)) {
            if attempts.resolve::<T>(&fault) {
                continue;
            }
            found.push(fault.path.clone());
            let repaired = attempts.repair::<T>(&fault);
            bad.push(fault.bad_setting(sources));
            if !repaired {
                return Err(bad);
            }
        } else if !attempts.repair::<T>(&fault) {
            return Err(bad);
        }
    }
}

struct Attempts {
    root: Arc<Setting>,
    edits: Edits,
    warnings: Vec<String>,
    left: Cell<usize>,
    open: bool,
}

type Kept = Vec<(Path, Arc<Setting>)>;
/// A value, the edit of it that changed the fault, and the fault afterwards.
type Suspect = (Path, Arc<Setting>, Edit, Option<(Path, String)>);

impl Attempts {
    fn run<T: DeserializeOwned>(&self, edits: &Edits) -> Result<(T, Vec<String>), Fault> {
        self.traced(edits).0
    }

    /// Returns the result, and the values that serde kept for later.
    fn traced<T: DeserializeOwned>(
        &self,
        edits: &Edits,
    ) -> (Result<(T, Vec<String>), Fault>, Kept) {
        self.left.set(self.left.get().saturating_sub(1));
        let attempt = Attempt::new(edits);
        let node = Node {
            value: self.root.clone(),
            path: Path::default(),
            attempt: &attempt,
        };
        let result = hand(std::marker::PhantomData, node);
        let unknown = attempt.unknown.into_inner();
        (
            result.map(|settings| (settings, unknown)),
            attempt.kept.into_inner(),
        )
    }

    /// Returns what is wrong after more edits; `None` if all is well.
    fn after<T: DeserializeOwned>(&self, edits: &Edits, more: &[(&Path, Edit)]) -> Option<Fault> {
        self.run::<T>(&with(edits, more)).err()
    }

    /// Returns the values in `path`'s that serde kept for later.
    fn kept<T: DeserializeOwned>(&self, edits: &Edits, path: &Path) -> Kept {
        let mut kept = self.traced::<T>(edits).1;
        kept.retain(|(of, _)| of.is_within(path));
        kept
    }

    /// Finds the value that a fault is about, if serde reported it for a table or list that contains the value.
    fn locate<T: DeserializeOwned>(&self, edits: &Edits, fault: Fault) -> Fault {
        let around = match (&fault.reason, &fault.value) {
            (Reason::Missing(_) | Reason::Unknown(..), _) => true,
            (Reason::Twice(_), _) | (_, None) => false,
            (_, Some(value)) => value.is_container(),
        };
        if !around {
            return fault;
        }
        let changes = |more: &[(&Path, Edit)]| match self.after::<T>(edits, more) {
            None => true,
            Some(other) => other.raw != fault.raw,
        };
        let key = match &fault.reason {
            Reason::Missing(key) | Reason::Unknown(key, _) => key.clone(),
            _ => return self.culprit::<T>(edits, fault),
        };
        let edit = if fault.is_missing() {
            stand_in(1)
        } else {
            Edit::Remove
        };
        if changes(&[(&fault.path, edit.clone())]) {
            return fault;
        }
        let mut tables = self.kept::<T>(edits, &Path::default());
        tables.retain(|(_, value)| value.is_table());
        for (path, value) in tables.into_iter().take(SEARCHED) {
            let path = path.key(&key);
            if path != fault.path && changes(&[(&path, edit.clone())]) {
                let value = match &value.kind {
                    Kind::Table(table) if !fault.is_missing() => table.get(&key).cloned(),
                    _ => Some(value),
                };
                return fault.moved(path, value);
            }
        }
        fault
    }

    /// Returns the value without which, or with another, the fault would not be the same.
    fn culprit<T: DeserializeOwned>(&self, edits: &Edits, fault: Fault) -> Fault {
        let mut suspects: Vec<Suspect> = Vec::new();
        let mut kept = self.kept::<T>(edits, &fault.path);
        kept.retain(|(path, _)| path != &fault.path);
        if kept.len() > SEARCHED {
            return fault;
        }
        let said = |fault: Option<Fault>| fault.map(|fault| (fault.path, fault.raw));
        for (index, (path, value)) in kept.into_iter().enumerate() {
            // A value of another kind, unlike any other.
            let other = match value.kind {
                Kind::Text(_) => Kind::Integer((1 << 62) + index as i128),
                _ => Kind::Text(format!("\u{fffd}{index}")),
            };
            let other = Edit::Put(Arc::new(Setting::new(other, &Origin::Nowhere)));
            for edit in [other, Edit::Remove] {
                let after = said(self.after::<T>(edits, &[(&path, edit.clone())]));
                if after.as_ref().is_none_or(|(_, raw)| *raw != fault.raw) {
                    suspects.push((path, value, edit, after));
                    break;
                }
            }
        }
        // The innermost of these values.
        let paths: Vec<_> = suspects.iter().map(|suspect| suspect.0.clone()).collect();
        suspects.retain(|(path, ..)| {
            !paths
                .iter()
                .any(|inner| inner != path && inner.is_within(path))
        });
        // serde stops at the first fault: what it reads before that one is suspect, too.
        let last = suspects.into_iter().reduce(|one, other| {
            let more = [(&one.0, one.2.clone()), (&other.0, other.2.clone())];
            let both = said(self.after::<T>(edits, &more));
            if both == one.3 { other } else { one }
        });
        match last {
            Some((path, value, ..)) => fault.moved(path, Some(value)),
            None => fault,
        }
    }

    /// Returns whether the fault goes away by reading a variable as what it should be, or by leaving out what is not the program's.
    fn resolve<T: DeserializeOwned>(&mut self, fault: &Fault) -> bool {
        if let Reason::Twice(key) = &fault.reason {
            return self.other_name::<T>(fault, key);
        }
        // Texts of variables that were never asked to be anything else.
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
        let Some(value) = &fault.value else {
            return false;
        };
        let Origin::Variable { name, depth } = &value.origin else {
            return false;
        };
        let whole = fault.path.len() == *depth;
        if whole
            && value
                .loose_text()
                .is_some_and(|text| overrides::service_link(name, text))
        {
            self.warnings.push(format!(
                "{name} is ignored: it is Kubernetes' link to a Service of that name; \
                 `enableServiceLinks: false` in the pod's spec avoids such variables"
            ));
            let edit = value.over.clone().map_or(Edit::Remove, Edit::Put);
            self.edits.insert(fault.path.clone(), edit);
            return true;
        }
        // In a map, any variable of the process is a key, and most have nothing to do with it.
        if whole && self.open && *depth == 1 && value.over.is_none() {
            let other = Path::default().key("\u{fffd}another");
            let edits = [
                (&fault.path, Edit::Remove),
                (&other, Edit::Put(value.clone())),
            ];
            if self
                .after::<T>(&self.edits, &edits)
                .is_some_and(|other| other.raw == fault.raw)
            {
                self.edits.insert(fault.path.clone(), Edit::Remove);
                return true;
            }
        }
        false
    }

    /// Takes the later one of two names of a key: an alias in the environment overrides the key in a file.
    fn other_name<T: DeserializeOwned>(&mut self, fault: &Fault, key: &str) -> bool {
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
            let merged = super::value::merge(below.clone(), Setting::clone(above));
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

    /// Replaces a wrong value by a stand-in, so that the others are read. Returns `false` if nothing can stand in.
    fn repair<T: DeserializeOwned>(&mut self, fault: &Fault) -> bool {
        if matches!(self.edits.get(&fault.path), Some(Edit::Last)) || fault.path.len() == 0 {
            return false;
        }
        let remove = (!fault.is_missing()).then_some(Edit::Remove);
        let edits = remove.into_iter().chain((0..STAND_INS).map(stand_in));
        for edit in edits {
            let edits = with(&self.edits, &[(&fault.path, edit.clone())]);
            let gone = match self.run::<T>(&edits) {
                Ok(_) => true,
                Err(other) if other.raw == fault.raw && other.path == fault.path => false,
                Err(other) => {
                    let other = self.locate::<T>(&edits, other);
                    // A table that stands in needs its keys next. A table around it may not do without.
                    let next = other.is_missing() && other.path != fault.path;
                    let around = fault.path.is_within(&other.path);
                    next || !(other.path.is_within(&fault.path) || around)
                }
            };
            if gone {
                self.edits.insert(fault.path.clone(), edit);
                return true;
            }
        }
        if fault.is_missing() {
            return false;
        }
        self.edits.insert(fault.path.clone(), Edit::Last);
        true
    }
}

fn with(edits: &Edits, more: &[(&Path, Edit)]) -> Edits {
    let more = more
        .iter()
        .map(|(path, edit)| ((*path).clone(), edit.clone()));
    edits.clone().into_iter().chain(more).collect()
}

fn stand_in(which: usize) -> Edit {
    Edit::Put(Arc::new(Setting::new(Kind::Any(which), &Origin::Nowhere)))
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
