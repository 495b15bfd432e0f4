//! How a process ends: signals, requests that are cut off, flushes.

use std::{
    fs,
    io::Read as _,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{command, start};
use crate::support::{
    self, Process, Statsd, ended, exchange, program, signal, skip, unshare, until,
};

#[test]
fn each_request_that_is_cut_off_has_its_summary() {
    const REQUESTS: usize = 40;
    for signals in [1, 2] {
        let serving = start(
            "",
            &[("DOCKERFLOW_SHUTDOWN_TIMEOUT", "300ms"), ("WORKERS", "4")],
        );
        let mut connections: Vec<_> = (0..REQUESTS).map(|_| serving.connect()).collect();
        for connection in &mut connections {
            connection.ask("/slow").expect("it reads");
        }
        // What comes later on each worker has been answered: so the earlier ones are under way.
        for _ in 0..16 {
            assert_eq!(serving.get("/").status, 200);
        }
        for _ in 0..signals {
            serving.signal("INT");
            thread::sleep(Duration::from_millis(150));
        }
        let (status, lines) = serving.end();
        assert_eq!(status.code(), Some(0));
        let cut = lines
            .iter()
            .filter(|line| line.contains("\"code\":499"))
            .count();
        assert_eq!(cut, REQUESTS, "after {signals} signals: {lines:#?}");
    }
}

#[test]
fn a_longer_time_out_of_the_builder_has_no_effect_and_the_log_names_the_variable_that_has() {
    let serving = start("long time-out", &[("DOCKERFLOW_SHUTDOWN_TIMEOUT", "300ms")]);
    let mut connection = serving.connect();
    connection.ask("/slow").expect("it reads");
    assert_eq!(serving.get("/").status, 200);
    let began = Instant::now();
    serving.signal("TERM");
    let (status, lines) = serving.end();
    assert_eq!(status.code(), Some(0));
    let part = "requests in flight were cut off after 300ms: DOCKERFLOW_SHUTDOWN_TIMEOUT";
    assert!(lines.iter().any(|line| line.contains(part)), "{lines:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_signal_that_arrives_just_before_the_service_is_up_is_not_lost() {
    let (status, _log) = signalled_at_start("busy start", &["TERM"]);
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_server_of_the_programs_own_flushes_metrics_and_log_at_its_end() {
    let statsd = Statsd::listen();
    let port = statsd.port();
    let serving = start(
        "own HttpServer",
        &[("STATSD_HOST", "127.0.0.1"), ("STATSD_PORT", &port)],
    );
    assert_eq!(serving.get("/").status, 200);
    serving.signal("TERM");
    let (status, lines) = serving.end();
    assert_eq!(status.code(), Some(0));
    assert!(
        lines.iter().any(|line| line.contains("the last line")),
        "{lines:?}"
    );
    until("it is counted", || {
        let counted = |line: &String| line.starts_with("edges.stopped:1|c");
        statsd.lines().iter().any(counted)
    });
}

#[test]
fn each_signal_stops_in_its_way() {
    for (signal, name, delayed) in [
        ("TERM", "SIGTERM", true),
        ("HUP", "SIGHUP", true),
        ("INT", "SIGINT", false),
        ("QUIT", "SIGQUIT", false),
    ] {
        let serving = start("", &[("DOCKERFLOW_DRAIN_DELAY", "1s")]);
        let began = Instant::now();
        serving.signal(signal);
        let line = serving.line("draining for");
        assert!(line.contains(&format!("{name}: draining")), "{line}");
        let (status, lines) = serving.end();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(
            lines.iter().any(|line| line.contains("stopped")),
            "{lines:?}"
        );
        assert_eq!(
            began.elapsed() >= Duration::from_secs(1),
            delayed,
            "{signal}"
        );
    }
}

#[test]
fn a_hangup_that_nohup_has_switched_off_stops_nothing() {
    let mut command = Command::new("nohup");
    command.arg(program("edges")).env_clear();
    command.envs([("PORT", "0"), ("HOST", "127.0.0.1")]);
    let serving = Process::start(command);
    serving.signal("HUP");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(serving.get("/__lbheartbeat__").status, 200);
    serving.signal("TERM");
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn process_1_of_a_container_hears_every_signal() {
    let namespaces = unshare().args(["--pid", "--fork", "true"]).output();
    if !namespaces.is_ok_and(|output| output.status.success()) {
        return skip("this machine lets nobody make a PID namespace");
    }
    for signal in ["TERM", "HUP", "INT", "QUIT"] {
        let mut command = unshare();
        command
            .args(["--pid", "--fork", "--kill-child"])
            .arg(program("edges"));
        command.env_clear().envs([
            ("PORT", "0"),
            ("HOST", "127.0.0.1"),
            ("PATH", "/usr/bin:/bin:/usr/sbin:/sbin"),
        ]);
        let serving = Process::start(command);
        let children = format!("/proc/{0}/task/{0}/children", serving.id());
        let first = fs::read_to_string(children).expect("unshare has a child");
        let first = first.trim().parse().expect("one child");
        support::signal(first, signal);
        let (status, lines) = serving.end();
        assert_eq!(status.code(), Some(0), "{signal}: {lines:?}");
        assert!(
            lines
                .iter()
                .any(|line| line.contains(&format!("SIG{signal}: draining"))),
            "{lines:?}"
        );
    }
}

#[test]
fn a_route_may_stop_the_service() {
    let serving = start("", &[]);
    let answer = exchange(serving.address(), "POST", "/stop", "", "").expect("it serves");
    assert_eq!(answer.body, "stopping");
    let (status, lines) = serving.end();
    assert_eq!(status.code(), Some(0));
    assert!(
        lines
            .iter()
            .any(|line| line.contains("Drain::start: draining")),
        "{lines:?}"
    );
}

#[test]
fn a_stop_waits_for_a_task_that_holds_it_and_no_longer() {
    let serving = start("hold", &[]);
    let began = Instant::now();
    serving.signal("TERM");
    let (status, lines) = serving.end();
    assert_eq!(status.code(), Some(0));
    let at = |part: &str| lines.iter().position(|line| line.contains(part));
    assert!(at("the task has finished") < at("\"stopped\""), "{lines:?}");
    assert!(at("the task has finished").is_some(), "{lines:?}");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn each_signal_ends_a_service_that_is_not_up_yet_with_0() {
    for signal in ["TERM", "HUP", "INT", "QUIT"] {
        let (status, log) = signalled_at_start("slow start", &[signal]);
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(
            log.contains(&format!("stopped by SIG{signal} before the service was up")),
            "{log}"
        );
    }
}

#[test]
fn the_signal_that_raises_the_level_of_the_log_ends_neither_a_start_nor_a_command() {
    let (status, log) = signalled_at_start("slow start", &["USR1", "TERM"]);
    assert_eq!(status.code(), Some(0), "{status}: {log}");
    let mut migrate = command("", &[]);
    migrate.arg("migrate").stdout(Stdio::piped());
    let mut child = migrate.stderr(Stdio::null()).spawn().expect("it starts");
    let stdout = child.stdout.as_mut().expect("it is piped");
    let mut bytes = [0; 4];
    stdout.read_exact(&mut bytes).expect("it says what it does");
    signal(child.id(), "USR1");
    thread::sleep(Duration::from_millis(100));
    assert_eq!(child.try_wait().expect("it is a child"), None);
    signal(child.id(), "TERM");
    assert_eq!(ended(&mut child).code(), Some(1));
}

/// Starts the program, and sends it signals when it has said on stderr that it is not up yet. Returns how it ended, and its log.
fn signalled_at_start(case: &str, names: &[&str]) -> (ExitStatus, String) {
    let mut command = command(case, &[]);
    command.stderr(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut bytes = [0; 4];
    let stderr = child.stderr.as_mut().expect("it is piped");
    stderr.read_exact(&mut bytes).expect("it says so");
    for name in names {
        signal(child.id(), name);
    }
    let status = ended(&mut child);
    let mut log = String::new();
    let stdout = child.stdout.as_mut().expect("it is piped");
    stdout.read_to_string(&mut log).expect("text");
    (status, log)
}
