//! The four facts of a build, each from the first source that knows it.

use crate::sources::Sources;

/// The version object. What is unknown is empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) source: String,
    pub(crate) version: String,
    pub(crate) commit: String,
    pub(crate) build: String,
}

impl Facts {
    /// The facts, or every `DOCKERFLOW_*` variable that does not hold what it should.
    pub(crate) fn find(sources: &mut Sources) -> Result<Self, Vec<String>> {
        Ok(Self {
            source: sources
                .variable("DOCKERFLOW_SOURCE")
                .or_else(|| sources.variable("CARGO_PKG_REPOSITORY"))
                .unwrap_or_default(),
            version: sources
                .variable("DOCKERFLOW_VERSION")
                .or_else(|| sources.variable("CARGO_PKG_VERSION"))
                .unwrap_or_default(),
            commit: sources.variable("DOCKERFLOW_COMMIT").unwrap_or_default(),
            build: sources.variable("DOCKERFLOW_BUILD").unwrap_or_default(),
        })
    }
}
