//! Programs and environments that are at odds with their server: service links, limits, panics, missing attributes.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::net::{UnixDatagram, UnixListener, UnixStream},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    PATIENCE, Process, Statsd, command_of, exchange, free_port, get, program, run, skip, text,
    until,
};

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

// The environment

#[test]
fn links_to_services_of_kubernetes_are_ignored_with_a_warning() {
    let serving = start(
        "",
        &[
            ("STATSD_PORT", "tcp://10.0.0.5:8125"),
            ("DOCKERFLOW_OPS_PORT", "udp://10.0.0.6:80"),
            ("DOCKERFLOW_DEMO_SERVICE_HOST", "10.0.0.7"),
            ("DOCKERFLOW_DEMO_PORT_80_TCP_ADDR", "10.0.0.7"),
        ],
    );
    for name in ["DOCKERFLOW_OPS_PORT", "STATSD_PORT"] {
        let line = serving.line("is ignored");
        assert!(
            line.contains(name) && line.contains("enableServiceLinks"),
            "{line}"
        );
    }
    assert!(!serving.line("listening on http").contains("10.0.0"));
    assert_eq!(serving.get("/").status, 200);
}

#[test]
fn a_misspelt_variable_is_a_warning_with_the_nearest_name() {
    let serving = start("", &[("DOCKERFLOW_SHUTDOWN_TIMOUT", "5s")]);
    serving.line(
        "unknown variable DOCKERFLOW_SHUTDOWN_TIMOUT: did you mean DOCKERFLOW_SHUTDOWN_TIMEOUT?",
    );
}

#[test]
fn a_host_that_a_shell_has_set_names_itself() {
    for host in ["x86_64-conda-linux-gnu", "laptop", "laptop.local"] {
        let output = ends("", &[("HOST", host)]);
        assert_refused(
            &output,
            &[
                &format!("HOST is {host:?}"),
                "an IP address",
                "some shells set HOST",
            ],
        );
    }
    let output = ends("", &[("HOST", "256.0.0.1")]);
    assert_refused(&output, &["HOST is \"256.0.0.1\", expected an IP address"]);
    assert!(!text(&output.stderr).contains("shells"));
}

// Workers

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

// Panics

#[test]
fn a_panic_at_start_is_on_stderr_whatever_the_level_of_the_log() {
    for (case, part) in [
        ("panic", "the program panics at start"),
        ("panic in the factory", "the factory panics"),
        ("logger", "a logger was already set"),
    ] {
        for level in ["info", "off"] {
            let output = ends(case, &[("LOG_LEVEL", level)]);
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

// A missing attribute

#[test]
fn an_app_without_the_attribute_does_not_start_and_says_what_to_write() {
    let output = ends("no service", &[]);
    assert_refused(
        &output,
        &[
            "the app has no #[dockerflow::service]",
            "write that over the function",
        ],
    );
    let output = ends("no service beside", &[("INTERNAL_PORT", "0")]);
    assert_refused(&output, &["the app INTERNAL has no #[dockerflow::service]"]);
}

// The health check

#[test]
fn a_wrong_argument_of_healthcheck_exits_with_1_as_docker_reserves_2() {
    for arguments in [&["healthcheck", "8000"][..], &["--port", "healthcheck"]] {
        let mut command = command("", &[]);
        command.args(arguments);
        let output = run(command);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains("the command line is"));
    }
}

#[test]
fn a_healthcheck_of_a_host_of_two_colons_asks_ipv4_where_there_is_no_ipv6() {
    // What listens on IPv4 alone looks like `::` in a container without IPv6.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener
        .local_addr()
        .expect("it is bound")
        .port()
        .to_string();
    for (status, code) in [
        ("200 OK", 0),
        ("200\r\n", 0),
        ("2000 OK", 1),
        ("204 No", 1),
        ("20", 1),
    ] {
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().expect("the probe comes");
                let mut bytes = [0; 1024];
                let count = stream.read(&mut bytes).expect("a request");
                assert!(bytes[..count].starts_with(b"GET /__lbheartbeat__ HTTP/1.1\r\n"));
                let answer = format!("HTTP/1.1 {status}\r\n\r\n");
                stream.write_all(answer.as_bytes()).expect("it reads");
            });
            let mut probe = command("", &[("HOST", "::"), ("PORT", &port)]);
            probe.arg("healthcheck");
            let output = run(probe);
            assert_eq!(output.status.code(), Some(code), "{status}: {output:?}");
        });
    }
}

