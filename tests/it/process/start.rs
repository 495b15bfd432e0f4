//! What happens at the start: settings are read, the start is logged, the port is taken, workers are counted.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    thread,
};

use serde_json::Value;

use super::{command, serve};
use crate::support::{Process, get, listen, program, run, skip, text, until};

#[test]
fn settings_come_from_files_and_the_environment_has_the_last_word() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(
        directory.path().join("a.toml"),
        "greeting = \"from a file\"\nunknown = 1\n[limits]\nslowest = 1",
    )
    .expect("a file");
    let path = directory.path().to_str().expect("text");
    let serving = serve(&[("CONFIG_PATH", path), ("LIMITS__SLOWEST", "50")]);
    assert_eq!(
        get(serving.address(), "/").expect("it serves").body,
        "from a file"
    );
    assert_eq!(
        get(serving.address(), "/slow/20")
            .expect("it serves")
            .status,
        200
    );
    assert_eq!(
        get(serving.address(), "/slow/51")
            .expect("it serves")
            .status,
        400
    );
    let line = serving.line("unknown");
    assert!(
        line.contains("unknown in ") && line.contains("is not a setting of this program"),
        "{line}"
    );
    assert!(line.contains("\"Severity\":4"), "{line}");
}

#[test]
fn the_record_of_the_start_has_the_version_the_address_the_checks_and_the_settings() {
    let serving = serve(&[
        ("WORKERS", "3"),
        ("LOG_LEVEL", "info"),
        ("GREETING", "not shown"),
    ]);
    let line = serving.line("dockerflow.server");
    let record: Value = serde_json::from_str(&line).expect("JSON");
    let fields = &record["Fields"];
    assert_eq!(
        fields["msg"],
        format!("listening on http://127.0.0.1:{}", serving.port())
    );
    let version: Value = serde_json::from_str(
        &get(serving.address(), "/__version__")
            .expect("it serves")
            .body,
    )
    .expect("JSON");
    for key in ["source", "version", "commit", "build"] {
        assert_eq!(fields[key], version[key], "{key}: {line}");
    }
    let checks = fields["checks"].as_str().expect("text");
    assert!(
        checks.starts_with("always (tests/programs/process.rs:"),
        "{line}"
    );
    assert_eq!(fields["workers"], 3);
    let settings = fields["settings"].as_str().expect("text");
    for setting in ["PORT=0", "HOST=127.0.0.1", "WORKERS=3", "LOG_LEVEL=info"] {
        assert!(
            settings.split(' ').any(|one| one == setting),
            "{setting}: {settings}"
        );
    }
    assert!(!line.contains("not shown"), "{line}");
}

#[test]
fn a_port_in_use_is_exit_code_1_and_an_address_of_another_machine_2() {
    let (_listener, port) = listen();
    let port = port.to_string();
    for (host, code, expected) in [
        (
            "127.0.0.1",
            1,
            format!(
                "PORT: port {port} at 127.0.0.1 is already in use by another process; choose another port\n"
            ),
        ),
        (
            "192.0.2.1",
            2,
            format!(
                "HOST: cannot listen on 192.0.2.1:{port}: Cannot assign requested address (os error 99); \
                 choose an address of this machine\n"
            ),
        ),
    ] {
        let mut command = command();
        command.envs([("HOST", host), ("PORT", &port)]);
        let output = run(command);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert_eq!(stderr, expected);
        // The log, too, has the reason: pipelines drop lines that are not JSON.
        assert!(
            text(&output.stdout).contains(expected.trim_end()),
            "{}",
            text(&output.stdout)
        );
    }
}

#[test]
fn a_host_of_two_colons_serves_ipv6_and_ipv4() {
    if TcpListener::bind("[::1]:0").is_err() {
        return skip("this machine has no IPv6");
    }
    for host in ["::", "[::]"] {
        let serving = serve(&[("HOST", host)]);
        for address in [
            SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], serving.port())),
            serving.address(),
        ] {
            assert_eq!(
                get(address, "/").expect("it serves").status,
                200,
                "{address}"
            );
        }
        let mut probe = command();
        probe
            .arg("healthcheck")
            .envs([("HOST", host), ("PORT", &serving.port().to_string())]);
        assert!(run(probe).status.success());
    }
}

#[test]
fn the_workers_are_as_many_as_the_cpu_quota_allows() {
    let name = format!("dockerflow-{}", std::process::id());
    // Version 1 has its controllers in folders of their own.
    let first = Path::new("/sys/fs/cgroup/cpu");
    let (group, file, none, rest) = if first.is_dir() {
        (first.join(name), "cpu.cfs_quota_us", "-1", "")
    } else {
        (
            Path::new("/sys/fs/cgroup").join(name),
            "cpu.max",
            "max",
            " 100000",
        )
    };
    if fs::create_dir(&group).is_err() || !group.join(file).exists() {
        let _ = fs::remove_dir(&group);
        return skip("no group with a CPU quota can be made here");
    }
    let set = |quota: &str| fs::write(group.join(file), format!("{quota}{rest}")).expect("a quota");
    let mut counts = Vec::new();
    let all = thread::available_parallelism().expect("a count").get();
    for (quota, expected) in [(none, all), ("50000", 1), ("150000", 1), ("800000", all)] {
        set(quota);
        let mut command = Command::new("sh");
        let script = format!(
            "echo $$ > {}/cgroup.procs && exec {}",
            group.display(),
            program("process").display()
        );
        command.env_clear().args(["-c", &script]).envs([
            ("PORT", "0"),
            ("HOST", "127.0.0.1"),
            ("PATH", "/usr/bin:/bin"),
        ]);
        let serving = Process::start(command);
        let line = serving.line("dockerflow.server");
        let record: Value = serde_json::from_str(&line).expect("JSON");
        counts.push((
            quota,
            record["Fields"]["workers"].as_u64(),
            Some(expected as u64),
        ));
    }
    until("the group is empty", || fs::remove_dir(&group).is_ok());
    for (quota, found, expected) in counts {
        assert_eq!(found, expected, "with a quota of {quota} of 100000");
    }
}
