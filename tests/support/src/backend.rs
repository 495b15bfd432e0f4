//! Servers that a service depends on: their programs, their processes, a `PostgreSQL` cluster.

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{PATIENCE, is_root, skip};

/// Finds a program on the `PATH` or in `…/<version>/bin` of these directories. Without it the test is [skipped](skip).
pub fn tool(name: &str, directories: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let versions = directories
        .iter()
        .flat_map(fs::read_dir)
        .flatten()
        .flatten();
    let mut files = env::split_paths(&path)
        .chain(versions.map(|version| version.path().join("bin")))
        .map(|directory| directory.join(name));
    let found = files.find(|file| file.is_file());
    if found.is_none() {
        skip(&format!("there is no {name} on this machine"));
    }
    found
}

/// Returns a listener on loopback, and its port.
pub fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    (listener, port)
}

/// Returns a TCP port that was free a moment ago.
pub fn free_port() -> u16 {
    listen().1
}

/// Returns a command that starts Redis on a port of loopback, without a file. Without the program the test is [skipped](skip).
pub fn redis_server(port: u16) -> Option<Command> {
    let mut command = Command::new(tool("redis-server", &[])?);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--save", "", "--appendonly", "no"]);
    Some(command)
}

/// The process of a server. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Backend(Child);

impl Backend {
    /// Starts a server until it listens: a killed one may leave its port or its memory taken for a moment.
    pub fn start(command: &mut Command, port: u16) -> Self {
        let began = Instant::now();
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .stdin(Stdio::null());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut backend = Self(command.spawn().expect("it is a program"));
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < PATIENCE, "{command:?} does not listen");
            thread::sleep(Duration::from_millis(20));
            if backend.0.try_wait().expect("a child").is_some() {
                backend = Self(command.spawn().expect("it is a program"));
            }
        }
        backend
    }

    /// Stops every process of the server, as a machine that is out of memory or a network that drops packets does: its connections
    /// stay open, and nothing answers. It goes on when the returned value is dropped.
    pub fn freeze(&self) -> Frozen<'_> {
        self.signal("-STOP");
        Frozen(self)
    }

    /// Sends a signal to the server, and then to the processes that it has started.
    fn signal(&self, signal: &str) {
        let kill = |process: u32| {
            let status = Command::new("kill")
                .args([signal, &process.to_string()])
                .status();
            let _one_may_have_ended = status.expect("it is a program");
        };
        let server = self.0.id();
        kill(server);
        for entry in fs::read_dir("/proc").expect("Linux").flatten() {
            let Some(process) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
            if parent.is_some_and(|parent| parent.trim() == server.to_string()) {
                kill(process);
            }
        }
    }
}

/// A server whose processes are stopped, until this value is dropped.
#[derive(Debug)]
pub struct Frozen<'a>(&'a Backend);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.signal("-CONT");
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended
        let _ = self.0.wait();
    }
}

/// A `PostgreSQL` cluster of its own, in a directory that is removed with it.
#[derive(Debug)]
pub struct Postgres {
    directory: TempDir,
    binaries: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes a cluster with one user, who has a password.
    pub fn make(initdb: &Path, user: &str, password: &str) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let binaries = fs::canonicalize(initdb).expect("it is there");
        let binaries = binaries
            .parent()
            .expect("a file is in a directory")
            .to_owned();
        let file = directory.path().join("password");
        fs::write(&file, password).expect("a free disk");
        if let Some(user) = unprivileged() {
            for path in [directory.path(), &file] {
                chown(path, Some(user), Some(user)).expect("root may");
            }
        }
        let cluster = Self {
            port: free_port(),
            directory,
            binaries,
        };
        let mut initdb = cluster.command("initdb");
        initdb.args(["--username", user, "--auth", "scram-sha-256", "--no-sync"]);
        let output = initdb.arg("--pwfile").arg(file).output();
        let output = output.expect("it is a program");
        assert!(output.status.success(), "{output:?}");
        cluster
    }

    /// The port that it is started on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts its server.
    pub fn start(&self) -> Backend {
        self.start_with(&[])
    }

    /// Starts its server with these settings: `max_connections=6`.
    pub fn start_with(&self, settings: &[&str]) -> Backend {
        let mut postgres = self.command("postgres");
        postgres.args(["-p", &self.port.to_string()]);
        postgres.args(["-c", "listen_addresses=127.0.0.1"]);
        postgres.args(["-c", "unix_socket_directories=", "-c", "fsync=off"]);
        for setting in settings {
            postgres.args(["-c", setting]);
        }
        Backend::start(&mut postgres, self.port)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command
            .arg("-D")
            .arg(self.directory.path().join("data"))
            .current_dir("/");
        if let Some(user) = unprivileged() {
            command.uid(user).gid(user);
        }
        command
    }
}

/// `PostgreSQL` refuses to be run by root; `nobody` may.
fn unprivileged() -> Option<u32> {
    is_root().then_some(65_534)
}
