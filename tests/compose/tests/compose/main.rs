//! dockerflow beside other telemetry: each test starts a program and looks at its log, and at what a receiver was sent.

mod loggers;
mod opentelemetry;
mod receiver;
mod sentry;

use std::{
    process::{Command, Stdio},
    thread,
};

use serde_json::Value;
use support::Process;

/// Returns a command with an environment of its own.
fn command(program: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    command.envs([
        ("PORT", "0"),
        ("HOST", "127.0.0.1"),
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
        ("WORKERS", "1"),
        ("DOCKERFLOW_HEARTBEAT_TTL", "0s"),
    ]);
    command.envs(variables.iter().copied());
    command
}

/// What a program has written.
struct Written {
    lines: Vec<Value>,
    stderr: String,
}

/// Starts a program, asks it, stops it.
fn serve(program: &str, variables: &[(&str, &str)], ask: impl FnOnce(&Process)) -> Written {
    let mut served = Process::start_unread(command(program, variables), Stdio::piped());
    let stdout = served.stdout();
    let reader = thread::spawn(move || std::io::read_to_string(stdout));
    ask(&served);
    let status = served.stop();
    assert!(status.success(), "{status:?}: {}", served.stderr());
    let stdout = reader.join().expect("it only reads").expect("text");
    let lines = stdout.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        line
    });
    Written {
        lines: lines.collect(),
        stderr: served.stderr(),
    }
}

impl Written {
    /// Returns the fields of the one line with this message.
    fn saying(&self, message: &str) -> &Value {
        let mut lines = self.lines.iter().map(|line| &line["Fields"]);
        let found = lines.find(|fields| fields["msg"] == message);
        found.unwrap_or_else(|| panic!("nothing says {message:?}: {:#?}", self.lines))
    }

    fn says(&self, message: &str) -> bool {
        self.lines
            .iter()
            .any(|line| line["Fields"]["msg"] == message)
    }

    /// Returns the fields of the summary of a path.
    fn summary(&self, path: &str) -> &Value {
        let mut summaries = self
            .lines
            .iter()
            .filter(|line| line["Type"] == "request.summary");
        let found = summaries.find(|line| line["Fields"]["path"] == path);
        &found.unwrap_or_else(|| panic!("no summary of {path}: {:#?}", self.lines))["Fields"]
    }

    /// Returns the messages of the log about itself at WARNING and above.
    fn warnings(&self) -> Vec<&str> {
        let lines = self
            .lines
            .iter()
            .filter(|line| line["Severity"].as_u64() < Some(6));
        let ours = lines.filter(|line| {
            let target = line["Type"].as_str().unwrap_or_default();
            target.starts_with("dockerflow")
        });
        ours.filter_map(|line| line["Fields"]["msg"].as_str())
            // A build without `.git` has no commit.
            .filter(|message| !message.starts_with("/__version__ has no"))
            .collect()
    }
}
