//! Commands of the program's own, `--help`, `--version`.

use std::{
    io::Read as _,
    process::{Command, Stdio},
};

use super::command;
use crate::support::{program, run, text};

#[test]
fn a_command_of_the_program_is_listed_and_fails_if_a_signal_ends_it() {
    let mut help = command("", &[]);
    help.arg("--help");
    let listed = text(&run(help).stdout);
    assert!(
        listed.contains("\n  migrate      Migrate, with a pause\n"),
        "{listed}"
    );
    assert!(
        listed.contains("at most") || listed.contains("[default: 0s]"),
        "{listed}"
    );
    let mut command = command("", &[]);
    command
        .arg("migrate")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdout = child.stdout.take().expect("it is piped");
    let mut bytes = [0; 9];
    stdout.read_exact(&mut bytes).expect("it says that it runs");
    assert_eq!(&bytes, b"migrating");
    let kill = format!("kill -TERM {}", child.id());
    Command::new("sh")
        .args(["-c", &kill])
        .status()
        .expect("a shell");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "migrate was stopped by SIGTERM\n");
}

#[test]
fn a_reader_of_the_help_that_has_seen_enough_is_no_error() {
    for argument in ["--help", "--version"] {
        let script = format!(
            "{} {argument} | true; exit ${{PIPESTATUS:-0}}",
            program("edges").display()
        );
        // The program writes when nobody reads any more.
        let script = format!("(sleep 0.2; {}) | true", script.replace(" | true", ""));
        let output = Command::new("bash")
            .args(["-o", "pipefail", "-c", &script])
            .output()
            .expect("a shell");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "");
    }
}

#[test]
fn the_version_has_the_usual_options() {
    let version = |argument: &str| {
        let mut command = command("", &[]);
        command.arg(argument);
        text(&run(command).stdout)
    };
    assert_eq!(version("--version"), version("version"));
    assert_eq!(version("-V"), version("version"));
}
