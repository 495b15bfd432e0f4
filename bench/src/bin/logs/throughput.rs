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

const PAIRS: usize = 7;
const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_millis(500);
const TIME: Duration = Duration::from_secs(3);

/// Prints a line for each pair, and the median of ours ÷ bare.
///
/// A ratio says something only where the server was busy: where something else has the processors, use the processor's time.
pub(crate) fn table() -> io::Result<()> {
    if thread::available_parallelism()?.get() < 2 {
        return Err(io::Error::other("server and load need a processor each"));
    }
    println!("  pair    bare req/s    ours req/s     ratio   of cpu time   bare busy   ours busy");
    let (mut ratios, mut times) = (Vec::new(), Vec::new());
    for pair in 1..=PAIRS {
        // Each is first in turn, so that what comes later has no advantage.
        let (bare, ours) = if pair % 2 == 0 {
            (measure("bare")?, measure("ours")?)
        } else {
            let ours = measure("ours")?;
            (measure("bare")?, ours)
        };
        let (ratio, time) = (ours.rate / bare.rate, bare.cpu / ours.cpu);
        println!(
            "{pair:>6}{:>14.0}{:>14.0}{ratio:>10.3}{time:>14.3}{:>11.0}%{:>11.0}%",
            bare.rate,
            ours.rate,
            bare.cpu * bare.rate * 100.0,
            ours.cpu * ours.rate * 100.0
        );
        ratios.push(ratio);
        times.push(time);
    }
    println!("median{:>38.3}{:>14.3}", median(ratios), median(times));
    Ok(())
}

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

fn measure(row: &str) -> io::Result<Measured> {
    pin(0)?;
    let child = Command::new(env::current_exe()?)
        .args(["serve", row])
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
