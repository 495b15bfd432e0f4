//! A process from start to end: its settings, its faults, its commands, its signals. Each test has a process of its own.

mod bad_settings;
mod blocked;
mod commands;
mod drain;
mod edges;
mod heartbeat;
mod live;
mod secrets;
mod start;
mod stop;

use std::process::Command;

use crate::support::{Process, command_of};

/// The program `tests/programs/process.rs` with an empty environment.
pub(crate) fn command() -> Command {
    command_of("process")
}

/// Starts the program on a free port.
pub(crate) fn serve(variables: &[(&str, &str)]) -> Process {
    let mut command = command();
    command.envs([("PORT", "0"), ("HOST", "127.0.0.1")]);
    command.envs(variables.iter().copied());
    Process::start(command)
}
