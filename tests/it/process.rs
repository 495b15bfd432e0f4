//! A process from start to end: its settings, its faults, its commands, its signals. Every test has a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::{ffi::OsStringExt as _, fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// The program: `examples/process.rs`, made once if `cargo test` did not make it.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", "process"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(
            status.expect("cargo runs").success(),
            "the example does not build"
        );
        let tests = std::env::current_exe().expect("this test's path");
        let profile = tests
            .ancestors()
            .nth(2)
            .expect("target/<profile>/deps/<test>");
        profile.join("examples/process")
    })
}

/// The program with an empty environment.
fn command() -> Command {
    let mut command = Command::new(program());
    command.env_clear().stdin(Stdio::null());
    command
}

/// Runs a program that ends by itself.
fn run(mut command: Command) -> Output {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let began = Instant::now();
    while child.try_wait().expect("it is a child").is_none() {
        if began.elapsed() > LONG {
            child.kill().expect("it is a child");
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().expect("it has ended");
    assert!(
        output.status.code().is_some(),
        "it did not end by itself: {output:?}"
    );
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A program that serves, on a port of its own choice.
struct Serving {
    child: Child,
    port: u16,
    stdout: mpsc::Receiver<String>,
}

impl Serving {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = command();
        command.envs([("PORT", "0"), ("HOST", "127.0.0.1")]);
        command.envs(variables.iter().copied());
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = lines(child.stdout.take().expect("it is piped"));
        let stderr = lines(child.stderr.take().expect("it is piped"));
        let line = stderr.recv_timeout(LONG).expect("it tells its port");
        let port = line.rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("no port in {line:?}"));
        Self {
            child,
            port,
            stdout,
        }
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        // It may be gone by now, which is what a signal is for.
        Command::new("sh")
            .args(["-c", &kill])
            .stderr(Stdio::null())
            .status()
            .expect("sh runs");
    }

    /// The first line on stdout from here on that has `part`.
    fn line(&self, part: &str) -> String {
        let began = Instant::now();
        loop {
            let left = LONG.saturating_sub(began.elapsed());
            let line = self.stdout.recv_timeout(left);
            let line = line.unwrap_or_else(|error| panic!("no line with {part:?}: {error}"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Signals until it has ended.
    fn insist(&mut self) {
        until("it ends", || {
            self.signal("TERM");
            thread::sleep(Duration::from_millis(20));
            self.child.try_wait().expect("it is a child").is_some()
        });
    }

    /// How it ended, and what was left on its stdout.
    fn end(mut self) -> (ExitStatus, Vec<String>) {
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("it is a child") {
                Some(status) => break status,
                None if began.elapsed() > LONG => panic!("it does not end"),
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        (status, self.stdout.iter().collect())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Longer than anything here may take.
const LONG: Duration = Duration::from_secs(60);

fn lines(stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Not every test reads all that is said.
            let _ = send.send(line);
        }
    });
    receive
}

/// A connection that is kept alive.
struct Connection {
    stream: BufReader<TcpStream>,
}

/// A response.
struct Answer {
    status: u16,
    closes: bool,
    body: String,
}

impl Connection {
    fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(LONG))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    fn get(&mut self, path: &str) -> std::io::Result<Answer> {
        self.ask(path)?;
        self.answer()
    }

    fn ask(&mut self, path: &str) -> std::io::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())
    }

    fn answer(&mut self) -> std::io::Result<Answer> {
        let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut answer = Answer {
            status: status.ok_or_else(broken)?,
            closes: false,
            body: String::new(),
        };
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().map_err(|_| broken())?,
                Some(("connection", value)) => answer.closes = value == "close",
                Some(_) => {}
                None if line.is_empty() => break,
                None => return Err(broken()),
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        answer.body = text(&body);
        Ok(answer)
    }
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<Answer> {
    Connection::open(address)?.get(path)
}

/// Polls `condition` until it holds.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LONG, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn is_root() -> bool {
    let own = fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own));
    own.is_ok_and(|uid| uid == 0)
}

/// A test that this machine cannot run says so; in CI that is a failure.
fn skip(reason: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "in CI nothing is skipped: {reason}"
    );
    eprintln!("SKIPPED: {reason}");
}

