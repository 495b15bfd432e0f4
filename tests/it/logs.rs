//! The log of a real process, as whoever reads its stdout sees it.

mod drain;
mod schema;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use schema::{Line, validate};

const PATIENCE: Duration = Duration::from_secs(30);

/// The program: `examples/logs.rs`, made here if `cargo test` did not make it.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", "logs"]);
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
        profile.join("examples/logs")
    })
}

fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    command.envs([
        ("PORT", "0"),
        ("HOST", "127.0.0.1"),
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
    ]);
    command.envs(variables.iter().copied());
    command
}

/// A process that serves, with its stdout not yet read.
struct Served {
    child: Child,
    address: SocketAddr,
    complaints: Arc<Mutex<String>>,
}

impl Served {
    fn start(variables: &[(&str, &str)], stdout: Stdio) -> Self {
        let mut child = command(variables)
            .stdout(stdout)
            .spawn()
            .expect("the example starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("stderr is text");
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .map(str::parse);
        let Some(Ok(address)) = address else {
            panic!("not where it listens: {line}");
        };
        let complaints = Arc::new(Mutex::new(String::new()));
        let shared = complaints.clone();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut complaints = shared.lock().expect("nobody panics with it");
                complaints.push_str(&line);
                complaints.push('\n');
            }
        });
        Self {
            child,
            address,
            complaints,
        }
    }

    fn stdout(&mut self) -> ChildStdout {
        self.child
            .stdout
            .take()
            .expect("stdout is piped, and asked for once")
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time above zero");
        stream.set_nodelay(true).expect("it is TCP");
        stream
    }

    fn get(&self, path: &str, headers: &str) -> (u16, String) {
        get(&mut self.connect(), path, headers)
    }

    /// SIGTERM, and how the process ends.
    fn stop(mut self) -> ExitStatus {
        // A shell has its own: a small image has no program of that name.
        let kill = format!("kill -TERM {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.expect("there is a shell").success());
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status, and all that was answered, on a connection that may be used again.
fn get(stream: &mut TcpStream, path: &str, headers: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test.example\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let response = response(stream).expect("it answers");
    let status = response.get(9..12).and_then(|status| status.parse().ok());
    (status.expect("a status line"), response)
}

/// A response that has a length; `None` where the connection ended before.
fn response(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let done = match length {
                Some(length) => body.len() >= length.parse::<usize>().expect("a number"),
                None => body.ends_with("0\r\n\r\n"),
            };
            if done {
                return Some(text);
            }
        }
        match stream.read(&mut part).expect("it answers in time") {
            0 => return None,
            length => bytes.extend_from_slice(&part[..length]),
        }
    }
}

/// Every line that there is until the process ends, each valid.
fn lines(stdout: impl std::io::Read) -> Vec<Line> {
    let valid = |line: std::io::Result<Vec<u8>>| {
        let line = line.expect("stdout can be read");
        validate(&line)
            .unwrap_or_else(|fault| panic!("{fault}: {}", String::from_utf8_lossy(&line)))
    };
    BufReader::new(stdout).split(b'\n').map(valid).collect()
}

