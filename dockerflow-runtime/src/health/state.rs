//! What the workers and the health thread share: the checks, their deadlines and history, and what may be shown of them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    blocking::Blocking,
    check::Check,
    faults::timed_out,
    history::{CheckHistory, History},
    message::Message,
    observer::HeartbeatObserver,
    options::HealthOptions,
    report::{CheckReport, Report},
    written::WrittenReport,
};
use crate::lock::lock;

/// A probe waits this much longer than the longest deadline of a check. With the default deadline, it waits less than the second
/// that probers usually give it.
pub(super) const SLACK: Duration = Duration::from_millis(100);

/// The state of the health checks of one server.
pub(super) struct HealthState {
    pub(super) checks: Arc<[Check]>,
    /// The deadline of a check that has none of its own.
    timeout: Duration,
    /// The deadline of a probe.
    pub(super) whole: Duration,
    /// How long a check may go on after its deadline, at least.
    pub(super) grace: Duration,
    /// Whether texts and data may be shown.
    details: bool,
    silenced: Vec<String>,
    pub(super) history: Mutex<History>,
    pub(super) observers: Mutex<Vec<HeartbeatObserver>>,
    pub(super) blocking: Arc<Blocking>,
}

impl HealthState {
    pub(super) fn new(checks: Vec<Check>, options: &HealthOptions) -> Self {
        let longest = checks.iter().filter_map(|check| check.timeout).max();
        let checks: Arc<[Check]> = checks.into();
        Self {
            timeout: options.timeout,
            whole: options.timeout.max(longest.unwrap_or_default()) + SLACK,
            grace: Duration::from_secs(30),
            details: options.details,
            silenced: options.silenced.clone(),
            history: Mutex::new(History::new(checks.len())),
            observers: Mutex::default(),
            blocking: Arc::new(Blocking::new(checks.clone())),
            checks,
        }
    }

    /// Returns the last runs of the check that is named `name`.
    pub(super) fn history(&self, name: &str) -> CheckHistory {
        let index = self.checks.iter().position(|check| check.name == name);
        index.map_or_else(CheckHistory::default, |index| lock(&self.history).of(index))
    }

    /// Returns the deadline of `check`, from the start of a run.
    pub(super) fn limit(&self, check: &Check) -> Duration {
        check.timeout.unwrap_or(self.timeout)
    }

    pub(super) fn check_report(
        &self,
        check: &Check,
        duration: Duration,
        messages: Vec<Message>,
    ) -> CheckReport {
        CheckReport::of_check(check, duration, messages, &self.silenced)
    }

    pub(super) fn write(&self, report: Report) -> WrittenReport {
        WrittenReport {
            passed: report.passed(),
            brief: report.to_json(false).into(),
            detailed: self.details.then(|| report.to_json(true).into()),
            report: Arc::new(report),
        }
    }

    /// Makes the report of what has been found so far, for a probe whose deadline passes before the run ends. It is not kept.
    pub(super) fn overdue(&self, progress: &Mutex<Vec<Option<CheckReport>>>) -> WrittenReport {
        self.blocking.report_current();
        let found = lock(progress).clone();
        let reports = self.checks.iter().zip(found).map(|(check, report)| {
            report.unwrap_or_else(|| {
                self.check_report(check, self.whole, vec![timed_out(check, self.whole)])
            })
        });
        self.write(Report::new(reports.collect(), self.whole))
    }
}
