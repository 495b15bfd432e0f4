//! The four facts of a build, each from the first source that knows it.

use std::path::{Path, PathBuf};

use crate::{ci::Ci, commit, git::Git, inputs::Inputs, json, place::Place, url};

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
    /// # Errors
    ///
    /// One sentence for each `DOCKERFLOW_*` variable whose value is not valid.
    pub fn find(inputs: &mut Inputs) -> Result<Self, Vec<String>> {
        let told = Told::find(inputs)?;
        let folder = inputs.of_cargo("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let place = folder.as_deref().map(Place::of).unwrap_or_default();
        let mut ci = Ci::find(inputs);
        if place.copy.is_some() {
            ci = Ci {
                build: ci.build,
                ..Ci::default()
            };
        }
        let package = inputs.of_cargo("CARGO_PKG_VERSION").unwrap_or_default();
        let git = place
            .repository
            .and_then(|folder| Git::find(&folder, &package, inputs))
            .unwrap_or_default();
        let packaged = place.copy.and_then(|folder| packaged(&folder, inputs));

        let commit = told
            .commit
            .or(ci.commit)
            .or_else(|| git.commit.clone())
            .or(packaged);
        let tag = git.tag.filter(|_| git.commit == commit); // else it is the tag of something else
        let repository = inputs.of_cargo("CARGO_PKG_REPOSITORY");
        let source = told.source.or(ci.source).or(git.source);
        Ok(Self {
            source: source
                .or_else(|| url::of_repository(&repository?))
                .unwrap_or_default(),
            version: told.version.or(ci.tag).or(tag).unwrap_or(package),
            commit: commit.unwrap_or_default(),
            build: told.build.or(ci.build).unwrap_or_default(),
        })
    }
}

/// What the `DOCKERFLOW_*` variables say.
struct Told {
    source: Option<String>,
    version: Option<String>,
    commit: Option<String>,
    build: Option<String>,
}

impl Told {
    fn find(inputs: &mut Inputs) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut read = |name: &str, valid: fn(&str) -> Option<String>, expected: &str| {
            let held = inputs.variable(name)?;
            let value = valid(&held);
            if value.is_none() {
                problems.push(format!(
                    "{name} is set when this is compiled, and is not {expected}"
                ));
            }
            value
        };
        let repository = "the URL of a repository, such as https://example.org/team/app";
        let build = "the URL of a build, such as https://ci.example.org/builds/42";
        let told = Self {
            source: read("DOCKERFLOW_SOURCE", url::of_repository, repository),
            version: read("DOCKERFLOW_VERSION", |version| Some(version.to_owned()), ""),
            commit: read(
                "DOCKERFLOW_COMMIT",
                commit::valid,
                "a commit's whole hash, 40 or 64 hexadecimal digits",
            ),
            build: read("DOCKERFLOW_BUILD", url::of_build, build),
        };
        if problems.is_empty() {
            Ok(told)
        } else {
            Err(problems)
        }
    }
}

/// The commit that `cargo package` made a package from.
fn packaged(folder: &Path, inputs: &mut Inputs) -> Option<String> {
    let text = inputs.text(&folder.join(".cargo_vcs_info.json"))?;
    commit::valid(json::string(&text, &["git", "sha1"])?)
}