// Bad settings

/// Every variable of the runtime and values that it cannot have.
const BAD: &[(&str, &[&str])] = &[
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
    ("WORKERS", &[" ", "-1", "0", "1025", "2s", "many"]),
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
    ("DOCKERFLOW_REQUEST_ID_HEADER_NAME", &[" ", "a b", "x:y"]),
    ("LOG_LEVEL", &[" ", "-1", "loud", "sqlx=loud"]),
    ("LOG_FORMAT", &[" ", "-1", "xml"]),
    ("STATSD_HOST", &[" ", "a b", "http://x", "x:8125"]),
    ("STATSD_PORT", &[" ", "-1", "0", "65536", "8125s"]),
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
        let told = text(&output.stderr) + &text(&output.stdout);
        assert!(told.contains(&format!("{name}: expected ")), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
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
        let told = stderr.lines().filter(|line| {
            [" is ", ": "]
                .iter()
                .any(|then| line.starts_with(&format!("{name}{then}")))
        });
        assert_eq!(told.count(), 1, "{name}: {stderr}");
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let empty: Vec<_> = BAD.iter().map(|(name, _)| (*name, "")).collect();
    let empty = empty
        .iter()
        .filter(|(name, _)| !["PORT", "HOST"].contains(name));
    let serving = Serving::start(&empty.copied().collect::<Vec<_>>());
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
    fs::copy(program(), &copy).expect("a copy");
    let mut command = Command::new(&copy);
    command
        .env_clear()
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
        lines[0].starts_with(&format!("{}: expected TOML", broken.display())),
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
fn a_wrong_command_line_is_exit_code_2_and_names_the_commands() {
    let mut command = command();
    command.arg("start");
    let output = run(command);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "the command line is \"start\", expected serve, version, healthcheck, --help or nothing\n"
    );
}

// Start

#[test]
fn settings_come_from_files_and_the_environment_has_the_last_word() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(
        directory.path().join("a.toml"),
        "greeting = \"from a file\"\nunknown = 1\n[limits]\nslowest = 1",
    )
    .expect("a file");
    let path = directory.path().to_str().expect("text");
    let serving = Serving::start(&[("CONFIG_PATH", path), ("LIMITS__SLOWEST", "50")]);
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
        line.contains("unknown in ") && line.contains("means nothing to this program"),
        "{line}"
    );
    assert!(line.contains("\"Severity\":4"), "{line}");
}

#[test]
fn the_record_of_the_start_has_the_version_the_address_the_checks_and_the_settings() {
    let serving = Serving::start(&[
        ("WORKERS", "3"),
        ("LOG_LEVEL", "info"),
        ("GREETING", "not told"),
    ]);
    let line = serving.line("dockerflow.server");
    let record: Value = serde_json::from_str(&line).expect("JSON");
    let fields = &record["Fields"];
    assert_eq!(
        fields["msg"],
        format!("listening on http://127.0.0.1:{}", serving.port)
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
    assert_eq!(fields["checks"], "always");
    assert_eq!(fields["workers"], 3);
    let settings = fields["settings"].as_str().expect("text");
    for setting in ["PORT=0", "HOST=127.0.0.1", "WORKERS=3", "LOG_LEVEL=info"] {
        assert!(
            settings.split(' ').any(|one| one == setting),
            "{setting}: {settings}"
        );
    }
    assert!(!line.contains("not told"), "{line}");
}

#[test]
fn a_port_in_use_is_exit_code_1_and_an_address_of_another_machine_2() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener
        .local_addr()
        .expect("it is bound")
        .port()
        .to_string();
    for (host, code, expected) in [
        (
            "127.0.0.1",
            1,
            "another process does; expected another PORT",
        ),
        (
            "192.0.2.1",
            2,
            "expected a HOST that is an address of this machine",
        ),
    ] {
        let mut command = command();
        command.envs([("HOST", host), ("PORT", &port)]);
        let output = run(command);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(
            stderr.starts_with(&format!("cannot listen on {host}:{port}: ")),
            "{stderr}"
        );
        assert!(stderr.contains(expected), "{stderr}");
        // The log, too, has the reason: pipelines drop what is no JSON.
        assert!(
            text(&output.stdout).contains("cannot listen on"),
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
        let serving = Serving::start(&[("HOST", host)]);
        for address in [
            SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], serving.port)),
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
            .envs([("HOST", host), ("PORT", &serving.port.to_string())]);
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
    let mut told = Vec::new();
    let all = thread::available_parallelism().expect("a count").get();
    for (quota, expected) in [(none, all), ("50000", 1), ("150000", 1), ("800000", all)] {
        set(quota);
        let mut command = Command::new("sh");
        let script = format!(
            "echo $$ > {}/cgroup.procs && exec {}",
            group.display(),
            program().display()
        );
        command.env_clear().args(["-c", &script]).envs([
            ("PORT", "0"),
            ("HOST", "127.0.0.1"),
            ("PATH", "/usr/bin:/bin"),
        ]);
        let serving = Serving::of(command);
        let line = serving.line("dockerflow.server");
        let record: Value = serde_json::from_str(&line).expect("JSON");
        told.push((
            quota,
            record["Fields"]["workers"].as_u64(),
            Some(expected as u64),
        ));
    }
    until("the group is empty", || fs::remove_dir(&group).is_ok());
    for (quota, found, expected) in told {
        assert_eq!(found, expected, "with a quota of {quota} of 100000");
    }
}

