//! Where the package's source lies: in a repository, in a copy that Cargo made, or neither.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{git::Repository, inputs::Inputs};

/// Files that Cargo leaves in the copies that it makes: from a registry, of a `git` dependency, by `cargo vendor`, by `cargo package`.
const MARKS: [&str; 3] = [".cargo_vcs_info.json", ".cargo-checksum.json", ".cargo-ok"];

/// Where a package's source lies.
pub(crate) struct Place {
    /// The repository that the package is in.
    pub(crate) repository: Option<Repository>,
    /// The folder of the copy that Cargo made. The variables of CI, and a repository further up, are then about another project.
    pub(crate) copy: Option<PathBuf>,
}

impl Place {
    /// Looks for both from the package's folder upward, and stops at the nearest. The checkout of a `git` dependency is both.
    ///
    /// As for git, a folder `.git` that is not a repository is passed over, and a file `.git` that names no repository ends the search.
    pub(crate) fn of(package: &Path, inputs: &mut Inputs) -> Self {
        let given = Repository::of_environment(inputs);
        let package = fs::canonicalize(package).unwrap_or_else(|_| package.to_owned());
        for folder in package.ancestors() {
            let has = |name: &str| folder.join(name).exists();
            let copy = MARKS
                .iter()
                .any(|mark| has(mark))
                .then(|| folder.to_owned());
            // `GIT_DIR` counts for what is in its working tree, unless a repository is nearer.
            if let Some((repository, tree)) = &given
                && tree == folder
                && copy.is_none()
            {
                let repository = Some(repository.clone());
                return Self { repository, copy };
            }
            let dot_git = folder.join(".git");
            let repository = Repository::of_dot_git(&dot_git, inputs);
            if repository.is_some() || copy.is_some() || dot_git.is_file() {
                return Self { repository, copy };
            }
        }
        Self {
            repository: given.map(|(repository, _)| repository),
            copy: None,
        }
    }
}

/// Returns the folder of the workspace that the package belongs to, or of the package if it has none.
pub(crate) fn workspace(package: &Path) -> PathBuf {
    let manifest =
        |folder: &Path| fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let own = manifest(package);
    let mut lines = own
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[package]")
        .skip(1);
    let named = lines
        .by_ref()
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "workspace").then(|| value.trim().trim_matches(['"', '\'']).to_owned())
        });
    if let Some(path) = named {
        return package.join(path);
    }
    let is_workspace = |folder: &&Path| {
        let text = manifest(folder);
        text.lines()
            .any(|line| line.trim_start().starts_with("[workspace"))
    };
    package
        .ancestors()
        .find(is_workspace)
        .unwrap_or(package)
        .to_owned()
}
