//! What a process costs: its memory where it idles, and its time from exec to the first 200, of the demo and of a service of one
//! route, each beside the same routes on actix-web alone.
//!
//! The two of a pair are started in turn. It prints the median of each, and fails where ours is more than so many times the other.
//! It needs Linux, which reports a process's memory.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

const ROUNDS: usize = 21;

/// Programs that are compared.
struct Pair {
    title: &'static str,
    ours: &'static str,
    bare: &'static str,
    /// What both answer with 200, the first of them as soon as they have started.
    paths: &'static [&'static str],
    /// How many times the bare program's time to start, and its memory, ours may have.
    most: [f64; 2],
}

const PAIRS: [Pair; 2] = [
    Pair {
        title: "the demo",
        ours: env!("CARGO_BIN_EXE_ours"),
        bare: env!("CARGO_BIN_EXE_bare"),
        paths: &["/__lbheartbeat__", "/", "/__heartbeat__", "/__version__"],
        most: [1.25, 1.25],
    },
    Pair {
        title: "a service of one route",
        ours: env!("CARGO_BIN_EXE_route"),
        bare: env!("CARGO_BIN_EXE_bare_route"),
        paths: &["/"],
        most: [1.25, 1.45],
    },
];

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
    let mut kept = true;
    for pair in PAIRS {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            bare.push(run(pair.bare, pair.paths));
            ours.push(run(pair.ours, pair.paths));
        }
        println!("{}", pair.title);
        for (unit, of, most) in [
            (
                "us to the first 200",
                (|run| run.start) as fn(&Run) -> u64,
                pair.most[0],
            ),
            ("KiB", |run| run.memory, pair.most[1]),
        ] {
            let (ours, bare) = (median(&ours, of), median(&bare, of));
            #[allow(clippy::cast_precision_loss, reason = "they are far below 2^52")]
            let ratio = ours as f64 / bare as f64;
            println!("  {ours} {unit}, bare {bare}: {ratio:.2} times, at most {most}");
            kept &= ratio <= most;
        }
    }
    if kept {
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

fn run(program: &str, paths: &[&str]) -> Run {
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
    while !get(port, paths[0]) {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{program} does not answer"
        );
        thread::sleep(Duration::from_micros(200));
    }
    let start = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    for path in paths {
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