// The program's own commands

#[test]
fn the_version_is_the_object_that_the_endpoint_answers() {
    let mut version = command();
    version.arg("version");
    let output = run(version);
    assert!(output.status.success());
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let serving = Serving::start(&[]);
    let answered = get(serving.address(), "/__version__")
        .expect("it serves")
        .body;
    assert_eq!(
        printed,
        serde_json::from_str::<Value>(&answered).expect("JSON")
    );
}

#[test]
fn help_names_every_command_and_variable() {
    let mut help = command();
    help.arg("--help");
    let output = run(help);
    assert!(output.status.success());
    let text = text(&output.stdout);
    for command in ["serve", "version", "healthcheck", "help"] {
        assert!(text.contains(&format!("\n  {command} ")), "{text}");
    }
    for (name, _) in BAD.iter().filter(|(name, _)| !name.starts_with("LIMITS")) {
        assert!(text.contains(&format!("\n  {name}\n")), "{name}");
    }
}

#[test]
fn a_healthcheck_is_0_where_the_service_lives_and_1_within_a_second_where_not() {
    let probe = |port: &str| {
        let mut probe = command();
        probe.arg("healthcheck").env("PORT", port);
        let began = Instant::now();
        let output = run(probe);
        assert_eq!(output.stdout, b"", "it starts no server");
        (output.status.code(), text(&output.stderr), began.elapsed())
    };
    let serving = Serving::start(&[]);
    let port = serving.port.to_string();
    assert_eq!(probe(&port).0, Some(0));
    drop(serving);
    let (code, stderr, _) = probe(&port);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("Connection refused"), "{stderr}");
    // One that accepts and never answers, one that answers a byte at a time, one that is no service, one that fails.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    for (answer, pause, expected) in [
        ("", 0, "timed out"),
        ("HTTP/1.1 200 OK\r\n\r\n", 200, "timed out"),
        ("SSH-2.0\r\n", 0, "expected 200"),
        ("HTTP/1.1 500 Internal\r\n\r\n", 0, "answered \"500\""),
    ] {
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = silent.accept().expect("the probe comes");
                let mut request =
                    BufReader::new(stream.try_clone().expect("a second handle")).lines();
                while request
                    .next()
                    .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
                {}
                for byte in answer.bytes() {
                    if stream.write_all(&[byte]).is_err() {
                        break;
                    }
                    thread::sleep(Duration::from_millis(pause));
                }
                if !answer.is_empty() && pause == 0 {
                    return;
                }
                let _ = stream.read_to_end(&mut Vec::new());
            });
            let port = silent.local_addr().expect("it is bound").port().to_string();
            let (code, stderr, took) = probe(&port);
            assert_eq!(code, Some(1), "{stderr}");
            assert!(stderr.contains(expected), "{expected}: {stderr}");
            assert!(took < Duration::from_millis(1500), "{took:?}"); // a second, and a busy machine's start of a process
        });
    }
    for (port, expected) in [("nowhere", "PORT is \"nowhere\""), ("0", "PORT is \"0\"")] {
        let (code, stderr, _) = probe(port);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
}

