//! A program in a process of its own: how a test starts, signals and ends it, and reads its output.

use std::{
    io::{BufRead as _, BufReader, Read},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use crate::{Connection, PATIENCE, Response, until};

/// Runs a program that ends by itself, and returns what it wrote.
///
/// # Panics
///
/// If it does not end within [`PATIENCE`].
pub fn run(mut command: Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdout = bytes(child.stdout.take().expect("it is piped"));
    let stderr = bytes(child.stderr.take().expect("it is piped"));
    let began = Instant::now();
    let status = loop {
        match child.try_wait().expect("it is a child") {
            Some(status) => break Some(status),
            None if began.elapsed() > PATIENCE => {
                child.kill().expect("it is a child");
                break None;
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    let [stdout, stderr] = [stdout, stderr].map(|stream| stream.join().expect("it only reads"));
    let Some(status) = status.filter(|status| status.code().is_some()) else {
        panic!(
            "it did not end by itself: {}{}",
            text(&stdout),
            text(&stderr)
        );
    };
    Output {
        status,
        stdout,
        stderr,
    }
}

fn bytes(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes); // what could be read is what there is
        bytes
    })
}

/// Sends a signal, such as `TERM`, to a process, which may have ended by now.
pub fn signal(process: u32, name: &str) {
    // A shell has a `kill` of its own; a small image has no program of that name.
    Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .stderr(Stdio::null())
        .status()
        .expect("there is a shell");
}

/// Waits until a process has ended.
///
/// # Panics
///
/// If it does not end within [`PATIENCE`].
pub fn ended(child: &mut Child) -> ExitStatus {
    let mut status = None;
    until("it ends", || {
        status = child.try_wait().expect("it is a child");
        status.is_some()
    });
    status.expect("it has ended")
}

/// Returns bytes as text, whatever they are.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A program that serves. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    address: SocketAddr,
    stdout: Option<Mutex<mpsc::Receiver<String>>>,
    stderr: Arc<Mutex<String>>,
}

impl Process {
    /// Starts a program and waits until it writes `listening on http://…` to stderr. Its stdout is read as lines.
    pub fn start(command: Command) -> Self {
        let mut process = Self::start_unread(command, Stdio::piped());
        let stdout = BufReader::new(process.stdout());
        let (send, receive) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = send.send(line); // not every test reads all of them
            }
        });
        process.stdout = Some(Mutex::new(receive));
        process
    }

    /// Does the same and leaves its stdout alone.
    pub fn start_unread(mut command: Command, stdout: Stdio) -> Self {
        let mut child = command
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut said = String::new();
        let address = loop {
            let start = said.len();
            let length = stderr.read_line(&mut said).expect("stderr is text");
            assert!(length > 0, "it ended, {:?}: {said}", child.wait());
            let address = said[start..].trim().strip_prefix("listening on http://");
            if let Some(address) = address {
                break address
                    .parse()
                    .unwrap_or_else(|_| panic!("not an address: {said}"));
            }
        };
        let said = Arc::new(Mutex::new(said));
        let shared = said.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut bytes) {
                let mut said = shared.lock().expect("nobody panics with it");
                said.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self {
            child,
            address,
            stdout: None,
            stderr: said,
        }
    }

    /// Where it serves, as a client on this machine reaches it.
    pub fn address(&self) -> SocketAddr {
        if self.address.ip().is_unspecified() {
            return (Ipv4Addr::LOCALHOST, self.port()).into();
        }
        self.address
    }

    /// The port that it serves.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to stderr until now.
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("nobody panics with it").clone()
    }

    /// Takes its stdout, if nothing else reads it.
    pub fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("nothing has taken it")
    }

    /// Connects to it.
    pub fn connect(&self) -> Connection {
        Connection::open(self.address()).expect("it listens")
    }

    /// Sends a GET request on a connection of its own.
    pub fn get(&self, path: &str) -> Response {
        self.get_with(path, "")
    }

    /// Sends a GET request with these headers: whole lines, each with `\r\n`.
    pub fn get_with(&self, path: &str, headers: &str) -> Response {
        let response = self.connect().get_with(path, headers);
        response.unwrap_or_else(|error| panic!("{path} is not answered: {error}"))
    }

    /// Waits for the next line on stdout that contains `part`.
    pub fn line(&self, part: &str) -> String {
        let stdout = self.stdout.as_ref().expect("its lines are read");
        let stdout = stdout.lock().expect("nobody panics with it");
        let began = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(began.elapsed());
            let line = stdout.recv_timeout(left);
            let line = line.unwrap_or_else(|error| panic!("no line with {part:?}: {error}"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Sends a signal, such as `TERM`. The process may have ended by now.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Sends SIGTERM until it has ended.
    pub fn insist(&mut self) {
        until("it ends", || {
            self.signal("TERM");
            thread::sleep(Duration::from_millis(20));
            self.child.try_wait().expect("it is a child").is_some()
        });
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> ExitStatus {
        ended(&mut self.child)
    }

    /// Sends SIGTERM and waits until it has ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Kills it.
    pub fn kill(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }

    /// Waits until it has ended. Returns how, and the lines that were left on its stdout.
    pub fn end(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.wait();
        let stdout = self.stdout.take().expect("its lines are read");
        let stdout = stdout.into_inner().expect("nobody panics with it");
        (status, stdout.iter().collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
