//! Which value is a fault about?
//!
//! Under `flatten`, and in tagged and untagged enumerations, serde keeps values and reads them later, on its own, so that it reports
//! their faults for the table around them. Which of them is at fault is found by changing them one at a time.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{
    attempts::{Attempts, SEARCHED, stand_in},
    deserializer::{Edit, Edits},
    fault::{Fault, Reason},
    value::{Kind, Origin, Path, Setting},
};

/// A value, the edit of it that changed the fault, and the fault afterwards.
type Suspect = (Path, Arc<Setting>, Edit, Option<(Path, String)>);

impl Attempts {
    /// Finds the value that a fault is about, if serde reported it for a table or list that contains the value.
    pub(super) fn locate<T: DeserializeOwned>(&self, edits: &Edits, fault: Fault) -> Fault {
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

    /// Returns the same fault, as that of the innermost value whose change makes it go away or differ.
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
}