// The end

/// Ends the load, after a failed assertion too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "it is one story, told in its order")]
fn a_drain_under_load_loses_no_request_until_the_listener_closes() {
    const CLIENTS: usize = 64;
    let statsd = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = statsd.local_addr().expect("it is bound").port().to_string();
    let serving = Serving::start(&[
        ("DOCKERFLOW_DRAIN_DELAY", "2s"),
        ("STATSD_HOST", "127.0.0.1"),
        ("STATSD_PORT", &port),
    ]);
    let address = serving.address();
    let metrics = Statsd::listen(statsd);
    let (stop, answered, failed) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    let told = thread::scope(|scope| {
        let load = Stop(&stop);
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut connection = None;
                while !stop.load(Ordering::Relaxed) {
                    let result = match connection.take() {
                        Some(open) => Ok(open),
                        None => Connection::open(address),
                    };
                    let result = result.and_then(|mut open: Connection| Ok((open.get("/")?, open)));
                    match result {
                        Ok((answer, open)) if answer.status == 200 => {
                            answered.fetch_add(1, Ordering::Relaxed);
                            connection = (!answer.closes).then_some(open);
                        }
                        Ok(_) | Err(_) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    thread::sleep(Duration::from_millis(5));
                }
            });
        }
        until("every client is at work", || {
            answered.load(Ordering::Relaxed) > 5 * CLIENTS
        });
        // One that is answered after the listener has closed.
        let mut slow = Connection::open(address).expect("it serves");
        slow.ask("/slow/3000").expect("it reads");
        assert_eq!(
            get(address, "/__heartbeat__").expect("it serves").status,
            200
        );
        let told = Instant::now();
        serving.signal("TERM");
        until("the heartbeat fails", || {
            get(address, "/__heartbeat__").expect("it serves").status == 503
        });
        let first = told.elapsed();
        assert!(
            first < Duration::from_millis(100),
            "the first 503 came after {first:?}"
        );
        let heartbeat = get(address, "/__heartbeat__").expect("it serves");
        assert_eq!(
            heartbeat.body,
            r#"{"status":"error","checks":{"draining":"error"},"details":{}}"#
        );
        let mut kept = Connection::open(address).expect("it still accepts");
        let balancer = kept.get("/__lbheartbeat__").expect("it serves");
        assert_eq!((balancer.status, balancer.closes), (200, true));
        let before = answered.load(Ordering::Relaxed);
        while told.elapsed() < Duration::from_millis(1800) {
            assert_eq!(get(address, "/").expect("it still accepts").status, 200);
            thread::sleep(Duration::from_millis(10));
        }
        drop(load);
        assert!(
            answered.load(Ordering::Relaxed) > before + CLIENTS,
            "the load went on"
        );
        let slow = slow.answer().expect("what is in flight is finished");
        assert_eq!((slow.status, slow.body.as_str()), (200, "3000 ms later"));
        assert!(
            told.elapsed() > Duration::from_secs(2),
            "the listener had closed"
        );
        assert!(
            TcpStream::connect(address).is_err(),
            "the listener is closed"
        );
        told
    });
    assert_eq!(
        failed.load(Ordering::Relaxed),
        0,
        "of {}",
        answered.load(Ordering::Relaxed)
    );
    let (status, stdout) = serving.end();
    assert_eq!(status.code(), Some(0));
    assert!(
        told.elapsed() < Duration::from_secs(20),
        "{:?}",
        told.elapsed()
    );
    let last: Value = serde_json::from_str(stdout.last().expect("a last line")).expect("JSON");
    assert_eq!(last["Fields"]["msg"], "stopped");
    let slow = "process.request:1|c|#method:GET,route:/slow/{milliseconds},status:2xx";
    until("the last metric is there", || {
        metrics.lines().iter().any(|line| line == slow)
    });
}

