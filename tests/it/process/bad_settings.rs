//! Is each bad setting reported by name, with what was expected, and with exit code 2?

use std::{
    fs,
    os::unix::{ffi::OsStringExt as _, fs::PermissionsExt as _, process::CommandExt as _},
    process::Command,
};

use super::{command, serve};
use crate::support::{command_of, get, is_root, program, run, text};

/// A name that is longer than any prefix may be.
const LONG: &str = match std::str::from_utf8(&[b'a'; 201]) {
    Ok(text) => text,
    Err(_) => panic!("these are letters"),
};

/// The variables of the runtime that may hold any text, and those of features that the program does not have.
const WITHOUT_A_BAD_VALUE: &[&str] = &[
    "NO_COLOR",
    "RUST_LOG",
    "SENTRY_DSN",
    "SENTRY_ENVIRONMENT",
    "SENTRY_RELEASE",
];

/// Every other variable of the runtime and values that it cannot have.
pub(super) const BAD: &[(&str, &[&str])] = &[
    ("PORT", &[" ", "-1", "65536", "8000s", "http", "1.5"]),
    (
        "HOST",
        &[
            " ",
            "-1",
            "256.0.0.1",
            "localhost:80",
            "http://x",
            "somewhere",
        ],
    ),
    ("WORKERS", &[" ", "-1", "0", "513", "2s", "many"]),
    (
        "DOCKERFLOW_OPS_PORT",
        &[" ", "-1", "65536", "8000s", "http", "1.5"],
    ),
    (
        "DOCKERFLOW_OPS_HOST",
        &[" ", "256.0.0.1", "http://x", "somewhere"],
    ),
    ("DOCKERFLOW_KEEP_ALIVE", &[" ", "-1s", "99999h", "soon"]),
    (
        "DOCKERFLOW_CLIENT_REQUEST_TIMEOUT",
        &[" ", "-1s", "99999h", "soon"],
    ),
    (
        "DOCKERFLOW_MAX_CONNECTIONS",
        &[" ", "-1", "0", "1000001", "many"],
    ),
    ("DOCKERFLOW_BACKLOG", &[" ", "-1", "0", "65536", "many"]),
    (
        "DOCKERFLOW_DRAIN_DELAY",
        &[" ", "-1s", "99999h", "5 parsecs", "soon"],
    ),
    (
        "DOCKERFLOW_SHUTDOWN_TIMEOUT",
        &[" ", "-1s", "99999h", "5 parsecs", "soon"],
    ),
    ("DOCKERFLOW_ERROR_ENDPOINT", &[" ", "-1", "2", "perhaps"]),
    (
        "DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE",
        &[" ", "-1", "200", "600", "70000", "503s"],
    ),
    ("DOCKERFLOW_HEARTBEAT_DETAILS", &[" ", "-1", "2", "perhaps"]),
    (
        "DOCKERFLOW_HEARTBEAT_TTL",
        &[" ", "-1s", "99999h", "5 parsecs", "soon"],
    ),
    (
        "DOCKERFLOW_HEARTBEAT_TIMEOUT",
        &[" ", "-1s", "0", "99999h", "5 parsecs", "soon"],
    ),
    (
        "DOCKERFLOW_SUMMARY_LOG_QUERYSTRING",
        &[" ", "-1", "2", "perhaps"],
    ),
    (
        "DOCKERFLOW_SUMMARY_LOG_PROBES",
        &[" ", "-1", "2", "perhaps"],
    ),
    (
        "DOCKERFLOW_SUMMARY_LOG_REMOTE",
        &[" ", "-1", "2", "perhaps"],
    ),
    (
        "DOCKERFLOW_TRUSTED_PROXIES",
        &[" ", "10.0.0.0/33", "::1/129", "localhost", "10.0.0.1,"],
    ),
    ("DOCKERFLOW_TRACE_CONTEXT", &[" ", "-1", "2", "perhaps"]),
    ("DOCKERFLOW_REQUEST_ID_HEADER_NAME", &[" ", "a b", "x:y"]),
    ("LOG_LEVEL", &[" ", "-1", "loud", "sqlx=loud"]),
    ("LOG_FORMAT", &[" ", "-1", "xml"]),
    ("DOCKERFLOW_SILENCED_CHECKS", &[" ", "  "]),
    ("GOOGLE_CLOUD_PROJECT", &[" ", "  "]),
    ("LOG_REPEAT_LIMIT", &[" ", "-1", "0", "1.5", "many"]),
    ("STATSD_HOST", &[" ", "a b", "http://x", "x:8125"]),
    ("STATSD_PORT", &[" ", "-1", "0", "65536", "8125s"]),
    ("STATSD_PREFIX", &[" ", LONG]),
    ("STATSD_TAGS", &[" ", "env", "env:", "method:x", "a:1,a:2"]),
    (
        "STATSD_NAMES",
        &[
            " ",
            "request",
            "request=",
            "nothing=x",
            "request=a,request=b",
        ],
    ),
    ("DOCKERFLOW_METRICS_ENDPOINT", &[" ", "-1", "2", "perhaps"]),
    (
        "DOCKERFLOW_METRICS_BUCKETS",
        &[" ", "-1", "0", "2,1", "1,1", "soon"],
    ),
    ("CONFIG_PATH", &[" ", "/missing", "/dev/null"]),
    (
        "DOCKERFLOW_VERSION_FILE",
        &[" ", "/missing", "/dev/null", "/"],
    ),
    // The application's own.
    (
        "LIMITS__SLOWEST",
        &[" ", "-1", "1.5", "99999999999999999999", "5s"],
    ),
];

