//! The four facts of a build, each from the first source that knows it.

use std::path::PathBuf;

use crate::{
    checkout::Checkout, git::Package, inputs::Inputs, overrides::Overrides, url,
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
        let checkout = Checkout::of(folder.as_deref(), inputs);
        let file = folder
            .as_deref()
            .and_then(|folder| VersionFile::find(folder, inputs))
            .filter(|file| match &overrides.commit {
                Some(commit) => *commit == file.commit,
                None => checkout.is_of(&file.commit),
            });
        let file = file.as_ref();
        let file_commit = file.map(|file| file.commit.clone());
        let mut ci = checkout.ci(inputs);
        if file_commit.is_some() && ci.commit.is_some() && file_commit != ci.commit {
            ci.source = None;
        }

        let Checkout {
            repository,
            head,
            packaged,
            ..
        } = &checkout;
        let commit = overrides
            .commit
            .or(file_commit)
            .or_else(|| ci.commit.clone())
            .or_else(|| head.clone())
            .or_else(|| packaged.clone());
        // A tag counts only for its own commit.
        let ci_tag = ci.tag.filter(|_| ci.commit == commit);
        let version = overrides
            .version
            .or_else(|| file?.version.clone())
            .or(ci_tag)
            .or_else(|| {
                let (repository, head) = (repository.as_ref()?, head.as_deref()?);
                (commit.as_deref() == Some(head)).then(|| repository.tag(head, &package, inputs))?
            });
        let source = overrides
            .source
            .or_else(|| file?.source.clone())
            .or(ci.source)
            .or_else(|| {
                let origin = repository.as_ref()?.origin(inputs)?;
                url::of_repository(&origin)
            });
        let build = overrides.build.or_else(|| file?.build.clone()).or(ci.build);
        Self {
            source: source
                .or_else(|| url::of_repository(&repository_url))
                .unwrap_or_default(),
            version: version.unwrap_or(package.version),
            commit: commit.unwrap_or_default(),
            build: build.unwrap_or_default(),
        }
    }
}