#[test]
fn a_heartbeat_that_fails_because_of_the_drain_alarms_nobody() {
    let mut serving = Serving::start(&[("DOCKERFLOW_DRAIN_DELAY", "1h")]);
    serving.signal("TERM");
    serving.line("draining");
    let heartbeat = get(serving.address(), "/__heartbeat__").expect("it serves");
    assert_eq!(heartbeat.status, 503);
    let line = serving.line("/__heartbeat__");
    let record: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(record["Severity"], 6, "{line}");
    assert_eq!(record["Fields"]["code"], 503, "{line}");
    serving.insist();
}

#[test]
fn an_interrupt_drains_without_delay() {
    let serving = Serving::start(&[("DOCKERFLOW_DRAIN_DELAY", "1h")]);
    let mut slow = Connection::open(serving.address()).expect("it serves");
    slow.ask("/slow/300").expect("it reads");
    assert_eq!(get(serving.address(), "/").expect("it serves").status, 200); // the slow one has been read by then
    serving.signal("INT");
    assert_eq!(
        slow.answer().expect("what is in flight is finished").status,
        200
    );
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn a_second_signal_stops_at_once_in_the_delay_and_after_it() {
    for delay in ["1h", "0"] {
        let mut serving = Serving::start(&[
            ("DOCKERFLOW_DRAIN_DELAY", delay),
            ("DOCKERFLOW_SHUTDOWN_TIMEOUT", "1h"),
        ]);
        let mut slow = Connection::open(serving.address()).expect("it serves");
        slow.ask("/slow/60000").expect("it reads");
        assert_eq!(get(serving.address(), "/").expect("it serves").status, 200);
        serving.signal("TERM");
        serving.line("draining");
        let told = Instant::now();
        serving.insist();
        let (status, stdout) = serving.end();
        assert!(
            told.elapsed() < Duration::from_secs(5),
            "{:?}",
            told.elapsed()
        );
        assert_eq!(status.code(), Some(0), "{delay}");
        assert!(
            stdout.iter().any(|line| line.contains("the second signal")),
            "{stdout:?}"
        );
    }
}

#[test]
fn requests_that_outlast_the_shutdown_timeout_are_cut_off() {
    let serving = Serving::start(&[
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
        ("DOCKERFLOW_SHUTDOWN_TIMEOUT", "200ms"),
    ]);
    let mut slow = Connection::open(serving.address()).expect("it serves");
    slow.ask("/slow/60000").expect("it reads");
    assert_eq!(get(serving.address(), "/").expect("it serves").status, 200);
    let told = Instant::now();
    serving.signal("TERM");
    let (status, stdout) = serving.end();
    assert!(
        told.elapsed() >= Duration::from_millis(200),
        "{:?}",
        told.elapsed()
    );
    assert!(
        told.elapsed() < Duration::from_secs(5),
        "{:?}",
        told.elapsed()
    );
    assert_eq!(status.code(), Some(0));
    assert!(
        stdout
            .iter()
            .any(|line| line.contains("were cut off after 200ms")),
        "{stdout:?}"
    );
}

// Metrics

/// What a statsd server has heard.
struct Statsd(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl Statsd {
    fn listen(socket: UdpSocket) -> Self {
        let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = heard.clone();
        thread::spawn(move || {
            let mut datagram = vec![0; 65_536];
            while let Ok(length) = socket.recv(&mut datagram) {
                assert!(
                    length <= 1432,
                    "{length} bytes do not fit an Ethernet frame"
                );
                let text = text(&datagram[..length]);
                sink.lock()
                    .expect("no panic")
                    .extend(text.lines().map(ToOwned::to_owned));
            }
        });
        Self(heard)
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }

    /// Names with type and tags, without values, once each.
    fn series(&self) -> Vec<String> {
        let mut series: Vec<_> = self
            .lines()
            .iter()
            .filter_map(|line| {
                let (name, rest) = line.split_once(':')?;
                let (_, kind) = rest.split_once('|')?;
                Some(format!("{name}|{kind}"))
            })
            .collect();
        series.sort();
        series.dedup();
        series
    }
}

#[test]
fn a_statsd_server_hears_every_metric_that_is_documented() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("it is bound").port().to_string();
    let statsd = Statsd::listen(socket);
    let mut serving = Serving::start(&[
        ("STATSD_HOST", "localhost"),
        ("STATSD_PORT", &port),
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
    ]);
    let address = serving.address();
    for path in [
        "/",
        "/slow/1",
        "/missing",
        "/count/a",
        "/__heartbeat__",
        "/__version__",
    ] {
        get(address, path).expect("it serves");
    }
    let expected = [
        "process.counted|c|#what:a",
        "process.health_check|ms|#check:always,status:ok",
        "process.heartbeat.pass|c",
        "process.request.in_flight|g",
        "process.request|c|#method:GET,route:/,status:2xx",
        "process.request|c|#method:GET,route:/count/{what},status:2xx",
        "process.request|c|#method:GET,route:/slow/{milliseconds},status:2xx",
        "process.request|c|#method:GET,route:unmatched,status:4xx",
        "process.request|ms|#method:GET,route:/,status:2xx",
        "process.request|ms|#method:GET,route:/count/{what},status:2xx",
        "process.request|ms|#method:GET,route:/slow/{milliseconds},status:2xx",
        "process.request|ms|#method:GET,route:unmatched,status:4xx",
    ];
    until("all are there", || statsd.series().len() >= expected.len());
    assert_eq!(statsd.series(), expected, "probes are no requests");

    // While a request is under way, it is in flight; one that is given up is not.
    let mut slow = Connection::open(address).expect("it serves");
    slow.ask("/slow/60000").expect("it reads");
    let has = |line: &str| statsd.lines().iter().any(|heard| heard == line);
    until("it is in flight", || has("process.request.in_flight:1|g"));
    serving.insist();
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn ten_thousand_random_paths_and_methods_make_at_most_two_new_series() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("it is bound").port().to_string();
    let statsd = Statsd::listen(socket);
    let serving = Serving::start(&[
        ("STATSD_HOST", "127.0.0.1"),
        ("STATSD_PORT", &port),
        ("LOG_LEVEL", "error"),
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
    ]);
    let mut connection = Connection::open(serving.address()).expect("it serves");
    let mut seed: u64 = 42;
    for _ in 0..10_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let path = format!(
            "/{:x}/{:x}?{:x}",
            seed >> 40,
            seed >> 20 & 0xff_ffff,
            seed & 0xfff
        );
        assert_eq!(connection.get(&path).expect("it serves").status, 404);
    }
    serving.signal("TERM");
    assert_eq!(serving.end().0.code(), Some(0));
    // What overtakes nothing on this machine comes last. A full buffer loses datagrams, but never a whole series of 10,000.
    let marker = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    marker
        .send_to(
            b"end:1|c",
            ("127.0.0.1", port.parse::<u16>().expect("a port")),
        )
        .expect("loopback");
    until("the end is heard", || {
        statsd.lines().iter().any(|line| line == "end:1|c")
    });
    let ours = |series: &String| series.starts_with("process.request|");
    let series: Vec<_> = statsd.series().into_iter().filter(ours).collect();
    assert_eq!(
        series,
        [
            "process.request|c|#method:GET,route:unmatched,status:4xx",
            "process.request|ms|#method:GET,route:unmatched,status:4xx",
        ]
    );
}

#[test]
fn a_statsd_server_that_is_not_there_or_not_found_slows_no_request() {
    for host in ["127.0.0.1", "nowhere.invalid"] {
        let serving = Serving::start(&[
            ("STATSD_HOST", host),
            ("STATSD_PORT", "9"),
            ("DOCKERFLOW_DRAIN_DELAY", "0"),
        ]);
        let mut connection = Connection::open(serving.address()).expect("it serves");
        let mut slowest = Duration::ZERO;
        for _ in 0..500 {
            let began = Instant::now();
            assert_eq!(connection.get("/").expect("it serves").status, 200);
            slowest = slowest.max(began.elapsed());
        }
        assert!(slowest < Duration::from_secs(1), "{host}: {slowest:?}"); // a resolver gives up after 5 s
        if host != "127.0.0.1" {
            let line = serving.line("dockerflow.metrics");
            assert!(
                line.contains("nowhere.invalid:9 is not found and will be looked for again"),
                "{line}"
            );
        }
        serving.signal("TERM");
        assert_eq!(serving.end().0.code(), Some(0), "{host}");
    }
}
