//! The variables that set a fact directly: `DOCKERFLOW_SOURCE`, `_VERSION`, `_COMMIT` and `_BUILD`.

use crate::{commit, inputs::Inputs, url, version};

/// The facts that variables set. Each comes before every other source.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) source: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) build: Option<String>,
}

impl Overrides {
    /// Reads the variables, or returns a sentence for each whose value is not valid. The value is not in it: it may be a secret.
    pub(crate) fn read(inputs: &mut Inputs) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut read = |name: &str, valid: fn(&str) -> Option<String>, expected: &str| {
            let held = inputs.variable(name)?;
            let value = valid(&held);
            if value.is_none() {
                problems.push(format!("{name} is not valid: expected {expected}"));
            }
            value
        };
        let overrides = Self {
            source: read(
                "DOCKERFLOW_SOURCE",
                url::of_repository,
                "the URL of a repository without credentials, such as https://example.org/team/app",
            ),
            version: read(
                "DOCKERFLOW_VERSION",
                version::valid,
                "a version, such as v1.2.3, and not a placeholder",
            ),
            commit: read(
                "DOCKERFLOW_COMMIT",
                commit::valid,
                "a commit's whole hash, 40 or 64 hexadecimal digits",
            ),
            build: read(
                "DOCKERFLOW_BUILD",
                url::of_build,
                "the URL of a build without credentials, such as https://ci.example.org/builds/42",
            ),
        };
        if problems.is_empty() {
            Ok(overrides)
        } else {
            Err(problems)
        }
    }
}
