//! Instructions a request, counted by callgrind: repeatable for one binary, whatever else the machine does.
//!
//! Each scenario runs with two numbers of requests, so that starting up cancels out. It prints every scenario's number, then
//! each bound with what was seen, and fails where a bound is broken. It needs `valgrind`.

use std::{
    collections::HashMap,
    env, fs,
    process::{Command, ExitCode},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_dockerflow-bench");
const FEW: u64 = 200;
const MANY: u64 = 1200;

/// What must hold between the scenarios' numbers.
const BOUNDS: &[Bound] = &[
    Bound::Ratio("lbheartbeat, ours", "lbheartbeat, by hand", 0.85),
    Bound::Ratio("version, ours", "version, by hand", 0.85),
    Bound::Ratio(
        "heartbeat with a fresh report, ours",
        "lbheartbeat, ours",
        2.0,
    ),
    // Its request id and the echo of it, and what a summary would need; no log is started. It was 1,000 before there were ids.
    Bound::Added("a route of the app, ours", "a route of the app, bare", 3000),
    Bound::Added(
        "a route of the app, ours, with statsd",
        "a route of the app, ours",
        1500,
    ),
];

enum Bound {
    /// The first is at most so many times the second.
    Ratio(&'static str, &'static str, f64),
    /// The first is at most so much more than the second.
    Added(&'static str, &'static str, i64),
}

fn main() -> ExitCode {
    // `cargo test --benches` only wants to know that this compiles.
    if env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    let listed = Command::new(PROGRAM).output().expect("the program runs");
    let listed = String::from_utf8(listed.stdout).expect("names are text");
    let mut seen = HashMap::new();
    println!("{:>10}  instructions a request", "");
    for scenario in listed.lines() {
        let each = (total(scenario, MANY) - total(scenario, FEW)) / (MANY - FEW);
        println!("{each:>10}  {scenario}");
        seen.insert(scenario, each);
    }
    println!();
    let kept: Vec<bool> = BOUNDS.iter().map(|bound| bound.holds(&seen)).collect();
    if kept.iter().all(|kept| *kept) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// All instructions of a run, of all threads.
fn total(scenario: &str, requests: u64) -> u64 {
    // Nobody listens there, which a sender of datagrams does not notice.
    let statsd = if scenario.ends_with("with statsd") {
        "127.0.0.1"
    } else {
        ""
    };
    let out = env::temp_dir().join(format!("callgrind.{}.{requests}", std::process::id()));
    let run = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            &format!("--callgrind-out-file={}", out.display()),
            PROGRAM,
            scenario,
            &requests.to_string(),
        ])
        .env("DOCKERFLOW_HEARTBEAT_TTL", "1h")
        .env("STATSD_HOST", statsd)
        .env("STATSD_PORT", "9")
        .env("DOCKERFLOW_HEARTBEAT_TIMEOUT", "1m") // callgrind is some fifty times slower
        .output()
        .expect("valgrind is installed");
    let text = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{scenario}: {text}");
    let profile = fs::read_to_string(&out).expect("callgrind writes its profile");
    fs::remove_file(out).expect("it is ours");
    let totals = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))
        .expect("a profile has its totals");
    totals.trim().parse().expect("a number")
}

impl Bound {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_wrap,
        reason = "instructions of a request are far below 2^52"
    )]
    fn holds(&self, seen: &HashMap<&str, u64>) -> bool {
        let (ours, theirs, holds, text) = match *self {
            Self::Ratio(ours, theirs, most) => {
                let ratio = seen[ours] as f64 / seen[theirs] as f64;
                (
                    ours,
                    theirs,
                    ratio <= most,
                    format!("{ratio:.2} times, at most {most}"),
                )
            }
            Self::Added(ours, theirs, most) => {
                let added = seen[ours] as i64 - seen[theirs] as i64;
                (
                    ours,
                    theirs,
                    added <= most,
                    format!("{added:+}, at most {most:+}"),
                )
            }
        };
        println!(
            "{}  {ours} / {theirs}: {text}",
            if holds { "ok    " } else { "BROKEN" }
        );
        holds
    }
}
