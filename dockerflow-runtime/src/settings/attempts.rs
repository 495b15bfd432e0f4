//! The attempts to read a type: each reads the settings with some edits, and tells which values serde kept for later.

use std::{cell::Cell, marker::PhantomData, sync::Arc};

use serde::de::DeserializeOwned;

use super::{
    deserializer::{Attempt, Edit, Edits, Node, hand},
    fault::Fault,
    value::{Kind, Origin, Path, Setting},
};

/// How many times a type is read at most. Settings without a fault are read once.
const MOST: usize = 20_000;
/// Among how many values the faulty one is searched for.
pub(super) const SEARCHED: usize = 1_000;

/// The attempts to read one type.
pub(super) struct Attempts {
    pub(super) root: Arc<Setting>,
    /// What every further attempt reads instead of what is in `root`.
    pub(super) edits: Edits,
    pub(super) warnings: Vec<String>,
    left: Cell<usize>,
}

/// Values that serde kept for later.
type Kept = Vec<(Path, Arc<Setting>)>;

impl Attempts {
    pub(super) fn new(root: Setting) -> Self {
        Self {
            root: Arc::new(root),
            edits: Edits::new(),
            warnings: Vec::new(),
            left: Cell::new(MOST),
        }
    }

    /// Returns whether no more attempts are made.
    pub(super) fn are_used_up(&self) -> bool {
        self.left.get() == 0
    }

    /// Reads the type. Returns it with the keys that it does not know.
    pub(super) fn run<T: DeserializeOwned>(
        &self,
        edits: &Edits,
    ) -> Result<(T, Vec<String>), Fault> {
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
        let result = hand(PhantomData, node);
        let unknown = attempt.unknown.into_inner();
        (
            result.map(|settings| (settings, unknown)),
            attempt.kept.into_inner(),
        )
    }

    /// Returns what is wrong after more edits; `None` if all is well.
    pub(super) fn after<T: DeserializeOwned>(
        &self,
        edits: &Edits,
        more: &[(&Path, Edit)],
    ) -> Option<Fault> {
        self.run::<T>(&with(edits, more)).err()
    }

    /// Returns the values in `path`'s that serde kept for later.
    pub(super) fn kept<T: DeserializeOwned>(&self, edits: &Edits, path: &Path) -> Kept {
        let mut kept = self.traced::<T>(edits).1;
        kept.retain(|(of, _)| of.is_within(path));
        kept
    }
}

/// Returns `edits` with more.
pub(super) fn with(edits: &Edits, more: &[(&Path, Edit)]) -> Edits {
    let more = more
        .iter()
        .map(|(path, edit)| ((*path).clone(), edit.clone()));
    edits.clone().into_iter().chain(more).collect()
}

/// Returns the edit that replaces a value by the stand-in with this number, which is below `STAND_INS`.
pub(super) fn stand_in(which: usize) -> Edit {
    Edit::Put(Arc::new(Setting::new(Kind::Any(which), &Origin::Nowhere)))
}
