//! Finds the facts of a build: the repository, version, commit and build job of what is being compiled.
//!
//! [`Facts::find`] reads them from environment variables, CI systems and the files of git, without a git program. [`Inputs`]
//! records every variable and file that was read, so that the caller can have Cargo rebuild when one of them changes. The macros
//! of the [`dockerflow`](https://docs.rs/dockerflow) crate are such a caller; a build script can be another.

pub mod ci;
pub mod commit;
mod facts;
pub mod git;
mod inputs;
pub mod json;
mod place;
pub mod url;

pub use facts::Facts;
pub use inputs::Inputs;
