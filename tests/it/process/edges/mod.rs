//! Programs and environments that are at odds with their server: each module asks one question.

mod addresses;
mod attribute;
mod commands;
mod connections;
mod end;
mod environment;
mod healthcheck;
mod panics;
mod proxies;
mod systemd;
mod unix_socket;
mod workers;

use std::process::{Command, Output};

use crate::support::{Process, command_of, run, text};

/// The program `tests/programs/edges.rs`, on a free port.
fn command(case: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = command_of("edges");
    command.envs([("CASE", case), ("PORT", "0"), ("HOST", "127.0.0.1")]);
    command.envs(variables.iter().copied());
    command
}

fn start(case: &str, variables: &[(&str, &str)]) -> Process {
    Process::start(command(case, variables))
}

fn ends(case: &str, variables: &[(&str, &str)]) -> Output {
    run(command(case, variables))
}

/// Asserts that the program ends with 2 and one line on stderr that has all `parts`.
fn assert_refused(output: &Output, parts: &[&str]) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{part:?} in {stderr}");
    }
}
