//! The names and constant tags of metrics, and the gauges that are read when metrics are sent.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    names::{Names, Ours},
    refused::Refused,
    statsd::{Own, plain_into},
};
use crate::{lock::lock, logging};

/// The names, the tags and the gauges of a server.
pub(super) struct State {
    names: Names,
    prefix: String,
    /// The constant tags, each with a comma before it.
    pub(super) tags: String,
    pub(super) in_flight: AtomicU64,
    gauges: Mutex<Vec<(String, Arc<Gauges>)>>,
    /// Lost lines of the log: how many statsd has been sent, and how many it has once the lines under way are sent.
    logs: Mutex<(u64, u64)>,
    pub(super) refused: Refused,
}

/// Why a metric of the app is not sent that has the name of one of ours.
pub(super) const OURS: &str =
    "dockerflow measures something else under this name, which STATSD_NAMES can change";

/// Reads the values of some gauges.
pub(super) type Gauges = dyn Fn() -> Vec<(&'static str, u64)> + Send + Sync;

impl State {
    pub(super) fn new(prefix: &str, tags: &[(String, String)], names: Names) -> Self {
        Self {
            names,
            prefix: if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}.")
            },
            tags: tags.iter().fold(String::new(), |mut all, (key, value)| {
                all.extend([",", key, ":", value]);
                all
            }),
            in_flight: AtomicU64::new(0),
            gauges: Mutex::default(),
            logs: Mutex::default(),
            refused: Refused::default(),
        }
    }

    /// Whether this whole name is that of a metric of ours.
    pub(super) fn is_ours(&self, name: &str) -> bool {
        self.names.meaning(name).is_some()
    }

    /// The name without the prefix.
    pub(super) fn bare<'a>(&self, name: &'a str) -> &'a str {
        name.strip_prefix(&self.prefix).unwrap_or(name)
    }

    pub(super) fn name(&self, metric: Ours) -> Option<&str> {
        self.names.of(metric)
    }

    /// All names of ours that are not off.
    #[cfg(feature = "prometheus")]
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    #[cfg(feature = "prometheus")]
    pub(super) fn meaning(&self, name: &str) -> Option<&'static str> {
        self.names.meaning(name)
    }

    /// The tags behind a line of ours that has none of its own.
    pub(super) fn lone_tags(&self) -> String {
        self.tags
            .strip_prefix(',')
            .map(|tags| format!("|#{tags}"))
            .unwrap_or_default()
    }

    /// Registers `read` for the gauges `name.…`, in place of an earlier function of this name.
    pub(super) fn observe(&self, name: &str, read: Arc<Gauges>) {
        let mut gauges = lock(&self.gauges);
        gauges.retain(|(earlier, _)| earlier != name);
        gauges.push((name.to_owned(), read));
    }

    /// Calls `put` with each gauge: its whole name and its value.
    pub(super) fn gauges(&self, mut put: impl FnMut(&str, u64)) {
        if let Some(name) = self.name(Ours::InFlight) {
            put(name, self.in_flight.load(Ordering::Relaxed));
        }
        // Not under the lock: these are functions of the app.
        let gauges = lock(&self.gauges).clone();
        for (name, read) in gauges {
            for (part, value) in read() {
                let mut whole = self.prefix.clone().into_bytes();
                plain_into(&mut whole, &name);
                whole.push(b'.');
                plain_into(&mut whole, part);
                let whole = String::from_utf8_lossy(&whole);
                if self.is_ours(&whole) {
                    self.refused.warn(&whole, "sent", OURS);
                } else {
                    put(&whole, value);
                }
            }
        }
    }
}

impl Own for State {
    fn lines(&self, lost: u64, into: &mut String) {
        let tags = self.lone_tags();
        self.gauges(|name, value| {
            into.extend([name, ":", &value.to_string(), "|g", &tags, "\n"]);
        });
        let now = logging::dropped();
        let mut logs = lock(&self.logs);
        logs.1 = now;
        for (metric, count) in [
            (Ours::LogDropped, now - logs.0),
            (Ours::MetricsDropped, lost),
        ] {
            if let (1.., Some(name)) = (count, self.name(metric)) {
                into.extend([name, ":", &count.to_string(), "|c", &tags, "\n"]);
            }
        }
    }

    fn sent(&self) {
        let mut logs = lock(&self.logs);
        logs.0 = logs.1;
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("State")
            .field("names", &self.names)
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}
