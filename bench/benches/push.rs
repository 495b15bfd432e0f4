//! How long a push takes where threads outnumber cores: of the log and of `Metrics`, beside slog-async, tracing-appender and
//! cadence's own queue.
//!
//! Eight threads on two cores push one line each 20 µs. The threads read the clock in between and never sleep, so that most of
//! them are suspended at any moment. The control does the same and pushes nothing: what it shows is the system's. All take
//! turns, and the table has the median of the rounds. It fails if the 99.9th percentile of a push of ours is more than 50 µs
//! above the control's. It needs Linux, which pins threads.

// The runtime's own source files, because it does not export what they define.
#[path = "../../dockerflow-runtime/src/lock.rs"]
mod lock;
#[allow(dead_code, reason = "the runtime uses all of it")]
#[path = "../../dockerflow-runtime/src/queue.rs"]
mod queue;
#[allow(dead_code, reason = "the runtime uses all of it")]
#[path = "../../dockerflow-runtime/src/logging/writer.rs"]
mod writer;

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write as _},
    net::UdpSocket,
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use dockerflow::metrics::cadence::{
    BufferedUdpMetricSink, QueuingMetricSink, StatsdClient, prelude::*,
};
use rustix::thread::{CpuSet, sched_setaffinity};
use slog::Drain as _;
use tracing_appender::non_blocking::NonBlocking;

use writer::{BOUND, Writer, piece};

const THREADS: usize = 8;
const CORES: usize = 2;
const PERIOD: Duration = Duration::from_micros(20);
const ROUND: Duration = Duration::from_secs(1);
const ROUNDS: usize = 9;
/// How much the 99.9th percentile may be above the control's.
const MOST: Duration = Duration::from_micros(50);

/// A line of a usual length.
const LINE: &[u8; 312] = &{
    let mut line = [b'x'; 312];
    line[311] = b'\n';
    line
};

