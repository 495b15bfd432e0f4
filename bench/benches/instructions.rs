//! Instructions a request and a record, counted by callgrind: repeatable for one binary, whatever else the machine does. The one
//! exception is a heartbeat that runs its checks: on a busy machine its two threads wake each other more often, which costs up to 900
//! more a check.
//!
//! Each scenario runs with two numbers of requests, so that starting up cancels out. It prints every scenario's number, then
//! each bound with what was seen, and fails where a bound is broken. It needs `valgrind`. `-- TEXT` measures those scenarios alone
//! whose names contain it.

use std::{
    collections::HashMap,
    env, fs,
    process::{Command, ExitCode, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_dockerflow-bench");
const FEW: u64 = 200;
const MANY: u64 = 1200;

/// What must hold between the scenarios' numbers, in both profiles. The bounds that count instructions stand some percent above what
/// was seen: they find what became slower.
const BOUNDS: &[Bound] = &[
    Ratio("lbheartbeat, ours", "lbheartbeat, by hand", 0.85),
    Ratio("version, ours", "version, by hand", 0.85),
    Ratio(
        "heartbeat with a fresh report, ours",
        "lbheartbeat, ours",
        1.15,
    ),
    Each(
        "heartbeat that runs 11 checks",
        "heartbeat that runs 1 check",
        10,
        6000,
    ),
    Added("request, ours", "request, bare", 4200),
    Added("request, ours, log off", "request, bare", 2250),
    Added("request, ours, with statsd", "request, ours", 1150),
    Added("request, ours", "request, ours, without trace context", 300),
    Added("request, ours, with Prometheus", "request, ours", 850),
    Added("404 of 10 routes, with statsd", "404 of 10 routes", 900),
    // A second search of the routes would be 800,000 more.
    Added("404 of 500 routes, with statsd", "404 of 500 routes", 2000),
    Each(
        "request, summary with 100 fields",
        "request, summary with 10 fields",
        90,
        700,
    ),
    Each(
        "request, summary with 2000 fields",
        "request, summary with 100 fields",
        1900,
        850,
    ),
    Each("record with 100 pairs", "record with 10 pairs", 90, 650),
    Each("record with 1000 pairs", "record with 100 pairs", 900, 650),
    AtMost("record of log", 1500),
    AtMost("record of slog", 1950),
    AtMost("record of tracing", 2300),
    AtMost("record of tracing in a span", 3300),
    AtMost("disabled record of log", 80),
    AtMost("disabled record of slog", 70),
    AtMost("disabled record of tracing", 30),
];

enum Bound {
    /// It is at most so much.
    AtMost(&'static str, i64),
    /// The first is at most so many times the second.
    Ratio(&'static str, &'static str, f64),
    /// The first is at most so much more than the second.
    Added(&'static str, &'static str, i64),
    /// The same for each of so many that the first has more.
    Each(&'static str, &'static str, i64, i64),
}
use Bound::{Added, AtMost, Each, Ratio};

fn main() -> ExitCode {
    // `cargo test --benches` only wants to know that this compiles.
    if env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    let part = env::args().skip(1).find(|argument| argument != "--bench");
    let listed = Command::new(PROGRAM).output().expect("the program runs");
    let listed = String::from_utf8(listed.stdout).expect("names are text");
    let mut seen = HashMap::new();
    println!("{:>10}  instructions a request or a record", "");
    for line in listed.lines() {
        let (scenario, environment) = line.split_once('\t').expect("a tab after the name");
        if part
            .as_ref()
            .is_some_and(|part| !scenario.contains(&**part))
        {
            continue;
        }
        let run = |requests| total(scenario, environment, requests);
        let each = run(MANY).saturating_sub(run(FEW)) / (MANY - FEW);
        println!("{each:>10}  {scenario}");
        seen.insert(scenario, each.cast_signed());
    }
    println!();
    // Each is printed, whatever became of those before.
    let kept: Vec<bool> = BOUNDS
        .iter()
        .filter_map(|bound| bound.holds(&seen))
        .collect();
    if kept.iter().all(|kept| *kept) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// All instructions of a run, of all threads.
fn total(scenario: &str, environment: &str, requests: u64) -> u64 {
    let out = env::temp_dir().join(format!("callgrind.{}.{requests}", std::process::id()));
    let run = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            &format!("--callgrind-out-file={}", out.display()),
            PROGRAM,
            scenario,
            &requests.to_string(),
        ])
        .envs(
            environment
                .split(' ')
                .filter_map(|pair| pair.split_once('=')),
        )
        .env("DOCKERFLOW_HEARTBEAT_TIMEOUT", "1m") // callgrind is some fifty times slower
        .stdout(Stdio::null())
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
    /// Prints what was seen; returns whether it is within the bound. `None` if it was not measured.
    #[allow(
        clippy::cast_precision_loss,
        reason = "instructions of a request are far below 2^52"
    )]
    fn holds(&self, seen: &HashMap<&str, i64>) -> Option<bool> {
        let of = |name: &str| seen.get(name).copied();
        let (subject, holds, text) = match *self {
            AtMost(ours, most) => (
                ours.to_owned(),
                of(ours)? <= most,
                format!("{}, at most {most}", of(ours)?),
            ),
            Ratio(ours, theirs, most) => {
                let ratio = of(ours)? as f64 / of(theirs)? as f64;
                (
                    format!("{ours} / {theirs}"),
                    ratio <= most,
                    format!("{ratio:.2} times, at most {most}"),
                )
            }
            Added(ours, theirs, most) => {
                let added = of(ours)? - of(theirs)?;
                (
                    format!("{ours} / {theirs}"),
                    added <= most,
                    format!("{added:+}, at most {most:+}"),
                )
            }
            Each(ours, theirs, count, most) => {
                let each = (of(ours)? - of(theirs)?) / count;
                (
                    format!("{ours} / {theirs}"),
                    each <= most,
                    format!("{each:+} for each of {count}, at most {most:+}"),
                )
            }
        };
        println!(
            "{}  {subject}: {text}",
            if holds { "ok    " } else { "BROKEN" }
        );
        Some(holds)
    }
}
