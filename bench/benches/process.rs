//! What a process costs: the demo's memory where it idles, and its time from exec to the first 200, beside the same routes on
//! actix-web alone.
//!
//! The two are started in turn. It prints the median of each, and fails where ours is more than 1.25 times the other. It needs
//! Linux, which tells a process's memory.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

const ROUNDS: usize = 21;
/// Times the bare program's.
const MOST: f64 = 1.25;

/// One start of a program.
struct Run {
    /// Microseconds to the first 200.
    start: u64,
    /// KiB in memory.
    memory: u64,
}

fn main() -> ExitCode {
    // `cargo test --benches` only wants to know that this compiles.
    if env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(run(env!("CARGO_BIN_EXE_bare")));
        ours.push(run(env!("CARGO_BIN_EXE_ours")));
    }
    let ([start, bare_start], [memory, bare_memory]) = (
        [&ours, &bare].map(|runs| median(runs, |run| run.start)),
        [&ours, &bare].map(|runs| median(runs, |run| run.memory)),
    );
    #[allow(clippy::cast_precision_loss, reason = "they are far below 2^52")]
    let [start_ratio, memory_ratio] =
        [(start, bare_start), (memory, bare_memory)].map(|(ours, bare)| ours as f64 / bare as f64);
    println!(
        "{start} us to the first 200, bare {bare_start}: {start_ratio:.2} times, at most {MOST}"
    );
    println!("{memory} KiB, bare {bare_memory}: {memory_ratio:.2} times, at most {MOST}");
    if start_ratio <= MOST && memory_ratio <= MOST {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn median(runs: &[Run], of: fn(&Run) -> u64) -> u64 {
    let mut all: Vec<_> = runs.iter().map(of).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

fn run(program: &str) -> Run {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    drop(listener);
    let folder = env::temp_dir().join(format!("dockerflow-bench-{}", std::process::id()));
    fs::create_dir(&folder).expect("it is not there yet");
    let database = format!("sqlite:{}/book.db", folder.display());
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs([
            ("HOST", "127.0.0.1"),
            ("PORT", &port.to_string()),
            ("DATABASE_URL", &database),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    while !answers(port) {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{program} does not answer"
        );
        thread::sleep(Duration::from_micros(200));
    }
    let start = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    for path in ["/", "/__heartbeat__", "/__version__"] {
        assert!(get(port, path), "{path}");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("Linux");
    let memory = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .and_then(|kibibytes| kibibytes.parse().ok());
    child.kill().expect("it runs");
    child.wait().expect("it is a child");
    fs::remove_dir_all(folder).expect("it is ours");
    Run {
        start,
        memory: memory.expect("VmRSS"),
    }
}

fn answers(port: u16) -> bool {
    get(port, "/__lbheartbeat__")
}

fn get(port: u16, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