/// What is measured: it makes, for each thread, what that thread calls.
type Row = (&'static str, bool, Box<dyn Fn() -> Box<dyn FnMut() + Send>>);

fn main() -> ExitCode {
    // `cargo test --benches` only wants to know that this compiles.
    if env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    if env::var_os("STATSD_HOST").is_none() {
        return match with_statsd() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("the bench does not start itself: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let mut set = CpuSet::new();
    (0..CORES).for_each(|core| set.set(core));
    if let Err(error) = sched_setaffinity(None, &set) {
        eprintln!("{CORES} cores are needed: {error}");
        return ExitCode::FAILURE;
    }
    let rows = match rows() {
        Ok(rows) => rows,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let mut seen: Vec<Vec<[Duration; 4]>> = rows.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for ((_, _, start), seen) in rows.iter().zip(&mut seen) {
            seen.push(measure(start));
        }
    }
    println!(
        "{:<44}{:>12}{:>12}{:>12}{:>12}",
        "µs a push", "p50", "p99", "p99.9", "p99.99"
    );
    let mut kept = true;
    let mut control = Duration::ZERO;
    for (number, ((name, ours, _), seen)) in rows.iter().zip(&seen).enumerate() {
        let median = |which: usize| {
            let mut all: Vec<_> = seen.iter().map(|round| round[which]).collect();
            all.sort_unstable();
            all[all.len() / 2]
        };
        print!("{name:<44}");
        for which in 0..4 {
            print!("{:>12.2}", median(which).as_secs_f64() * 1e6);
        }
        println!();
        if number == 0 {
            control = median(2);
        }
        kept &= !ours || median(2) <= control + MOST;
    }
    println!(
        "ours at most {} µs above the control at p99.9: {kept}",
        MOST.as_micros()
    );
    if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs this program again, with a statsd server that exists and with `/__metrics__`. Returns whether all bounds hold.
fn with_statsd() -> io::Result<bool> {
    // Nobody reads it: the system drops what does not fit, and the sender sees no error.
    let server = UdpSocket::bind("127.0.0.1:0")?;
    let status = Command::new(env::current_exe()?)
        .args(env::args().skip(1))
        .env("STATSD_HOST", "127.0.0.1")
        .env("STATSD_PORT", server.local_addr()?.port().to_string())
        .env("DOCKERFLOW_METRICS_ENDPOINT", "true")
        .status()?;
    Ok(status.success())
}

fn rows() -> io::Result<Vec<Row>> {
    let null = || OpenOptions::new().write(true).open("/dev/null");
    let output = null()?;
    let piece = piece(&output)?;
    let log = Writer::start(output, piece, BOUND, |_| Vec::new())?;
    let (appender, guard) = NonBlocking::new(null()?);
    // It writes until the process ends.
    std::mem::forget(guard);
    let drain = slog_mozlog_json::MozLogJson::new(null()?)
        .logger_name("bench".to_owned())
        .build()
        .fuse();
    let drain = slog_async::Async::new(drain).chan_size(65_536).build();
    let asynchronous = slog::Logger::root(drain.fuse(), slog::o!());
    let metrics =
        dockerflow::shared_metrics().map_err(|error| io::Error::other(error.to_string()))?;
    let port: u16 = env::var("STATSD_PORT")
        .ok()
        .and_then(|port| port.parse().ok())
        .ok_or(io::ErrorKind::InvalidInput)?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let sink =
        BufferedUdpMetricSink::from(("127.0.0.1", port), socket).map_err(io::Error::other)?;
    let cadence = std::sync::Arc::new(StatsdClient::from_sink(
        "bench",
        QueuingMetricSink::from(sink),
    ));
    Ok(vec![
        (
            "control: reads the clock",
            false,
            Box::new(|| Box::new(|| ())),
        ),
        (
            "the log's writer",
            true,
            Box::new(move || {
                let log = log.clone();
                Box::new(move || log.push(LINE))
            }),
        ),
        (
            "Metrics: a counter, to both worlds",
            true,
            Box::new(move || {
                let metrics = metrics.clone();
                Box::new(move || {
                    metrics
                        .incr_with_tags("sold")
                        .with_tag("kind", "book")
                        .send();
                })
            }),
        ),
        (
            "cadence: QueuingMetricSink",
            false,
            Box::new(move || {
                let cadence = cadence.clone();
                Box::new(move || {
                    cadence
                        .incr_with_tags("sold")
                        .with_tag("kind", "book")
                        .send();
                })
            }),
        ),
        (
            "tracing-appender",
            false,
            Box::new(move || {
                let mut appender = appender.clone();
                Box::new(move || {
                    let _ = appender.write(LINE);
                })
            }),
        ),
        (
            "slog-async (makes a record of its own)",
            false,
            Box::new(move || {
                let logger = asynchronous.clone();
                Box::new(move || slog::info!(logger, "sold"; "item" => 4711))
            }),
        ),
    ])
}

/// The 50th, 99th, 99.9th and 99.99th percentile of a call.
fn measure(start: &dyn Fn() -> Box<dyn FnMut() + Send>) -> [Duration; 4] {
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let mut call = start();
            thread::spawn(move || {
                let mut times = Vec::with_capacity(100_000);
                let end = Instant::now() + ROUND;
                let mut next = Instant::now();
                while next < end {
                    let mut began = Instant::now();
                    while began < next {
                        began = Instant::now();
                    }
                    call();
                    let ended = Instant::now();
                    times.push(ended - began);
                    // A thread that was suspended does not catch up.
                    next = began + PERIOD;
                }
                times
            })
        })
        .collect();
    let mut times: Vec<Duration> = threads
        .into_iter()
        .flat_map(|thread| thread.join().expect("no panic"))
        .collect();
    times.sort_unstable();
    [5_000, 9_900, 9_990, 9_999].map(|part| times[times.len() * part / 10_000])
}
