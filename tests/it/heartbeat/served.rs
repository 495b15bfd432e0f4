//! A server in a process of its own, with its own environment, threads and log: the process runs this test binary again.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{self, Read as _},
    net::SocketAddr,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use actix_web::{App, body::MessageBody};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Process, Response, Running, Service};

const NAME: &str = "HEARTBEAT_TEST_SERVES";

/// A server under test. It is killed when this value is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    process: Process,
}

impl Served {
    /// Starts the app that `child` has under `name`, with these variables in its environment.
    pub(crate) fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env::current_exe().expect("a test has a file"));
        command
            .args([
                "--exact",
                "heartbeat::served::child",
                "--ignored",
                "--nocapture",
            ])
            .env(NAME, name)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped()); // the child ends when its standard input does, and so when the test does
        let process = Process::start(command);
        Self {
            address: process.address(),
            process,
        }
    }

    pub(crate) async fn probe(&self, path: &str) -> Probe {
        let began = Instant::now();
        let bytes = exchange(self.address, path).await;
        let bytes = bytes.unwrap_or_else(|error| panic!("{path} is not answered: {error}"));
        let took = began.elapsed();
        let response = Response::parse(&bytes).expect("a response");
        Probe {
            status: response.status,
            body: response.body,
            took,
        }
    }

    pub(crate) async fn heartbeat(&self) -> Probe {
        self.probe("/__heartbeat__").await
    }

    /// How many instances of the counted check there have been, are, and were at most at once; and inputs that are held.
    pub(crate) async fn count(&self, what: &str) -> u64 {
        self.probe("/counts").await.json()[what]
            .as_u64()
            .expect("a count")
    }

    /// Returns what the process has logged until now.
    pub(crate) fn log(&self) -> String {
        self.process.stderr()
    }

    /// Waits until the log contains `text`, and returns it.
    pub(crate) async fn log_with(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let log = self.log();
            if log.contains(text) {
                return log;
            }
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "no {text:?} in:\n{log}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Returns how many threads have a name that begins with `name`. The kernel keeps 15 bytes of a name.
    pub(crate) fn threads(&self, name: &str) -> usize {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("a process");
        let names = tasks
            .flatten()
            .flat_map(|task| fs::read_to_string(task.path().join("comm")));
        names.filter(|found| found.starts_with(name)).count()
    }
}

async fn exchange(address: SocketAddr, path: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// An answer, and how long it took from before the connection.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

impl Probe {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// Serves an app with eight workers until standard input ends. Called in the child.
pub(crate) fn serve<T: Service<B>, B: MessageBody + 'static>(
    app: impl Fn() -> App<T> + Send + Clone + 'static,
) {
    log::set_logger(&Stderr).expect("nobody else logs");
    log::set_max_level(log::LevelFilter::Debug);
    let running = Running::start(8, app);
    eprintln!("listening on http://{}", running.address);
    let _end = io::stdin().read(&mut [0]);
}

#[test]
#[ignore = "it is the server of the other tests"]
fn child() {
    match env::var(NAME) {
        Ok(name) if name == "parity" => super::parity::serve_case(),
        Ok(name) if super::backends::serve_one(&name) => {}
        Ok(name) if super::late::serve_one(&name) || super::liveness::serve_one(&name) => {}
        Ok(name) => super::faults::serve_one(&name),
        Err(_) => {} // somebody runs the tests that are ignored
    }
}

/// Every record with all that it has.
struct Stderr;

impl log::Log for Stderr {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        struct Pairs(String);
        impl<'kvs> log::kv::VisitSource<'kvs> for Pairs {
            fn visit_pair(
                &mut self,
                key: log::kv::Key<'kvs>,
                value: log::kv::Value<'kvs>,
            ) -> Result<(), log::kv::Error> {
                write!(self.0, " {key}={value}")?;
                Ok(())
            }
        }
        if record.target().starts_with("dockerflow") {
            let mut pairs = Pairs(String::new());
            record
                .key_values()
                .visit(&mut pairs)
                .expect("it never fails");
            eprintln!(
                "{} {} {}{}",
                record.level(),
                record.target(),
                record.args(),
                pairs.0
            );
        }
    }

    fn flush(&self) {}
}
