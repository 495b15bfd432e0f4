//! The programs in `tests/programs/`, which the tests start.

use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Mutex,
};

/// Returns the program's file. `cargo test` has built it; `cargo test --test it` has not.
pub(crate) fn program(name: &'static str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT
        .lock()
        .expect("a program that does not build ends the test");
    built.entry(name).or_insert_with(|| build(name)).clone()
}

fn build(name: &str) -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--example", name]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(
        status.expect("cargo runs").success(),
        "{name} does not build"
    );
    let tests = env::current_exe().expect("this test's path");
    let profile = tests
        .ancestors()
        .nth(2)
        .expect("target/<profile>/deps/<test>");
    profile.join("examples").join(name)
}

/// Returns a command that runs the program with an empty environment.
pub(crate) fn command_of(name: &'static str) -> Command {
    let mut command = Command::new(program(name));
    command.env_clear().stdin(Stdio::null());
    command
}
