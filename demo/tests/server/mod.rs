//! The program under test: its process, and requests to it.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use ureq::{Agent, http};

/// What no test should have to wait for: on a busy machine, too.
const PATIENCE: Duration = Duration::from_mins(1);

const LOG: &str = "log";

pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
    agent: Agent,
    variables: Vec<(String, String)>,
    folder: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    headers: http::HeaderMap,
}

impl Server {
    /// With a new database, on a free port.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Likewise, with further environment variables.
    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the database");
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let (process, address) = launch(folder.path(), &variables);
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        Self {
            process,
            address,
            agent,
            variables,
            folder,
        }
    }

    /// Another process on the same database.
    pub(crate) fn join(&self) -> Self {
        let file = self.folder.path().join("harbour.db");
        Self::start_with(&[("DATABASE_URL", &format!("sqlite:{}", file.display()))])
    }

    /// What the process logged until now.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join(LOG)).expect("a log");
        let lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        lines
            .map(|line| serde_json::from_str(line).expect("mozlog"))
            .collect()
    }

    /// Kills the process, and starts it again on its database.
    pub(crate) fn restart(&mut self) {
        self.stop();
        (self.process, self.address) = launch(self.folder.path(), &self.variables);
    }

    /// Asks the process to end, and waits until it did: its exit code, and the files that are left.
    pub(crate) fn terminate(&mut self) -> (Option<i32>, Vec<String>) {
        let kill = format!("kill -TERM {}", self.process.id());
        let told = Command::new("sh").args(["-c", &kill]).status();
        assert!(told.expect("a shell").success());
        let code = self.process.wait().expect("it ends").code();
        let files = fs::read_dir(self.folder.path()).expect("its folder");
        let mut names: Vec<_> = files
            .map(|file| {
                file.expect("a file")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        (code, names)
    }

    fn stop(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    /// Overwrites the database's files.
    pub(crate) fn break_database(&self) {
        for name in ["harbour.db", "harbour.db-wal", "harbour.db-shm"] {
            let path = self.folder.path().join(name);
            let length = fs::metadata(&path).map_or(0, |file| file.len());
            fs::write(
                &path,
                vec![0xFF; usize::try_from(length).expect("it is small")],
            )
            .expect("it can be written");
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    pub(crate) fn head(&self, path: &str) -> Answer {
        self.send("HEAD", path, &[], "")
    }

    /// Sends the form.
    pub(crate) fn sign(&self, form: &str) -> Answer {
        self.send(
            "POST",
            "/",
            &[("content-type", "application/x-www-form-urlencoded")],
            form,
        )
    }

    pub(crate) fn post_json(&self, body: &Value) -> Answer {
        self.send(
            "POST",
            "/api/entries",
            &[("content-type", "application/json")],
            &body.to_string(),
        )
    }

    /// How many entries there are.
    pub(crate) fn total(&self) -> u64 {
        self.get("/api/entries").json()["total"]
            .as_u64()
            .expect("a number")
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = if body.is_empty() {
            self.agent.run(request.body(()).expect("a request"))
        } else {
            self.agent.run(request.body(body).expect("a request"))
        };
        let (head, mut body) = answer
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
            .into_parts();
        let text = body.read_to_string().expect("text");
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            text,
        }
    }

    /// Asks again and again until `condition` holds.
    pub(crate) fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(Instant::now() < end, "{what} did not come");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill(); // It may have ended.
        let _ = self.process.wait();
    }
}

impl Answer {
    /// A header; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// The exit code of a program that does not start, and all that it printed.
pub(crate) fn refused(variables: &[(&str, &str)]) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = command(folder.path())
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().expect("no signal"),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// The program in an otherwise empty folder, with an environment that is empty but for the loopback address.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockerflow-demo"));
    command
        .current_dir(folder)
        .env_clear()
        .env("HOST", "127.0.0.1")
        .stdin(Stdio::null());
    command
}

/// Starts the program on a port that the system chooses, and waits until it says which.
fn launch(folder: &Path, variables: &[(String, String)]) -> (Child, SocketAddr) {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join(LOG))
        .expect("a log");
    let mut process = command(folder)
        .env("PORT", "0")
        .envs(variables.iter().cloned())
        .stdout(log)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut said = BufReader::new(process.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while said.read_line(&mut line).expect("text") > 0 {
        if let Some(address) = line.trim().strip_prefix("listening on http://") {
            let address = address.parse().expect("an address");
            thread::spawn(move || said.read_to_end(&mut Vec::new())); // A full pipe would stop it.
            return (process, address);
        }
        line.clear();
    }
    panic!("it ended: {:?}", process.wait());
}
