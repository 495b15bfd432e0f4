//! The record of the start: what runs, where it listens, and with which settings.

use std::io::{self, Write as _};

use serde_json::Value;

use crate::service::{Shared, TARGET};

/// What is logged about a server.
#[derive(Debug)]
pub(super) struct Announced {
    /// How many addresses it has: each worker has an app for each of them.
    pub(super) listeners: usize,
    pub(super) addresses: Vec<String>,
    /// Whether the system chose a port.
    pub(super) port_was_chosen: bool,
}

/// Logs the record, and prints addresses that the system chose. `set` are the variables that are set.
pub(super) fn announce(all: &[Announced], shared: &[Shared], set: &str) {
    let engine = shared[0].engine();
    let version = engine
        .as_ref()
        .and_then(|engine| serde_json::from_slice::<Value>(&engine.version).ok());
    let fact = |key| {
        let fact = version
            .as_ref()
            .and_then(|version| version.get(key)?.as_str());
        fact.unwrap_or_default().to_owned()
    };
    let checks = engine.map(|engine| {
        let each = engine.heartbeat.checks().map(|check| check.to_string());
        each.collect::<Vec<_>>().join(", ")
    });
    let checks = checks.unwrap_or_default();
    // An HttpServer's builder may have changed their number.
    let workers = shared[0].apps() / all[0].listeners.max(1);
    let addresses: Vec<_> = all.iter().flat_map(|one| one.addresses.clone()).collect();
    log::info!(
        target: TARGET,
        source = fact("source"),
        version = fact("version"),
        commit = fact("commit"),
        build = fact("build"),
        checks = checks.as_str(),
        workers = workers,
        settings = set;
        "listening on {}", addresses.join(", ")
    );
    for one in all.iter().filter(|one| one.port_was_chosen) {
        for address in &one.addresses {
            // A port that the system chose must be known, whatever the log level.
            let _ = writeln!(io::stderr(), "listening on {address}");
        }
    }
}
