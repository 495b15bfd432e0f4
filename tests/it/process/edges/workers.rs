//! How many workers are there, and does the limit on open files allow them?

use std::process::Command;

use serde_json::Value;

use super::{assert_refused, ends, start};
use crate::support::{Process, free_port, get, program, run};

/// The program with a limit of open files, hard and soft.
fn limited(files: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit {files} && exec {}", program("edges").display());
    command.env_clear().args(["-c", &script]);
    command.envs([
        ("PORT", "0"),
        ("HOST", "127.0.0.1"),
        ("PATH", "/usr/bin:/bin"),
    ]);
    command.envs(variables.iter().copied());
    command
}

#[test]
fn more_workers_than_actix_web_or_the_limit_of_files_allows_are_refused_in_one_line() {
    for workers in ["0", "513", "1025"] {
        let output = ends("", &[("WORKERS", workers)]);
        assert_refused(&output, &["WORKERS is", "expected a number from 1 to 512"]);
    }
    let output = run(limited("-n 1024", &[("WORKERS", "256")]));
    assert_refused(
        &output,
        &["WORKERS is \"256\", expected at most 224", "ulimit -n"],
    );
}

#[test]
fn the_soft_limit_of_files_is_raised_and_the_default_of_workers_fits_the_hard_one() {
    for (files, variables, workers) in [
        ("-Sn 64", &[("WORKERS", "40")][..], Some(40)),
        ("-n 512", &[("WORKERS", "96")], Some(96)),
        ("-n 40", &[], Some(1)),
    ] {
        let serving = Process::start(limited(files, variables));
        let record: Value = serde_json::from_str(&serving.line("listening on http")).expect("JSON");
        assert_eq!(record["Fields"]["workers"].as_u64(), workers, "{files}");
        // All of them live.
        for _ in 0..40 {
            assert_eq!(serving.get("/").status, 200, "{files}");
        }
        assert!(
            !serving.stderr().contains("panicked"),
            "{}",
            serving.stderr()
        );
    }
}

#[test]
fn the_record_has_the_workers_that_the_builder_has_set() {
    let serving = start("own workers", &[("WORKERS", "1")]);
    let record: Value = serde_json::from_str(&serving.line("listening on http")).expect("JSON");
    assert_eq!(record["Fields"]["workers"].as_u64(), Some(3));
}

#[test]
fn with_few_files_a_service_serves_or_says_in_one_line_that_they_are_too_few() {
    let [ops, internal] = [free_port(), free_port()].map(|port| port.to_string());
    let variables = [
        ("CASE", "also"),
        ("INTERNAL_PORT", &*internal),
        ("INTERNAL_HOST", "127.0.0.1"),
        ("DOCKERFLOW_OPS_PORT", &*ops),
        ("DOCKERFLOW_DRAIN_DELAY", "0s"),
    ];
    for files in [16, 24, 31, 43] {
        let output = run(limited(&format!("-n {files}"), &variables));
        let part = format!("the limit on open files (ulimit -n) is \"{files}\", expected at least");
        assert_refused(&output, &[&part]);
    }
    for files in [44, 48, 64] {
        let serving = Process::start(limited(&format!("-n {files}"), &variables));
        for port in [&ops, &internal] {
            let address = ([127, 0, 0, 1], port.parse().expect("a port")).into();
            assert_eq!(
                get(address, "/__heartbeat__").expect("it serves").status,
                200
            );
        }
        assert_eq!(serving.get("/").status, 200, "{files}");
        serving.signal("TERM");
        let stderr = serving.stderr();
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert_eq!(serving.end().0.code(), Some(0));
    }
}