/// The program must end with 2, with a line on stderr for each of `names`, and serve nothing.
fn assert_faults(command: Command, names: &[&str]) {
    let output = run(command);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{names:?}: {stderr}");
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), names.len(), "{names:?}: {stderr}");
    for (line, name) in lines.iter().zip(names) {
        let name = if *name == "DOCKERFLOW_VERSION_FILE" {
            "the version file"
        } else {
            name
        };
        assert!(line.starts_with(name), "{name}: {line}");
        assert!(
            line.contains("expected") || line.contains("cannot be read"),
            "{line}"
        );
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(
        !text(&output.stdout).contains("listening"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn every_bad_value_of_every_variable_is_one_line_and_exit_code_2() {
    for (name, values) in BAD {
        for value in *values {
            let mut command = command();
            command
                .envs([("PORT", "0"), ("HOST", "127.0.0.1")])
                .env(name, value);
            assert_faults(command, &[name]);
        }
        let mut command = command();
        command.envs([("PORT", "0"), ("HOST", "127.0.0.1")]);
        command.env(name, std::ffi::OsString::from_vec(vec![b'/', 0xff, b'1']));
        assert_faults(command, &[name]);
    }
}

#[test]
fn a_bad_value_that_looks_like_a_secret_is_not_told() {
    for (name, value) in [
        ("STATSD_HOST", "http://me:hunter2@statsd"),
        ("LIMITS__SLOWEST", "postgres://me:hunter2@db"),
    ] {
        let mut command = command();
        command.env("PORT", "0").env(name, value);
        let output = run(command);
        assert_eq!(output.status.code(), Some(2));
        let printed = text(&output.stderr) + &text(&output.stdout);
        assert!(printed.contains(&format!("{name}: expected ")), "{printed}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}

#[test]
fn each_variable_of_the_help_is_tried() {
    let mut command = command();
    command.arg("--help");
    let help = text(&run(command).stdout);
    let (_, variables) = help
        .split_once("\nEnvironment")
        .expect("the help has the variables");
    let mut listed: Vec<_> = variables
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|name| {
            name.bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_uppercase())
        })
        .collect();
    let tried = BAD.iter().map(|(name, _)| *name);
    let mut known: Vec<_> = tried
        .filter(|name| *name != "LIMITS__SLOWEST")
        .chain(WITHOUT_A_BAD_VALUE.iter().copied())
        .collect();
    listed.sort_unstable();
    known.sort_unstable();
    assert_eq!(listed, known);
}

#[test]
fn all_bad_variables_are_reported_at_once() {
    let mut command = command();
    let mut names = Vec::new();
    for (name, values) in BAD {
        // These two are read once the rest is known to be good.
        if !["DOCKERFLOW_VERSION_FILE", "LIMITS__SLOWEST"].contains(name) {
            command.env(name, values[1]);
            names.push(*name);
        }
    }
    let output = run(command);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), names.len(), "{stderr}");
    for name in names {
        let reported = stderr.lines().filter(|line| {
            [" is ", ": "]
                .iter()
                .any(|then| line.starts_with(&format!("{name}{then}")))
        });
        assert_eq!(reported.count(), 1, "{name}: {stderr}");
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let empty: Vec<_> = BAD.iter().map(|(name, _)| (*name, "")).collect();
    let empty = empty
        .iter()
        .filter(|(name, _)| !["PORT", "HOST"].contains(name));
    let serving = serve(&empty.copied().collect::<Vec<_>>());
    assert_eq!(
        get(serving.address(), "/").expect("it serves").body,
        "hello"
    );
}

#[test]
fn a_file_of_settings_without_read_permission_and_a_broken_one_are_both_named() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))
        .expect("its owner may");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    let broken = file("a.toml", "password = hunter2");
    let closed = file("b.yaml", "password: hunter2");
    file("c.json", "{}");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("its owner may");
    // Root may read anything; somebody else has to try, with a copy of the program within reach.
    let copy = directory.path().join("program");
    fs::copy(program("process"), &copy).expect("a copy");
    let mut command = Command::new(&copy);
    command
        .env_clear()
        .env("LLVM_PROFILE_FILE", "/dev/null") // where coverage is measured, and somebody else may not write
        .env("PORT", "0")
        .env("CONFIG_PATH", directory.path());
    if is_root() {
        command.uid(65_534).gid(65_534).current_dir("/");
    }
    let output = run(command);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(
        lines[0].starts_with(&format!("{}: expected valid TOML", broken.display())),
        "{stderr}"
    );
    assert!(
        lines[1].starts_with(&format!(
            "{}: expected a file that can be read: Permission denied",
            closed.display()
        )),
        "{stderr}"
    );
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn a_path_of_settings_that_cannot_be_used_is_reported_by_the_name_that_gave_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    fs::create_dir(path("empty.toml")).expect("a directory");
    fs::write(path("bad.toml"), "greeting = ").expect("a file");
    fs::write(path("large.json"), vec![b' '; 17 << 20]).expect("a file");
    fs::write(path("app.ini"), "").expect("a file");
    let pipe = Command::new("mkfifo").arg(path("pipe.toml")).status();
    assert!(pipe.expect("mkfifo runs").success());
    for (file, expected) in [
        (
            "missing",
            "NAME is \"PATH\", expected a file or directory that can be read: No such file or directory",
        ),
        (
            "empty.toml",
            "NAME is \"PATH\", expected a file, not an empty directory: Docker's -v",
        ),
        (
            "app.ini",
            "NAME is \"PATH\", expected a directory, or a file whose name ends in .toml, .yaml, .yml or .json",
        ),
        (
            "pipe.toml",
            "PATH: expected a file that can be read: it is a pipe",
        ),
        (
            "large.json",
            "PATH: expected a file that can be read: it has more than 16777216 bytes",
        ),
        ("bad.toml", "PATH: expected valid TOML: "),
    ] {
        let path = path(file);
        for name in ["CONFIG_PATH", "--config"] {
            let mut command = command();
            command.env("PORT", "0");
            match name {
                // The option has the last word, and the variable is not even looked at.
                "--config" => command.arg(name).arg(&path).env("CONFIG_PATH", "/nowhere"),
                _ => command.env(name, &path),
            };
            let output = run(command);
            let stderr = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            let expected = expected.replace("NAME", name);
            let expected = expected.replace("PATH\"", &format!("{}\"", path.display()));
            let expected = match expected.strip_prefix("PATH:") {
                Some(rest) => format!("{}:{rest}", path.display()),
                None => expected,
            };
            assert!(stderr.starts_with(&expected), "{expected}: {stderr}");
        }
    }
}

#[test]
fn a_missing_setting_names_the_option_that_gave_the_files() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("a.toml");
    fs::write(&file, "").expect("a file");
    for (name, expected) in [
        (
            "CONFIG_PATH",
            "api_token: expected a value, in a file at CONFIG_PATH or as API_TOKEN\n",
        ),
        (
            "--config",
            "api_token: expected a value, in a file at --config or as API_TOKEN\n",
        ),
    ] {
        let mut command = command_of("settings");
        command.envs([("STRUCTURE", "plain"), ("PORT", "0")]);
        match name {
            "--config" => command.arg(name).arg(&file),
            _ => command.env(name, &file),
        };
        assert_eq!(text(&run(command).stderr), expected);
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2_and_names_the_commands() {
    let mut command = command();
    command.arg("start");
    let output = run(command);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "the argument is \"start\", expected serve, version, healthcheck, --help or nothing\n"
    );
}