// A Unix socket

/// Sends a request over a Unix socket, and returns the response.
fn ask(socket: &std::path::Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("it answers");
    response
}

/// A program on a Unix socket: it has no port to write to stderr.
struct OnSocket {
    child: std::process::Child,
    stdout: std::process::ChildStdout,
}

impl OnSocket {
    fn start(mut command: Command, socket: &std::path::Path) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = child.stdout.take().expect("it is piped");
        until("it listens", || UnixStream::connect(socket).is_ok());
        Self { child, stdout }
    }

    /// Stops it, and returns its exit code and its log.
    fn stop(mut self) -> (Option<i32>, String) {
        let kill = format!("kill -TERM {}", self.child.id());
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .expect("a shell");
        let mut log = String::new();
        self.stdout.read_to_string(&mut log).expect("text");
        (self.child.wait().expect("it ends").code(), log)
    }
}

#[test]
fn a_unix_socket_is_served_announced_probed_and_removed() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("app.sock");
    let host = format!("unix:{}", socket.display());
    // A killed process leaves its socket.
    drop(UnixListener::bind(&socket).expect("a new socket"));
    let serving = OnSocket::start(command("", &[("HOST", &host)]), &socket);
    assert!(ask(&socket, "/").ends_with("the app"));
    assert!(ask(&socket, "/__heartbeat__").starts_with("HTTP/1.1 200"));
    let probe = |host: &str| {
        let mut probe = command("", &[("HOST", host)]);
        probe.arg("healthcheck");
        run(probe)
    };
    assert_eq!(probe(&host).status.code(), Some(0));
    // A second one does not take the socket away.
    let second = ends("", &[("HOST", &host)]);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let expected = format!("cannot listen on {host}: ");
    assert!(text(&second.stderr).starts_with(&expected), "{second:?}");
    assert!(
        text(&second.stderr).contains("expected another HOST"),
        "{second:?}"
    );
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains(&format!("listening on {host}\"")), "{log}");
    assert!(!socket.exists(), "it is removed");
    let gone = probe(&host);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains(&host), "{gone:?}");
    // A file is not a socket.
    fs::write(&socket, "precious").expect("a free disk");
    let output = ends("", &[("HOST", &host)]);
    assert_refused(&output, &["not a socket"]);
    assert_eq!(
        fs::read_to_string(&socket).expect("it is there"),
        "precious"
    );
}

#[test]
fn a_socket_that_the_program_has_bound_itself_is_announced_as_what_it_is() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("own.sock");
    let path = socket.display().to_string();
    let serving = OnSocket::start(command("own socket", &[("SOCKET", &path)]), &socket);
    assert!(ask(&socket, "/").ends_with("the app"));
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains(&format!("listening on unix:{path}\"")),
        "{log}"
    );
    assert!(!log.contains("8080"), "{log}");
    // A program that binds an address itself cannot be moved to a socket.
    let output = ends("own address", &[("HOST", "unix:/tmp/x.sock")]);
    assert_refused(
        &output,
        &["HOST is \"unix:/tmp/x.sock\", expected an IP address"],
    );
}

// systemd

#[test]
fn systemd_hears_when_the_service_is_up_and_when_it_stops() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a new socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time");
    let receive = || {
        let mut bytes = [0; 64];
        let count = socket.recv(&mut bytes).expect("a state");
        text(&bytes[..count])
    };
    let serving = start("", &[("NOTIFY_SOCKET", &path.display().to_string())]);
    assert_eq!(receive(), "READY=1");
    assert_eq!(serving.get("/").status, 200);
    serving.signal("TERM");
    assert_eq!(receive(), "STOPPING=1");
    assert_eq!(serving.end().0.code(), Some(0));
}

// Times and limits of connections

