//! The program under test: its process, and requests to it.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use support::{Process, Response, exchange, run, text, until};
use tempfile::TempDir;

const LOG: &str = "log";

pub(crate) struct Server {
    process: Process,
    variables: Vec<(String, String)>,
    folder: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    response: Response,
}

impl Server {
    /// Starts the program with a new database, on a free port.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Does the same with further environment variables.
    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the database");
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        Self {
            process: launch(folder.path(), &variables),
            variables,
            folder,
        }
    }

    /// Another process on the same database.
    pub(crate) fn join(&self) -> Self {
        let file = self.folder.path().join("harbour.db");
        Self::start_with(&[("DATABASE_URL", &format!("sqlite:{}", file.display()))])
    }

    /// Returns what the process has logged until now.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join(LOG)).expect("a log");
        let lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        lines
            .map(|line| serde_json::from_str(line).expect("mozlog"))
            .collect()
    }

    /// Kills the process and starts it again on its database.
    pub(crate) fn restart(&mut self) {
        self.process.kill();
        self.process = launch(self.folder.path(), &self.variables);
    }

    /// Asks the process to end, and waits until it did: its exit code, and the files that are left.
    pub(crate) fn terminate(&mut self) -> (Option<i32>, Vec<String>) {
        let code = self.process.stop().code();
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
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers = lines.collect::<String>();
        let response = exchange(self.process.address(), method, path, &headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        Answer {
            status: response.status,
            text: response.body.clone(),
            response,
        }
    }

    /// Asks again and again until `condition` holds.
    pub(crate) fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        until(what, || condition(self));
    }
}

impl Answer {
    /// Returns a header, or "" if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.response.header(name).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        self.response.json()
    }
}

/// The exit code of a program that does not start, and all that it printed.
pub(crate) fn refused(variables: &[(&str, &str)]) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = command(folder.path());
    command.envs(variables.iter().copied());
    let output = run(command);
    (
        output.status.code().expect("no signal"),
        text(&[output.stdout, output.stderr].concat()),
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

/// Starts the program on a port that the system chooses.
fn launch(folder: &Path, variables: &[(String, String)]) -> Process {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join(LOG))
        .expect("a log");
    let mut command = command(folder);
    command.env("PORT", "0").envs(variables.iter().cloned());
    Process::start_unread(command, log.into())
}