/// Asks `ask`, stops the process, and gives its lines.
fn logged(variables: &[(&str, &str)], ask: impl FnOnce(&Served)) -> Vec<Line> {
    let mut served = Served::start(variables, Stdio::piped());
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

/// How many lines were reported as lost.
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

/// Bytes that are hard on whoever logs them; all of them fit for a header.
fn hostile(number: usize) -> Vec<u8> {
    match number % 10 {
        0 => b"\xff\xfe invalid \xc3\x28 UTF-8 \xed\xa0\x80".to_vec(),
        1 => b"quotes \" and \\\" and {\"Fields\":{}} and \\u0000".to_vec(),
        2 => "emoji 🦀🧨 and \u{2028} and \u{202e}".into(),
        3 => vec![b'x'; 8 * 1024],
        4 => [vec![b'"'; 4 * 1024], vec![0xe2; 1024]].concat(),
        5 => b"tabs\tand\t\ttabs".to_vec(),
        6 => Vec::new(),
        7 => (0x80..=0xff).collect(),
        8 => (0x21..0x7f).collect(),
        _ => format!("{}é", "a".repeat(number / 10 % 17)).into(),
    }
}

fn hostile_request(number: usize, unfit: &[u8]) -> Vec<u8> {
    let path: &[u8] = match number % 6 {
        0 => b"%0a%22%5c%00%80%ff",
        1 => b"a'~!$&()*+,;=:@?b=%22&c=%c3%28&d='",
        2 => b"fields?",
        3 => b"panic",
        _ => b"",
    };
    let parts: [&[u8]; 10] = [
        b"GET /",
        path,
        unfit,
        b" HTTP/1.1\r\nHost: test.example\r\nUser-Agent: ",
        &hostile(number),
        b"\r\nAccept-Language: ",
        &hostile(number / 10),
        b"\r\nX-Request-ID: ",
        &hostile(number / 100),
        b"\r\n\r\n",
    ];
    parts.concat()
}

#[test]
fn ten_thousand_hostile_requests_leave_valid_lines_only() {
    const CLIENTS: usize = 8;
    const REQUESTS: usize = 10_000;
    let answered = AtomicU64::new(0);
    let variables = [
        ("DOCKERFLOW_SUMMARY_LOG_QUERYSTRING", "1"),
        ("WORKERS", "2"),
    ];
    let lines = logged(&variables, |served| {
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let answered = &answered;
                scope.spawn(move || {
                    let mut stream = served.connect();
                    for number in (client..REQUESTS).step_by(CLIENTS) {
                        let request = hostile_request(number, b"");
                        stream.write_all(&request).expect("it reads");
                        let response = response(&mut stream).expect("it answers every request");
                        assert!(
                            !response.starts_with("HTTP/1.1 400"),
                            "{number}: {response}"
                        );
                        answered.fetch_add(1, Ordering::Relaxed);
                        // What no request may hold is refused before there is an app, or else logged like the rest.
                        let unfit: &[u8] = match number % 97 {
                            0 => b"\x80\xff",
                            1 => b"\"<>^`{|}\\",
                            2 => b"\x01\x1b[31m",
                            3 => "ünïcode?q=🦀".as_bytes(),
                            _ => continue,
                        };
                        let mut other = served.connect();
                        other
                            .write_all(&hostile_request(number, unfit))
                            .expect("it reads");
                        let reached = self::response(&mut other)
                            .is_some_and(|response| !response.starts_with("HTTP/1.1 400"));
                        answered.fetch_add(reached.into(), Ordering::Relaxed);
                    }
                });
            }
        });
    });
    let answered = answered.load(Ordering::Relaxed);
    assert!(
        answered >= 10_000,
        "every request that is fit reaches the app: {answered}"
    );
    let panics = (0..REQUESTS).filter(|number| number % 6 == 3).count() as u64;
    let arrived = (summaries(&lines).len() + of_kind(&lines, "panic").len()) as u64;
    assert_eq!(
        arrived + dropped(&lines),
        answered + panics,
        "each has its line, or it is counted"
    );
    for line in summaries(&lines) {
        let id = line.text("rid");
        assert!(
            (1..=128).contains(&id.len()) && !id.contains(['"', '\\', ' ']),
            "{id:?}"
        );
        assert!(!line.text("path").contains('?'));
    }
    println!(
        "{answered} of {REQUESTS} requests reached the app; {} lines, all valid",
        lines.len()
    );
}