#[test]
fn a_connection_is_kept_alive_as_long_as_the_variable_says() {
    for (time, open) in [("0", false), ("60s", true)] {
        let serving = start("", &[("DOCKERFLOW_KEEP_ALIVE", time)]);
        let mut connection = serving.connect();
        let first = connection.get("/").expect("it serves");
        assert_eq!(first.closes(), !open, "{time}");
    }
    // actix-web's own default is 5 s.
    let serving = start("", &[("DOCKERFLOW_KEEP_ALIVE", "1s")]);
    let mut connection = serving.connect();
    connection.get("/").expect("it serves");
    let began = Instant::now();
    let mut stream = connection.into_stream();
    assert_eq!(stream.read(&mut [0; 1]).expect("it closes"), 0);
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_client_that_never_ends_its_head_is_cut_off_after_the_time_of_the_variable() {
    let serving = start("", &[("DOCKERFLOW_CLIENT_REQUEST_TIMEOUT", "500ms")]);
    let mut stream = TcpStream::connect(serving.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    let began = Instant::now();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: ")
        .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it closes");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_worker_accepts_as_many_connections_as_the_variable_says() {
    let serving = start(
        "",
        &[
            ("WORKERS", "1"),
            ("DOCKERFLOW_MAX_CONNECTIONS", "2"),
            ("DOCKERFLOW_KEEP_ALIVE", "60s"),
        ],
    );
    let mut first = serving.connect();
    let mut second = serving.connect();
    first.get("/").expect("it serves");
    second.get("/").expect("it serves");
    let mut third = serving.connect();
    third.ask("/").expect("the system accepts");
    thread::sleep(Duration::from_millis(300));
    drop(first);
    drop(second);
    assert_eq!(third.answer().expect("it serves").status, 200);
}

// What proxies and clients see

#[test]
fn the_request_id_of_an_upstream_is_kept() {
    let serving = start("", &[]);
    let own = serving.get("/upstream");
    assert_eq!(own.header("x-request-id"), Some("the-id-of-an-upstream"));
    assert!(serving.get("/").header("x-request-id").is_some());
}

#[test]
fn a_handshake_in_the_drain_has_the_connection_header_that_clients_accept() {
    let serving = start("", &[("DOCKERFLOW_DRAIN_DELAY", "30s")]);
    let handshake = |serving: &Process| {
        let mut connection = serving.connect();
        let headers = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        connection.ask_with("/ws", headers).expect("it reads");
        connection.answer().expect("it answers")
    };
    let before = handshake(&serving);
    serving.signal("TERM");
    until("it drains", || serving.get("/__heartbeat__").status == 503);
    let during = handshake(&serving);
    for answer in [before, during] {
        assert_eq!(answer.status, 101);
        let connection = answer.header("connection").expect("it is there");
        assert!(connection.eq_ignore_ascii_case("upgrade"), "{connection}");
    }
    assert!(serving.get("/").closes(), "other connections close");
}

// The end

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
fn a_stop_waits_two_seconds_at_most_for_a_stdout_that_nobody_reads() {
    let mut serving = Process::start_unread(
        command("", &[("DOCKERFLOW_SHUTDOWN_TIMEOUT", "1s")]),
        Stdio::piped(),
    );
    let _stdout = serving.stdout();
    // More lines than a pipe holds.
    let mut connection = serving.connect();
    for _ in 0..1000 {
        assert_eq!(connection.get("/").expect("it serves").status, 200);
    }
    drop(connection);
    let began = Instant::now();
    assert_eq!(serving.stop().code(), Some(0));
    // No delay, a poll of actix-web's workers of at most a second, one flush of 2 s.
    assert!(
        began.elapsed() < Duration::from_millis(3_700),
        "{:?}",
        began.elapsed()
    );
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
    let namespaces = Command::new("unshare")
        .args(["--pid", "--fork", "true"])
        .output();
    if !namespaces.is_ok_and(|output| output.status.success()) {
        return skip("this machine lets nobody make a PID namespace");
    }
    for signal in ["TERM", "HUP", "INT", "QUIT"] {
        let mut command = Command::new("unshare");
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
        let kill = format!("kill -{signal} {first}");
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .expect("a shell")
                .success()
        );
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

// Two addresses

#[test]
fn the_port_for_operations_answers_our_endpoints_and_nothing_else() {
    let port = free_port().to_string();
    let serving = start("", &[("DOCKERFLOW_OPS_PORT", &port), ("WORKERS", "2")]);
    let ops = ([127, 0, 0, 1], port.parse().expect("a port")).into();
    for path in ["/__version__", "/__lbheartbeat__", "/__heartbeat__"] {
        assert_eq!(get(ops, path).expect("it listens").status, 200, "{path}");
        assert_eq!(serving.get(path).status, 200, "{path}");
    }
    for path in ["/", "/upstream", "/nowhere", "/__nothing__", "//", "/%2f"] {
        assert_eq!(get(ops, path).expect("it listens").status, 404, "{path}");
    }
    assert_eq!(serving.get("/").body, "the app");
    // Checks have the state of the app, on every worker of either port.
    for _ in 0..8 {
        assert_eq!(
            get(ops, "/__heartbeat__").expect("it listens").json()["status"],
            "ok"
        );
    }
    // The plain port is what a HEALTHCHECK asks of a service that speaks TLS on the other.
    let mut probe = command("", &[("PORT", "1"), ("DOCKERFLOW_OPS_PORT", &port)]);
    probe.arg("healthcheck");
    assert_eq!(run(probe).status.code(), Some(0));
    let record: Value = serde_json::from_str(&serving.line("listening on http")).expect("JSON");
    assert!(
        record
            .to_string()
            .contains(&format!("http://127.0.0.1:{port} (DOCKERFLOW_OPS)"))
    );
    assert_eq!(record["Fields"]["workers"].as_u64(), Some(2));
    serving.signal("TERM");
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn another_app_has_its_own_address_and_checks_and_drains_with_the_first() {
    let port = free_port().to_string();
    let serving = start(
        "also",
        &[
            ("INTERNAL_PORT", &port),
            ("INTERNAL_HOST", "127.0.0.1"),
            ("DOCKERFLOW_DRAIN_DELAY", "1s"),
        ],
    );
    let internal = ([127, 0, 0, 1], port.parse().expect("a port")).into();
    assert_eq!(
        get(internal, "/").expect("it listens").body,
        "the internal app"
    );
    assert_eq!(serving.get("/").body, "the app");
    let checks = |answer: crate::support::Response| answer.json()["checks"].clone();
    assert_eq!(
        checks(get(internal, "/__heartbeat__").expect("it listens")),
        serde_json::json!({})
    );
    assert_eq!(
        checks(serving.get("/__heartbeat__")),
        serde_json::json!({"shared_state": "ok"})
    );
    let line = serving.line("listening on http");
    assert!(
        line.contains(&format!("http://127.0.0.1:{port} (INTERNAL)")),
        "{line}"
    );
    serving.signal("TERM");
    until("both drain", || {
        let first = serving.get("/__heartbeat__").status;
        let second = get(internal, "/__heartbeat__")
            .expect("it still listens")
            .status;
        (first, second) == (503, 503)
    });
    let (status, lines) = serving.end();
    assert_eq!(status.code(), Some(0));
    for part in ["draining for", "\"stopped\""] {
        assert_eq!(
            lines.iter().filter(|line| line.contains(part)).count(),
            1,
            "{lines:?}"
        );
    }
}

#[test]
fn the_address_of_another_app_must_be_set_and_its_name_be_free() {
    let output = ends("also", &[]);
    assert_refused(
        &output,
        &["INTERNAL_PORT: expected the port of another app"],
    );
    let output = ends("also", &[("INTERNAL_PORT", "http")]);
    assert_refused(
        &output,
        &["INTERNAL_PORT is \"http\", expected a port from 0 to 65535"],
    );
    let output = ends("also", &[("INTERNAL_PORT", "tcp://10.0.0.5:80")]);
    assert_refused(
        &output,
        &["INTERNAL_PORT: expected the port of another app"],
    );
    for name in ["STATSD", "DOCKERFLOW_OPS", "internal", ""] {
        let output = ends("also", &[("ALSO", name), ("INTERNAL_PORT", "0")]);
        assert_refused(&output, &[&format!("Server::also is {name:?}")]);
    }
}

// Commands

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
