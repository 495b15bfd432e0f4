//! Requests a second over TCP: the server, with all its threads, on one processor, the load on another; bare and ours in turn.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::load::{END, REQUEST};

const ROUNDS: usize = 9;
const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_millis(500);
const TIME: Duration = Duration::from_secs(3);

/// A title, a row, and the variables that it is started with.
type Compared = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// What is compared with the first: ours, without and with statsd. Nobody listens there, which a sender of datagrams does not notice.
const COMPARED: [Compared; 3] = [
    ("bare", "bare", &[]),
    ("ours", "ours", &[]),
    (
        "ours, with statsd",
        "ours",
        &[("STATSD_HOST", "127.0.0.1"), ("STATSD_PORT", "9")],
    ),
];

/// Prints a line for each round, and the medians of ours ÷ bare.
///
/// A ratio says something only where the server was busy: where something else has the processors, use the processor's time.
pub(crate) fn table() -> io::Result<()> {
    if thread::available_parallelism()?.get() < 2 {
        return Err(io::Error::other("server and load need a processor each"));
    }
    println!(
        "{:<20}{:>12}{:>10}{:>14}{:>10}",
        "", "req/s", "ratio", "of cpu time", "busy"
    );
    let mut ratios = [const { Vec::new() }; COMPARED.len()];
    for round in 0..ROUNDS {
        let mut measured = [const { None }; COMPARED.len()];
        // Each is first in turn, so that what comes later has no advantage.
        for step in 0..COMPARED.len() {
            let place = (round + step) % COMPARED.len();
            let (_, row, environment) = COMPARED[place];
            measured[place] = Some(measure(row, environment)?);
        }
        let [Some(bare), ..] = measured else {
            unreachable!("every place was measured")
        };
        for ((one, (title, ..)), ratios) in measured.iter().flatten().zip(COMPARED).zip(&mut ratios)
        {
            let (ratio, time) = (one.rate / bare.rate, bare.cpu / one.cpu);
            println!(
                "{title:<20}{:>12.0}{ratio:>10.3}{time:>14.3}{:>9.0}%",
                one.rate,
                one.cpu * one.rate * 100.0
            );
            ratios.push((ratio, time));
        }
    }
    println!();
    for (ratios, (title, ..)) in ratios.iter().zip(COMPARED).skip(1) {
        let (ratio, time): (Vec<_>, Vec<_>) = ratios.iter().copied().unzip();
        println!(
            "{title:<20}{:>12}{:>10.3}{:>14.3}",
            "median",
            median(ratio),
            median(time)
        );
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Measured {
    /// Requests a second.
    rate: f64,
    /// Seconds of processor a request, of the server: what another program on the machine does not disturb.
    cpu: f64,
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn measure(row: &str, environment: &[(&str, &str)]) -> io::Result<Measured> {
    pin(0)?;
    let child = Command::new(env::current_exe()?)
        .args(["serve", row])
        .envs(environment.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    pin(1)?;
    let mut server = Server(child?);
    let stderr = server
        .0
        .stderr
        .take()
        .ok_or_else(|| io::Error::other("no stderr"))?;
    let mut line = String::new();
    BufReader::new(stderr).read_line(&mut line)?;
    let port: u16 = line
        .trim()
        .parse()
        .map_err(|_| io::Error::other(line.clone()))?;
    load(port, WARM_UP)?;
    let (before, began) = (processor_time(server.0.id())?, Instant::now());
    let requests = load(port, TIME)?;
    let (after, took) = (processor_time(server.0.id())?, began.elapsed());
    Ok(Measured {
        rate: requests / took.as_secs_f64(),
        cpu: (after - before) / requests,
    })
}

/// What this thread starts from now on, and it itself, runs on that processor.
fn pin(processor: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(processor);
    Ok(sched_setaffinity(None, &set)?)
}

/// Asks on all connections at once, and never sleeps: waking it would cost more than what is measured.
fn load(port: u16, time: Duration) -> io::Result<f64> {
    let end = Instant::now() + time;
    let connect = |_| {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.write_all(REQUEST)?;
        stream.set_nonblocking(true)?;
        Ok((stream, [0; 1024], 0))
    };
    let connections: io::Result<Vec<_>> = (0..CONNECTIONS).map(connect).collect();
    let mut connections = connections?;
    let mut requests = 0.0;
    while Instant::now() < end {
        for (stream, response, length) in &mut connections {
            match stream.read(&mut response[*length..]) {
                Ok(0) => return Err(io::Error::other("the server has closed the connection")),
                Ok(count) => *length += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            if response[..*length].ends_with(END) {
                *length = 0;
                stream.write_all(REQUEST)?;
                requests += 1.0;
            }
        }
    }
    Ok(requests)
}

/// Seconds of processor that a process has used: `utime` and `stime` of `/proc/<pid>/stat` (proc(5)), 100 a second on Linux.
fn processor_time(pid: u32) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: Vec<f64> = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
