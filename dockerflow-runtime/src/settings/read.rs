//! Reads a type's value, and finds everything that is wrong with it: serde stops at the first fault, so the type is read again
//! with a stand-in for the value that was wrong.

use serde::de::DeserializeOwned;

use super::{
    attempts::{Attempts, stand_in, with},
    bad_setting::Sources,
    deserializer::{Edit, STAND_INS},
    fault::Fault,
    value::{Path, Setting},
};
use crate::error::BadSetting;

/// The settings, and warnings for the log.
pub(super) struct Read<T> {
    pub(super) settings: T,
    pub(super) warnings: Vec<String>,
}

/// Reads `root` as a `T`.
///
/// `open` means that every variable of the process is a key in `root`, because neither `T` nor a prefix says which are settings.
pub(super) fn read<T: DeserializeOwned>(
    root: Setting,
    sources: Sources<'_>,
    open: bool,
) -> Result<Read<T>, Vec<BadSetting>> {
    let mut attempts = Attempts::new(root);
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
        if attempts.are_used_up() {
            if bad.is_empty() {
                bad.push(fault.bad_setting(sources));
            }
            return Err(bad);
        }
        if !found.iter().any(|path| fault.path.is_within(path)) {
            if attempts.resolve::<T>(&fault, open) {
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

impl Attempts {
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
