//! The log of a real process, as a reader of its stdout sees it.

mod drain;
mod errors;
mod formats;
mod oracle;
mod requests;
mod schema;
mod stdout;
mod summary;
mod torn;
mod trace;
mod values;

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Command, Stdio},
    thread,
};

use schema::{Line, validate};

use crate::support::{Process, command_of};

/// The program `tests/programs/logs.rs`, on a free port.
fn command(variables: &[(&str, &str)]) -> Command {
    command_for("logs", variables)
}

/// One of the programs, on a free port.
fn command_for(program: &'static str, variables: &[(&str, &str)]) -> Command {
    let mut command = command_of(program);
    command.envs([
        ("PORT", "0"),
        ("HOST", "127.0.0.1"),
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
    ]);
    command.envs(variables.iter().copied());
    command
}

/// Starts the program. Its stdout is not read here.
fn serve(variables: &[(&str, &str)], stdout: Stdio) -> Process {
    Process::start_unread(command(variables), stdout)
}

/// Returns every line until the process ends. Each must be valid.
fn lines(stdout: impl std::io::Read) -> Vec<Line> {
    let valid = |line: std::io::Result<Vec<u8>>| {
        let line = line.expect("stdout can be read");
        validate(&line)
            .unwrap_or_else(|fault| panic!("{fault}: {}", String::from_utf8_lossy(&line)))
    };
    BufReader::new(stdout).split(b'\n').map(valid).collect()
}

/// Asks `ask`, stops the process, and returns its lines.
fn logged(variables: &[(&str, &str)], ask: impl FnOnce(&Process)) -> Vec<Line> {
    logged_by("logs", variables, ask)
}

/// The same with one of the other programs.
fn logged_by(
    program: &'static str,
    variables: &[(&str, &str)],
    ask: impl FnOnce(&Process),
) -> Vec<Line> {
    let command = command_for(program, variables);
    let mut served = Process::start_unread(command, Stdio::piped());
    let mut stdout = served.stdout();
    // Only read while it serves: a reader that looks closely may be too slow for it.
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).map(|_| bytes)
    });
    ask(&served);
    assert!(served.stop().success());
    let bytes = reader.join().expect("reading does not panic");
    lines(&bytes.expect("stdout can be read")[..])
}

/// Returns how many lines were reported as lost.
fn dropped(lines: &[Line]) -> u64 {
    let reports = of_kind(lines, "dockerflow.log");
    reports
        .iter()
        .filter_map(|line| line.number("dropped"))
        .sum()
}

fn of_kind<'a>(lines: &'a [Line], kind: &str) -> Vec<&'a Line> {
    lines.iter().filter(|line| line.kind == kind).collect()
}

fn summaries(lines: &[Line]) -> Vec<&Line> {
    of_kind(lines, "request.summary")
}
