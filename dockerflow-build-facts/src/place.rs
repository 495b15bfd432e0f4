//! Where the package's source lies: in a repository, in a copy that Cargo made, or neither.

use std::path::{Path, PathBuf};

/// What Cargo leaves in the copies that it makes, from a registry, a `git` dependency, by `cargo vendor` or `cargo package`.
const MARKS: [&str; 3] = [".cargo_vcs_info.json", ".cargo-checksum.json", ".cargo-ok"];

/// Where a package's source lies.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder that has `.git`.
    pub(crate) repository: Option<PathBuf>,
    /// The folder of Cargo's copy. What CI says is then about another project's source, and so is a repository further up.
    pub(crate) copy: Option<PathBuf>,
}

impl Place {
    /// The nearest of both, from the package's folder upward. A copy of a `git` dependency is also a repository.
    pub(crate) fn of(package: &Path) -> Self {
        for folder in package.ancestors() {
            let has = |name: &str| folder.join(name).exists();
            let found = Self {
                repository: has(".git").then(|| folder.to_owned()),
                copy: MARKS
                    .iter()
                    .any(|mark| has(mark))
                    .then(|| folder.to_owned()),
            };
            if found != Self::default() {
                return found;
            }
        }
        Self::default()
    }
}
