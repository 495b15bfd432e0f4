//! Does each file of the runtime import only what the table in `CONTRIBUTING.md` allows, and nothing in a circle?
//!
//! Every path is read: `use` and `pub use`, paths in expressions, types and patterns, those in the bodies and arguments of macros, and
//! those in attributes. Test modules count like the rest.

mod crate_of_files;
mod planted;
mod rules;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate_of_files::Crate;
use rules::Rules;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_runtime_imports_only_what_the_contributing_guide_allows() {
    let guide = fs::read_to_string(root().join("CONTRIBUTING.md")).expect("a guide");
    let rules = Rules::read(&guide);
    let runtime = Crate::read(&|file| {
        fs::read_to_string(root().join("dockerflow-runtime/src").join(file)).ok()
    });
    let mut faults = rules.forbidden(&runtime);
    faults.extend(rules::circles(&runtime));
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
