//! What of a run is worth a line in the log? What has changed; not every probe.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{LOG, milliseconds};
use crate::{
    check::{Level, Message},
    report::{Finding, Report},
};

/// How long the same trouble is left alone although its text differs.
const QUIET: Duration = Duration::from_secs(60);

/// What the log says of each check until now.
pub(super) struct Changes(Vec<Known>);

struct Known {
    ids: BTreeSet<(Level, String)>,
    texts: Vec<String>,
    /// Since when the check has said something.
    since: Instant,
    logged: Instant,
}

impl Changes {
    pub(super) fn new(checks: usize) -> Self {
        let now = Instant::now();
        let quiet = || Known {
            ids: BTreeSet::new(),
            texts: Vec::new(),
            since: now,
            logged: now,
        };
        Self((0..checks).map(|_| quiet()).collect())
    }

    pub(super) fn log(&mut self, report: &Report) {
        for (known, finding) in self.0.iter_mut().zip(report.findings()) {
            known.update(finding);
        }
    }
}

impl Known {
    fn update(&mut self, finding: &Finding) {
        let ids: BTreeSet<_> = finding.said().map(|(message, _)| state(message)).collect();
        let texts = || finding.said().map(|(message, _)| message.text.clone());
        let changed = ids != self.ids;
        if !changed && (self.logged.elapsed() < QUIET || texts().eq(self.texts.iter().cloned())) {
            return;
        }
        if ids.is_empty() {
            let lasted = self.since.elapsed();
            log::info!(
                target: LOG, check = finding.name(), duration_ms = milliseconds(lasted);
                "the check {:?} is well again, after {lasted:.1?}", finding.name()
            );
        } else if self.ids.is_empty() {
            self.since = Instant::now();
        }
        for (message, silenced) in finding.said() {
            write(finding, message, silenced);
        }
        if finding.omitted() > 0 {
            log::warn!(
                target: LOG, check = finding.name();
                "the check {:?} said {} more", finding.name(), finding.omitted()
            );
        }
        self.texts = texts().collect();
        self.ids = ids;
        self.logged = Instant::now();
    }
}

/// A check that hangs times out in one run and is still running in the next: that is one trouble.
fn state(message: &Message) -> (Level, String) {
    let id = match message.id.strip_suffix(".running") {
        Some(check) => format!("{check}.timeout"),
        None => message.id.to_string(),
    };
    (message.level, id)
}

fn write(finding: &Finding, message: &Message, silenced: bool) {
    let level = match message.level {
        Level::Critical | Level::Error => log::Level::Error,
        Level::Warning => log::Level::Warn,
        Level::Info => log::Level::Info,
        Level::Debug | Level::Ok => log::Level::Debug,
    };
    let (check, id, text) = (finding.name(), message.id(), message.text());
    let duration_ms = milliseconds(finding.duration());
    match &message.cause {
        Some(cause) => log::log!(
            target: LOG, level, check, id, silenced, duration_ms, cause = cause.as_str(); "{id}: {text}"
        ),
        None => log::log!(target: LOG, level, check, id, silenced, duration_ms; "{id}: {text}"),
    }
}
