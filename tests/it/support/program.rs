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
    let tests = env::current_exe().expect("this test's path");
    let mut folders = tests.ancestors().skip(2);
    let profile = folders.next().expect("target/<profile>/deps/<test>");
    let target = folders.next().expect("target/<profile>/deps/<test>");
    build.arg("--target-dir").arg(target);
    let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(
        status.expect("cargo runs").success(),
        "{name} does not build"
    );
    profile.join("examples").join(name)
}

/// Returns a command that runs the program with an empty environment, but for where a measurement of coverage is written.
pub(crate) fn command_of(name: &'static str) -> Command {
    const COVERAGE: &str = "LLVM_PROFILE_FILE";
    let mut command = Command::new(program(name));
    command.env_clear().stdin(Stdio::null());
    command.envs(env::var_os(COVERAGE).map(|file| (COVERAGE, file)));
    command
}
