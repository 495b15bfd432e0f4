//! Requests a second over TCP: the server, with all its threads, on one processor, the load on another; bare and ours in turn.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime, time,
};

use crate::load::{END, REQUEST};

const PAIRS: usize = 7;
const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_millis(500);
const TIME: Duration = Duration::from_secs(3);

/// Prints a line for each pair, and the median of ours ÷ bare.
pub(crate) fn table() -> io::Result<()> {
    if thread::available_parallelism()?.get() < 2 {
        return Err(io::Error::other("server and load need a processor each"));
    }
    println!(
        "{:>6}{:>14}{:>14}{:>10}{:>14}",
        "pair", "bare req/s", "ours req/s", "ratio", "of cpu time"
    );
    let (mut ratios, mut times) = (Vec::new(), Vec::new());
    for pair in 1..=PAIRS {
        let (bare, ours) = (measure("bare")?, measure("ours")?);
        let (ratio, time) = (ours.rate / bare.rate, bare.cpu / ours.cpu);
        println!(
            "{pair:>6}{:>14.0}{:>14.0}{ratio:>10.3}{time:>14.3}",
            bare.rate, ours.rate
        );
        ratios.push(ratio);
        times.push(time);
    }
    println!(
        "{:>6}{:>38.3}{:>14.3}",
        "median",
        median(ratios),
        median(times)
    );
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
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(load(port, WARM_UP))?;
    let (before, began) = (processor_time(server.0.id())?, Instant::now());
    let requests = runtime.block_on(load(port, TIME))?;
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

async fn load(port: u16, time: Duration) -> io::Result<f64> {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async move {
            let end = time::Instant::now() + time;
            let clients: Vec<_> = (0..CONNECTIONS)
                .map(|_| tokio::task::spawn_local(client(port, end)))
                .collect();
            let mut requests = 0.0;
            for client in clients {
                requests += f64::from(client.await.map_err(io::Error::other)??);
            }
            Ok(requests)
        })
        .await
}

async fn client(port: u16, end: time::Instant) -> io::Result<u32> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut response = [0; 4096];
    let mut requests = 0;
    while time::Instant::now() < end {
        stream.write_all(REQUEST).await?;
        let mut length = 0;
        while !response[..length].ends_with(END) {
            match stream.read(&mut response[length..]).await? {
                0 => return Err(io::Error::other("the server has closed the connection")),
                count => length += count,
            }
        }
        requests += 1;
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
