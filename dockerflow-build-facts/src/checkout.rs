//! What is being compiled: the commit that is checked out or was packaged, and whether the variables of a CI system are about it.

use std::path::Path;

use crate::{ci::Ci, commit, git::Repository, inputs::Inputs, json, place::Place};

/// The source code that is being compiled.
#[derive(Default)]
pub(crate) struct Checkout {
    /// The repository that it is checked out from.
    pub(crate) repository: Option<Repository>,
    /// The commit that is checked out.
    pub(crate) head: Option<String>,
    /// The commit that `cargo package` made it from, if it is a package.
    pub(crate) packaged: Option<String>,
    /// Whether Cargo has copied it from elsewhere.
    is_copy: bool,
}

impl Checkout {
    /// Returns what is compiled in the package's folder.
    pub(crate) fn of(folder: Option<&Path>, inputs: &mut Inputs) -> Self {
        let Some(folder) = folder else {
            return Self::default();
        };
        let Place { repository, copy } = Place::of(folder, inputs);
        let head = repository
            .as_ref()
            .and_then(|repository| repository.head(inputs));
        let packaged = copy
            .as_deref()
            .filter(|_| repository.is_none())
            .and_then(|copy| packaged(copy, inputs));
        Self {
            repository,
            head,
            packaged,
            is_copy: copy.is_some(),
        }
    }

    /// Returns whether the source is of `commit`. If neither a repository nor Cargo tells its commit, every one counts.
    pub(crate) fn is_of(&self, commit: &str) -> bool {
        let known = match (&self.repository, self.is_copy) {
            (Some(_), _) => &self.head,
            (None, true) => &self.packaged,
            (None, false) => return true,
        };
        known.as_deref() == Some(commit)
    }

    /// Returns what the CI system says of it. If they are about another commit, only its build is returned.
    pub(crate) fn ci(&self, inputs: &mut Inputs) -> Ci {
        let mut ci = Ci::find(inputs);
        if !self.is_copy && is_about(&mut ci, self.head.as_deref(), self.repository.as_ref()) {
            return ci;
        }
        Ci {
            build: ci.build,
            ..Ci::default()
        }
    }
}

/// Returns whether the variables of the CI system are about what is checked out: a job may check out a tag, another repository
/// or a submodule, or commit before it builds.
///
/// They are if they name the commit that is checked out, or the commit of a pull request of which the throw-away merge is checked out,
/// as most systems do.
fn is_about(ci: &mut Ci, head: Option<&str>, repository: Option<&Repository>) -> bool {
    let Some(repository) = repository else {
        return true;
    };
    let (Some(head), Some(commit)) = (head, ci.commit.clone()) else {
        return false;
    };
    let parents = || repository.parents(head);
    if commit == head {
        // The merge cannot be fetched later. The commit that was pushed is its second parent.
        if ci.is_merge
            && let [_, pushed] = &*parents()
        {
            ci.commit = Some(pushed.clone());
        }
        return true;
    }
    // If the system names the merge that it made, it must be that one: another branch may have merged the commit, too.
    let is_merge = ci.is_pull_request && ci.merge.as_deref().is_none_or(|merge| merge == head);
    is_merge && {
        let parents = parents();
        parents.len() > 1 && parents.contains(&commit)
    }
}

/// Returns the commit that `cargo package` made a package from.
fn packaged(folder: &Path, inputs: &mut Inputs) -> Option<String> {
    let text = inputs.text(&folder.join(".cargo_vcs_info.json"))?;
    commit::valid(&json::string(&text, &["git", "sha1"])?)
}
