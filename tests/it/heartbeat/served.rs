//! A server in a process of its own, so that its environment, its threads and its log are its own: this test binary, once more.

use std::{
    env,
    fmt::Write as _,
    fs,
    future::{Ready, ready},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use actix_web::{
    App, FromRequest, HttpRequest, HttpResponse, Responder, body::MessageBody, dev::Payload, get,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::common::{Running, Service};

const NAME: &str = "HEARTBEAT_TEST_SERVES";

/// A server under test. It ends with its value.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    process: Child,
    /// The child ends when its standard input does, and so when the test does.
    _input: ChildStdin,
    log: Arc<Mutex<String>>,
}

impl Served {
    /// The app that `child` has under `name`, with these variables in its environment.
    pub(crate) fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env::current_exe().expect("a test has a file"))
            .args([
                "--exact",
                "heartbeat::served::child",
                "--ignored",
                "--nocapture",
            ])
            .env(NAME, name)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this binary starts");
        let log = Arc::new(Mutex::new(String::new()));
        let mut errors = process.stderr.take().expect("a pipe");
        let shared = log.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = errors.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]);
                shared.lock().expect("no panic in here").push_str(&text);
            }
        });
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let address = output.lines().map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once("listens on ")?;
            address.trim().parse().ok()
        });
        Self {
            address: address.unwrap_or_else(|| panic!("{name} does not start: {log:?}")),
            _input: process.stdin.take().expect("a pipe"),
            process,
            log,
        }
    }

    pub(crate) async fn probe(&self, path: &str) -> Probe {
        let began = Instant::now();
        let bytes = exchange(self.address, path).await;
        let bytes = bytes.unwrap_or_else(|error| panic!("{path} is not answered: {error}"));
        let took = began.elapsed();
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).expect("a status");
        Probe {
            status: status.parse().expect("a number"),
            body: body.to_owned(),
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

    /// What the process has logged until now.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic in here").clone()
    }

    /// The log, once it has `text`.
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

    /// How many threads have a name that begins so. The kernel keeps 15 bytes of a name.
    pub(crate) fn threads(&self, name: &str) -> usize {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("a process");
        let names = tasks
            .flatten()
            .flat_map(|task| fs::read_to_string(task.path().join("comm")));
        names.filter(|found| found.starts_with(name)).count()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
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
    println!("\nlistens on {}", running.address);
    io::stdout().flush().expect("a pipe");
    let _end = io::stdin().read(&mut [0]);
}

#[test]
#[ignore = "it is the server of the other tests"]
fn child() {
    match env::var(NAME) {
        Ok(name) if name == "parity" => super::parity::serve_case(),
        Ok(name) if super::backends::serve_one(&name) => {}
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

static STARTED: AtomicUsize = AtomicUsize::new(0);
static RUNNING: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static INPUTS: AtomicUsize = AtomicUsize::new(0);

/// An instance of a check, counted until it is dropped.
pub(crate) struct Instance {
    /// How many came before.
    pub(crate) number: usize,
}

impl Instance {
    pub(crate) fn begin() -> Self {
        MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
        Self {
            number: STARTED.fetch_add(1, SeqCst),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, SeqCst);
    }
}

/// An input of a check, counted until it is dropped.
pub(crate) struct Counted(());

impl FromRequest for Counted {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        INPUTS.fetch_add(1, SeqCst);
        ready(Ok(Self(())))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        INPUTS.fetch_sub(1, SeqCst);
    }
}

/// What has been counted.
#[get("/counts")]
pub(crate) async fn counts() -> impl Responder {
    let counts = json!({
        "started": STARTED.load(SeqCst), "running": RUNNING.load(SeqCst), "most": MOST.load(SeqCst), "inputs": INPUTS.load(SeqCst),
    });
    HttpResponse::Ok().body(counts.to_string())
}