#[test]
fn a_thousand_interleaving_requests_keep_their_ids_on_every_line() {
    const REQUESTS: u64 = 1_000;
    let lines = logged(&[("WORKERS", "1")], |served| {
        // All are on their way before the first answer is read.
        let mut streams: Vec<TcpStream> = (0..REQUESTS).map(|_| served.connect()).collect();
        for (number, stream) in streams.iter_mut().enumerate() {
            let request = format!(
                "GET /chatter/{number} HTTP/1.1\r\nHost: a\r\nX-Request-ID: request-{number}\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).expect("it reads");
        }
        for (number, stream) in streams.iter_mut().enumerate() {
            let response = response(stream).expect("it answers");
            assert!(
                response.contains(&format!("\r\nx-request-id: request-{number}\r\n")),
                "{response}"
            );
            assert!(
                response.ends_with(&format!("\r\n\r\nrequest-{number}")),
                "{response}"
            );
        }
    });
    let mut seen = BTreeMap::<_, BTreeMap<_, u32>>::new();
    for line in of_kind(&lines, "logs") {
        if let Some(number) = line.number("number") {
            assert_eq!(line.text("rid"), format!("request-{number}"), "{line:?}");
            *seen
                .entry(number)
                .or_default()
                .entry(line.text("msg"))
                .or_default() += 1;
        }
    }
    let each = BTreeMap::from([
        ("block", 1),
        ("log", 3),
        ("slog", 3),
        ("task", 1),
        ("tracing", 3),
    ]);
    assert_eq!(seen.len() as u64, REQUESTS);
    assert!(seen.values().all(|seen| *seen == each));
    let ids: BTreeSet<_> = summaries(&lines)
        .iter()
        .map(|line| line.text("rid").to_owned())
        .collect();
    assert_eq!(ids.len() as u64, REQUESTS);
    let order: Vec<_> = of_kind(&lines, "logs")
        .iter()
        .filter_map(|line| line.number("number"))
        .collect();
    assert!(
        order.is_sorted_by(|one, other| one <= other).eq(&false),
        "they did interleave"
    );
}

#[test]
fn a_stdout_that_stops_for_ten_seconds_stops_no_request_and_every_lost_line_is_counted() {
    // Of the server's own lines there are none, so that each line is one that the test knows of.
    let variables = [
        ("WORKERS", "2"),
        ("LOG_LEVEL", "off,logs=info,request.summary=info"),
    ];
    let mut served = Served::start(&variables, Stdio::piped());
    let stdout = served.stdout();
    let began = Instant::now();
    let (requests, slowest) = (AtomicU64::new(0), Mutex::new(Duration::ZERO));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut stream = served.connect();
                while began.elapsed() < Duration::from_secs(10) {
                    let asked = Instant::now();
                    assert_eq!(get(&mut stream, "/flood", "").0, 200);
                    let took = asked.elapsed();
                    let mut slowest = slowest.lock().expect("nobody panics with it");
                    *slowest = took.max(*slowest);
                    requests.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let slowest = *slowest.lock().expect("nobody panics with it");
    let logged = requests.load(Ordering::Relaxed) * 51;
    let reader = thread::spawn(move || lines(stdout));
    assert!(served.stop().success());
    let lines = reader.join().expect("every line is valid");
    let ours = lines
        .iter()
        .filter(|line| line.text("msg").starts_with("xxx"));
    let arrived = (ours.count() + summaries(&lines).len()) as u64;
    let dropped = dropped(&lines);
    println!(
        "{logged} lines logged, {arrived} arrived, {dropped} reported as dropped; the slowest request took {slowest:?}"
    );
    assert!(
        dropped > 0,
        "stdout was stopped for too short a time to prove anything"
    );
    assert_eq!(arrived + dropped, logged);
    assert!(
        slowest < Duration::from_secs(3),
        "a request waited: {slowest:?}"
    );
}

#[test]
fn a_reader_of_one_line_that_goes_away_neither_kills_nor_stalls_the_service() {
    let mut served = Served::start(&[], Stdio::piped());
    let mut first = Vec::new();
    BufReader::with_capacity(1, served.stdout())
        .read_until(b'\n', &mut first)
        .expect("a line");
    validate(first.trim_ascii_end()).expect("it is valid");
    let mut stream = served.connect();
    for _ in 0..2_000 {
        assert_eq!(get(&mut stream, "/", "").0, 200);
    }
    let complaints = served.complaints.clone();
    assert!(served.stop().success());
    let complaints = complaints.lock().expect("nobody panics with it");
    assert_eq!(
        complaints.matches("log lines are lost").count(),
        1,
        "said once: {complaints}"
    );
}

#[test]
fn a_full_disk_behind_stdout_neither_kills_nor_stalls_the_service() {
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let served = Served::start(&[], full.into());
    let mut stream = served.connect();
    for _ in 0..500 {
        assert_eq!(get(&mut stream, "/", "").0, 200);
    }
    assert!(served.stop().success());
}

#[test]
fn a_summary_has_the_standards_fields_and_the_response_the_id() {
    let lines = logged(&[], |served| {
        let headers = "User-Agent: Test/1\r\nAccept-Language: fr\r\nX-Request-ID: abc\r\n";
        let (status, response) = served.get("/?secret=1", headers);
        assert_eq!(status, 200);
        assert!(response.contains("\r\nx-request-id: abc\r\n"), "{response}");
        assert_eq!(served.get("/nowhere", "").0, 404);
    });
    let [found, missing] = summaries(&lines)[..] else {
        panic!("two summaries")
    };
    assert_eq!(found.severity, 6);
    let names = |line: &Line| line.fields.keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(found), "agent code errno lang method path rid t");
    assert_eq!(
        [found.text("agent"), found.text("lang"), found.text("rid")],
        ["Test/1", "fr", "abc"]
    );
    assert_eq!([found.text("method"), found.text("path")], ["GET", "/"]);
    assert_eq!(
        [found.number("code"), found.number("errno")],
        [Some(200), Some(0)]
    );
    assert!(found.number("t").is_some_and(|t| t < 10_000));
    assert_eq!(names(missing), "code errno method path rid t");
    assert_eq!(
        [missing.number("code"), missing.number("errno")],
        [Some(404), Some(404)]
    );
    assert_eq!(missing.text("rid").len(), 36, "a UUID");
}

#[test]
fn an_app_adds_a_uid_and_fields_and_the_last_of_a_name_counts() {
    let lines = logged(&[], |served| assert_eq!(served.get("/fields", "").0, 200));
    let [line] = summaries(&lines)[..] else {
        panic!("one summary")
    };
    assert_eq!(line.text("uid"), "4711");
    assert_eq!(line.number("items"), Some(4));
    assert_eq!(
        line.number("errno"),
        Some(17),
        "an app's field replaces ours"
    );
    assert_eq!(line.text("nested"), r#"{"a":[1,null]}"#);
    assert!(!line.fields.contains_key("nothing"));
}

#[test]
fn a_handlers_panic_is_a_500_two_error_lines_with_its_id_and_no_lost_connection() {
    let lines = logged(&[], |served| {
        let mut stream = served.connect();
        let (status, response) = get(&mut stream, "/panic", "X-Request-ID: abc\r\n");
        assert_eq!(status, 500);
        assert!(
            response.contains("\r\ncontent-type: application/json\r\n"),
            "{response}"
        );
        assert!(response.contains("\r\nx-request-id: abc\r\n"), "{response}");
        assert!(
            !response.contains("luck"),
            "what a panic says is for the log: {response}"
        );
        let body = response.split("\r\n\r\n").nth(1).expect("a body");
        serde_json::from_str::<serde_json::Value>(body).expect("it is JSON");
        assert_eq!(get(&mut stream, "/", "").0, 200, "the connection lives");
    });
    let [panic] = of_kind(&lines, "panic")[..] else {
        panic!("one panic")
    };
    assert_eq!([panic.severity, 3], [3, panic.severity]);
    assert_eq!(panic.text("msg"), "out of \"luck\"\nand more");
    assert_eq!(panic.text("rid"), "abc");
    assert!(
        panic.text("location").starts_with("examples/logs.rs:"),
        "{panic:?}"
    );
    let summary = summaries(&lines)[0];
    assert_eq!(
        (
            summary.severity,
            summary.text("rid"),
            summary.number("code")
        ),
        (3, "abc", Some(500))
    );
    assert_eq!(summary.number("errno"), Some(500));
    assert_eq!(summary.text("msg"), "panicked: out of \"luck\"\nand more");
}

#[test]
fn an_error_of_a_handler_or_a_middleware_is_in_the_summary() {
    let lines = logged(&[], |served| {
        assert_eq!(served.get("/fails", "").0, 502);
        let (status, response) = served.get("/inner/refused", "X-Request-ID: abc\r\n");
        assert_eq!(status, 403);
        assert!(response.contains("\r\nx-request-id: abc\r\n"), "{response}");
    });
    let [failed, refused] = summaries(&lines)[..] else {
        panic!("two summaries")
    };
    assert_eq!((failed.severity, failed.number("errno")), (3, Some(502)));
    assert_eq!(failed.text("msg"), "the upstream\nis \"gone\"");
    assert_eq!((refused.severity, refused.number("errno")), (6, Some(403)));
    assert_eq!(
        (refused.text("msg"), refused.text("rid")),
        ("not here", "abc")
    );
    let refusing = lines.iter().find(|line| line.text("msg") == "refusing");
    assert_eq!(refusing.expect("it was logged").text("rid"), "abc");
}

#[test]
fn a_client_that_resets_its_connection_leaves_a_summary() {
    let mut served = Served::start(&[], Stdio::piped());
    let mut stdout = BufReader::new(served.stdout());
    let mut until = |wanted: &dyn Fn(&Line) -> bool| loop {
        let mut line = Vec::new();
        stdout.read_until(b'\n', &mut line).expect("a line");
        let line = validate(line.trim_ascii_end()).expect("it is valid");
        if wanted(&line) {
            return line;
        }
    };
    let mut stream = served.connect();
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\nX-Request-ID: abc\r\n\r\n")
        .expect("it reads");
    until(&|line| line.text("msg") == "slow begins");
    socket2::SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("it is TCP");
    drop(stream);
    let given_up = until(&|line| line.text("msg") == "given up");
    assert_eq!(given_up.text("rid"), "abc");
    let summary = until(&|line| line.kind == "request.summary");
    assert_eq!((summary.severity, summary.number("code")), (6, Some(499)));
    assert_eq!(
        (summary.text("rid"), summary.text("path")),
        ("abc", "/slow")
    );
    assert!(summary.text("msg").contains("the client went away"));
}

#[test]
fn a_body_that_comes_in_parts_is_logged_with_the_requests_id() {
    let lines = logged(&[], |served| {
        let (status, response) = served.get("/stream", "X-Request-ID: abc\r\n");
        assert_eq!(status, 200);
        assert_eq!(response.matches("part ").count(), 3);
    });
    let parts: Vec<_> = lines
        .iter()
        .filter(|line| line.text("msg") == "part")
        .collect();
    assert_eq!(parts.len(), 4);
    assert!(
        parts.iter().all(|line| line.text("rid") == "abc"),
        "{parts:?}"
    );
}

#[test]
fn probes_that_find_all_well_are_left_out_unless_they_are_asked_for() {
    let ask = |served: &Served| {
        for path in ["/__lbheartbeat__", "/__heartbeat__", "/__version__"] {
            assert_eq!(served.get(path, "").0, 200);
        }
        assert_eq!(served.get("/__error__", "X-Request-ID: abc\r\n").0, 500);
    };
    let lines = logged(&[("DOCKERFLOW_ERROR_ENDPOINT", "1")], ask);
    let [line] = summaries(&lines)[..] else {
        panic!("only the failure")
    };
    assert_eq!((line.text("path"), line.severity), ("/__error__", 3));
    let errors: Vec<_> = lines.iter().filter(|line| line.severity == 3).collect();
    assert_eq!(errors.len(), 2, "what was called is logged, and summarised");
    assert!(
        errors.iter().all(|line| line.text("rid") == "abc"),
        "{errors:?}"
    );
    let variables = [
        ("DOCKERFLOW_ERROR_ENDPOINT", "1"),
        ("DOCKERFLOW_SUMMARY_LOG_PROBES", "1"),
    ];
    assert_eq!(summaries(&logged(&variables, ask)).len(), 4);
}

#[test]
fn the_query_is_logged_where_it_is_asked_for_and_the_id_is_taken_from_the_header_that_is_named() {
    let variables = [
        ("DOCKERFLOW_SUMMARY_LOG_QUERYSTRING", "true"),
        ("DOCKERFLOW_REQUEST_ID_HEADER_NAME", "X-Cloud-Trace-Context"),
    ];
    let lines = logged(&variables, |served| {
        let id = "105445aa7843bc8bf206b12000100000/1;o=1";
        let headers = format!("X-Cloud-Trace-Context: {id}\r\nX-Request-ID: no\r\n");
        let (_, response) = served.get("/?a=b&c", &headers);
        assert!(
            response.contains(&format!("\r\nx-cloud-trace-context: {id}\r\n")),
            "{response}"
        );
    });
    let [line] = summaries(&lines)[..] else {
        panic!("one summary")
    };
    assert_eq!(
        (line.text("path"), line.text("querystring")),
        ("/", "a=b&c")
    );
    assert_eq!(line.text("rid"), "105445aa7843bc8bf206b12000100000/1;o=1");
}

#[test]
fn log_level_filters_by_target_and_every_api() {
    let ask = |served: &Served| assert_eq!(served.get("/chatter/1", "").0, 200);
    assert!(logged(&[("LOG_LEVEL", "off")], ask).is_empty());
    let lines = logged(&[("LOG_LEVEL", "error,logs=info")], ask);
    assert!(lines.iter().all(|line| line.kind == "logs"), "{lines:?}");
    assert_eq!(lines.len(), 11);
    let lines = logged(&[("LOG_LEVEL", "off,request.summary=info")], ask);
    assert_eq!((lines.len(), summaries(&lines).len()), (1, 1));
}

#[test]
fn google_cloud_finds_severity_and_message() {
    let lines = logged(&[("LOG_FORMAT", "gcp")], |served| {
        assert_eq!(served.get("/fails", "").0, 502);
        assert_eq!(served.get("/", "").0, 200);
    });
    let [failed, fine] = summaries(&lines)[..] else {
        panic!("two summaries")
    };
    assert_eq!(failed.others["severity"], "ERROR");
    assert_eq!(failed.others["message"], "the upstream\nis \"gone\"");
    assert_eq!(fine.others["severity"], "INFO");
    assert_eq!(fine.others["message"], "GET / 200");
}

#[test]
fn text_is_for_people() {
    let mut served = Served::start(&[("LOG_FORMAT", "text")], Stdio::piped());
    let mut stdout = served.stdout();
    assert_eq!(served.get("/", "X-Request-ID: abc\r\n").0, 200);
    assert!(served.stop().success());
    let mut text = String::new();
    stdout.read_to_string(&mut text).expect("it is text");
    let line = text.lines().find(|line| line.contains("request.summary"));
    let line = line.expect("it is summarised");
    assert!(
        line.contains(" INFO ") && line.contains(" path=/ rid=abc "),
        "{line}"
    );
    assert!(
        !line.contains('\u{1b}'),
        "no colours where there is no terminal: {line}"
    );
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(variables)
        .args(arguments)
        .output()
        .expect("it runs")
}

#[test]
fn bad_variables_are_all_named_at_once() {
    let output = run(
        &[],
        &[
            ("LOG_LEVEL", "loud"),
            ("LOG_FORMAT", "xml"),
            ("DOCKERFLOW_REQUEST_ID_HEADER_NAME", "a b"),
        ],
    );
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    for name in [
        "LOG_LEVEL",
        "LOG_FORMAT",
        "DOCKERFLOW_REQUEST_ID_HEADER_NAME",
    ] {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn the_last_words_of_a_process_are_written_even_if_it_panics() {
    let output = run(&["exit"], &[]);
    assert_eq!(
        output.status.code(),
        Some(101),
        "a panic of the main thread"
    );
    let lines = lines(&output.stdout[..]);
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.text("msg") == "last words")
            .count(),
        1000
    );
    let panics = of_kind(&lines, "panic");
    assert_eq!(panics.len(), 2);
    assert_eq!(
        (panics[0].text("msg"), panics[0].text("thread")),
        ("in a thread", "doomed")
    );
    assert_eq!(
        (panics[1].text("msg"), panics[1].text("thread")),
        ("and now the main thread", "main")
    );
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
