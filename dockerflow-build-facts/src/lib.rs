//! Finds the facts of a build: the repository, version, commit and build job of what is being compiled.
//!
//! [`Facts::find`] reads them from environment variables, CI systems and the files of git, without a git program. [`Inputs`]
//! records every variable and file that was read, so that the caller can have Cargo rebuild when one of them changes. The macros
//! of the [`dockerflow`](https://docs.rs/dockerflow) crate are such a caller; a build script can be another:
//!
//! ```
//! use dockerflow_build_facts::{Facts, Inputs};
//!
//! let mut inputs = Inputs::of_this_build();
//! let facts = Facts::find(&mut inputs).expect("valid DOCKERFLOW_ variables");
//! println!("cargo::rustc-env=COMMIT={}", facts.commit);
//! for name in inputs.variables() {
//!     println!("cargo::rerun-if-env-changed={name}");
//! }
//! for file in inputs.files() {
//!     println!("cargo::rerun-if-changed={file}");
//! }
//! ```
//!
//! The modules read untrusted bytes. None of their functions panics, whatever they are given.

mod checkout;
pub mod ci;
pub mod commit;
mod facts;
pub mod git;
mod inputs;
pub mod json;
mod overrides;
mod place;
pub mod url;
pub mod version;
mod version_file;

pub use facts::Facts;
pub use inputs::Inputs;
pub use version_file::VersionFile;
