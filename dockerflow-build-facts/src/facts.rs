//! The four facts of a build, each from the first source that knows it.

use std::path::{Path, PathBuf};

use crate::{
    ci::Ci,
    commit,
    git::{Package, Repository},
    inputs::Inputs,
    json,
    overrides::Overrides,
    place::Place,
    url,
    version_file::VersionFile,
};

/// The facts of a build. A fact that is unknown is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The URL of the repository, without user, password and query.
    pub source: String,
    /// The tag that is built, or else the package's version.
    pub version: String,
    /// The commit's whole hash: 40 hexadecimal digits, or 64 in a repository that uses SHA-256.
    pub commit: String,
    /// The URL of the build in the CI system.
    pub build: String,
}

impl Facts {
    /// Finds the facts of the build that `inputs` belong to.
    ///
    /// A source counts only if it is about the source code that is being compiled: `version.json` and the variables of a CI
    /// system do not if they name another commit than the one that is checked out.
    ///
    /// # Errors
    ///
    /// Returns one sentence for each `DOCKERFLOW_*` variable whose value is not valid.
    pub fn find(inputs: &mut Inputs) -> Result<Self, Vec<String>> {
        let overrides = Overrides::read(inputs)?;
        if let Overrides {
            source: Some(source),
            version: Some(version),
            commit: Some(commit),
            build: Some(build),
        } = overrides
        {
            return Ok(Self {
                source,
                version,
                commit,
                build,
            });
        }
        // The files of git are watched only if `DOCKERFLOW_COMMIT` is not set.
        if overrides.commit.is_some() {
            Ok(inputs.without_recording_files(|inputs| Self::complete(overrides, inputs)))
        } else {
            Ok(Self::complete(overrides, inputs))
        }
    }

    fn complete(overrides: Overrides, inputs: &mut Inputs) -> Self {
        let cargo = |name: &str| inputs.of_cargo(name).unwrap_or_default();
        let package = Package {
            name: cargo("CARGO_PKG_NAME"),
            version: cargo("CARGO_PKG_VERSION"),
        };
        let repository_url = cargo("CARGO_PKG_REPOSITORY");
        let folder = inputs.of_cargo("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let Place { repository, copy } = folder
            .as_deref()
            .map(|folder| Place::of(folder, inputs))
            .unwrap_or_default();
        let head = repository
            .as_ref()
            .and_then(|repository| repository.head(inputs));
        let packaged = copy
            .as_deref()
            .filter(|_| repository.is_none())
            .and_then(|copy| packaged(copy, inputs));

        let is_built = |commit: &str| match (&overrides.commit, &repository, &copy) {
            (Some(set), _, _) => set == commit,
            (None, Some(_), _) => head.as_deref() == Some(commit),
            (None, None, Some(_)) => packaged.as_deref() == Some(commit),
            (None, None, None) => true,
        };
        let file = folder
            .as_deref()
            .and_then(|folder| VersionFile::find(folder, inputs));
        let file = file.filter(|file| is_built(&file.commit));
        let (file_source, file_version, file_commit, file_build) = match file {
            Some(file) => (file.source, file.version, Some(file.commit), file.build),
            None => (None, None, None, None),
        };
        let mut ci = Ci::find(inputs);
        if copy.is_some() || !is_about(&mut ci, head.as_deref(), repository.as_ref()) {
            ci = Ci {
                build: ci.build,
                ..Ci::default()
            };
        }
        if file_commit.is_some() && ci.commit.is_some() && file_commit != ci.commit {
            ci.source = None;
        }

        let commit = overrides
            .commit
            .or(file_commit)
            .or_else(|| ci.commit.clone())
            .or_else(|| head.clone())
            .or(packaged);
        // A tag counts only for its own commit.
        let ci_tag = ci.tag.filter(|_| ci.commit == commit);
        let version = overrides.version.or(file_version).or(ci_tag).or_else(|| {
            let (repository, head) = (repository.as_ref()?, head.as_deref()?);
            (commit.as_deref() == Some(head)).then(|| repository.tag(head, &package, inputs))?
        });
        let source = overrides.source.or(file_source).or(ci.source).or_else(|| {
            let origin = repository.as_ref()?.origin(inputs)?;
            url::of_repository(&origin)
        });
        Self {
            source: source
                .or_else(|| url::of_repository(&repository_url))
                .unwrap_or_default(),
            version: version.unwrap_or(package.version),
            commit: commit.unwrap_or_default(),
            build: overrides
                .build
                .or(file_build)
                .or(ci.build)
                .unwrap_or_default(),
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
