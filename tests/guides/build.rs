//! Before: git's commit as an environment variable, for the program `tracing-before` alone.

use vergen_gitcl::{Emitter, GitclBuilder};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let git = GitclBuilder::default().sha(false).build()?;
    Emitter::default().add_instructions(&git)?.emit()?;
    Ok(())
}
