//! Where is a panic at start seen?

use super::{command, ends};
use crate::support::{run, text};

#[test]
fn a_panic_at_start_is_on_stderr_whatever_the_level_of_the_log() {
    for (case, part) in [
        ("panic", "the program panics at start"),
        ("panic in the factory", "the factory panics"),
        ("panic beside", "the factory beside panics"),
        ("logger", "a logger was already set"),
    ] {
        for level in ["info", "off"] {
            let output = ends(case, &[("LOG_LEVEL", level), ("INTERNAL_PORT", "0")]);
            let stderr = text(&output.stderr);
            assert_eq!(output.status.code(), Some(101), "{stderr}");
            assert!(stderr.contains(part), "{case}: {stderr:?}");
            let logged = text(&output.stdout).contains(part);
            assert_eq!(logged, level == "info", "{case}");
        }
    }
}

#[test]
fn a_hook_that_the_program_has_set_is_called_with_and_without_state() {
    for case in ["hook", "hook with state"] {
        let output = ends(case, &[]);
        let stderr = text(&output.stderr);
        assert!(stderr.contains("the program's hook: "), "{case}: {stderr}");
        assert!(stderr.contains("the program panics at start"), "{stderr}");
        assert!(text(&output.stdout).contains("the program panics at start"));
    }
}

#[test]
fn a_panic_in_a_command_is_on_stderr_and_in_the_log() {
    let mut command = command("", &[]);
    command.arg("explode");
    let output = run(command);
    assert_eq!(output.status.code(), Some(101));
    assert!(text(&output.stderr).contains("the command panics"));
    assert!(text(&output.stdout).contains("the command panics"));
}
