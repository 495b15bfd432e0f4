//! Does a secret stay out of every stream, whatever structure it is read into, from files and from the environment?

use std::{fs, process::Command};

use crate::support::{command_of, run, text};

/// A structure of `tests/programs/settings.rs`, the JSON that has its secret, the variables that have it, and the key that must
/// be named.
type Row = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const ROWS: &[Row] = &[
    (
        "plain",
        r#"{"api_token": SECRET}"#,
        &[("API_TOKEN", "SECRET")],
        "api_token",
    ),
    (
        "deserialize_with",
        r#"{"api_token": SECRET}"#,
        &[("API_TOKEN", "SECRET")],
        "api_token",
    ),
    (
        "try_from",
        r#"{"api_token": SECRET}"#,
        &[("API_TOKEN", "SECRET")],
        "api_token",
    ),
    (
        "nested",
        r#"{"inner": {"api_token": SECRET}}"#,
        &[("INNER__API_TOKEN", "SECRET")],
        "inner.api_token",
    ),
    (
        "flatten",
        r#"{"api_token": SECRET}"#,
        &[("API_TOKEN", "SECRET")],
        "api_token",
    ),
    (
        "tagged",
        r#"{"inner": {"type": "Tcp", "api_token": SECRET}}"#,
        &[("INNER__TYPE", "Tcp"), ("INNER__API_TOKEN", "SECRET")],
        "inner.api_token",
    ),
    (
        "untagged",
        r#"{"inner": {"api_token": SECRET}}"#,
        &[("INNER__API_TOKEN", "SECRET")],
        "inner",
    ),
    (
        "map",
        r#"{"inner": {"api_token": SECRET}}"#,
        &[("INNER__API_TOKEN", "SECRET")],
        "inner.api_token",
    ),
    (
        "list",
        r#"{"api_token": [SECRET]}"#,
        &[("API_TOKEN", "SECRET")],
        "api_token[0]",
    ),
    (
        "option",
        r#"{"api_token": SECRET}"#,
        &[("API_TOKEN", "SECRET")],
        "api_token",
    ),
    (
        "newtype",
        r#"{"api_token": SECRET}"#,
        &[("API_TOKEN", "SECRET")],
        "api_token",
    ),
];

fn structure(kind: &str) -> Command {
    let mut command = command_of("settings");
    command.envs([("STRUCTURE", kind), ("PORT", "0"), ("LOG_LEVEL", "trace")]);
    command
}

/// The program ends with 2, one line names the key, and the secret is nowhere.
fn assert_kept(command: Command, kind: &str, key: &str) {
    let output = run(command);
    let (stderr, all) = (
        text(&output.stderr),
        text(&output.stdout) + &text(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(2), "{kind}: {all}");
    assert!(!all.to_lowercase().contains("hunter2"), "{kind}: {all}");
    assert!(!all.contains("8020212"), "{kind}: {all}");
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{kind}: {all}");
    assert!(
        lines[0].starts_with(key) && lines[0].contains(": expected "),
        "{kind}: {key} is not what this names: {}",
        lines[0]
    );
}

#[test]
fn no_structure_lets_a_secret_out_of_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    for (kind, json, _, key) in ROWS {
        for (name, secret) in [
            ("a.json", "\"hunter2\""),
            ("a.yaml", "\"hunter2\""),
            ("a.yaml", "8020212"),
        ] {
            // A number is what this one expects.
            if secret == "8020212" && matches!(*kind, "plain" | "untagged") {
                continue;
            }
            let file = directory.path().join(name);
            fs::write(&file, json.replace("SECRET", secret)).expect("a file");
            let mut command = structure(kind);
            command.env("CONFIG_PATH", &file);
            assert_kept(command, kind, key);
        }
    }
}

#[test]
fn no_structure_lets_a_secret_out_of_the_environment() {
    for (kind, _, variables, _) in ROWS {
        let mut command = structure(kind);
        for (name, held) in *variables {
            command.env(name, held.replace("SECRET", "hunter2"));
        }
        let (name, _) = variables.last().expect("each row has one");
        assert_kept(command, kind, name);
    }
}

#[test]
fn a_file_that_does_not_parse_is_not_quoted() {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, content) in [
        (
            "a.yaml",
            "uri: {{get_env(name=\"X\", default=\"postgres://u:hunter2@h\")}}",
        ),
        ("b.yaml", "pass: \"hunter2"),
        ("c.toml", "pass = hunter2"),
        ("d.json", "{\"pass\": hunter2}"),
    ] {
        let file = directory.path().join(name);
        fs::write(&file, content).expect("a file");
        let mut command = structure("plain");
        command.env("CONFIG_PATH", &file);
        assert_kept(command, name, file.to_str().expect("text"));
    }
}

#[test]
fn a_wrapped_secret_is_read_and_shown_by_nothing() {
    let mut command = structure("secrecy");
    command.envs([("VALUE", "hunter2"), ("PORT", "0")]);
    let output = run(command);
    let all = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{all}");
    assert!(
        all.contains("SecretBox") && !all.contains("hunter2"),
        "{all}"
    );
}

#[test]
fn what_the_application_finds_wrong_itself_is_exit_code_2() {
    assert_kept(structure("own"), "own", "api_token");
}
