//! A server that telemetry is sent to.

use std::{
    env,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use support::{get, skip};

/// The process of `receiver.py`.
pub(crate) struct Receiver {
    child: Child,
    address: SocketAddr,
}

impl Receiver {
    /// Starts one. The test is skipped if this machine's Python lacks `opentelemetry-proto`.
    pub(crate) fn start() -> Option<Self> {
        let python = env::var("PYTHON").unwrap_or_else(|_| "python3".into());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/receiver.py");
        let mut command = Command::new(python);
        let started = command.arg(script).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = started else {
            skip("there is no python3");
            return None;
        };
        let mut port = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut port).expect("text");
        let Ok(port) = port.trim().parse::<u16>() else {
            skip(
                "python3 has no opentelemetry-proto: pip install opentelemetry-proto, and name that python in PYTHON",
            );
            return None;
        };
        Some(Self {
            child,
            address: (Ipv4Addr::LOCALHOST, port).into(),
        })
    }

    /// Where spans are sent.
    pub(crate) fn otlp(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    /// Where errors are sent.
    pub(crate) fn dsn(&self) -> String {
        format!("http://{KEY}@{}/42", self.address)
    }

    fn received(&self) -> Value {
        get(self.address, "/received").expect("it answers").json()
    }

    /// Returns the spans that have come.
    pub(crate) fn spans(&self) -> Vec<Value> {
        let mut received = self.received();
        serde_json::from_value(received["spans"].take()).expect("a list")
    }

    /// Returns the events of Sentry that have come.
    pub(crate) fn events(&self) -> Vec<Value> {
        let received = self.received();
        let items = received["items"].as_array().expect("a list");
        let events = items.iter().filter(|item| item["type"] == "event");
        events.map(|item| item["payload"].clone()).collect()
    }
}

/// The secret part of a DSN.
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}
