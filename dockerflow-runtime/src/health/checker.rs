//! When do the checks run, and which probe gets which report? There is one run at a time, and its report is fresh for a while.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use actix_web::HttpRequest;
use tokio::{sync::oneshot, time::timeout_at};

use super::{
    definition::Definition,
    extract::extract,
    history::CheckHistory,
    observer::HeartbeatObserver,
    options::HealthOptions,
    promise::{JoinedRun, Promise, RunWaiter, Runs},
    records::TARGET,
    registry::RegisteredCheck,
    run::Run,
    state::HealthState,
    thread::Thread,
    written::WrittenReport,
};
use crate::lock::lock;

/// The checks of a server, and their last report.
pub(crate) struct HealthChecker {
    definitions: Arc<[Definition]>,
    state: Arc<HealthState>,
    runs: Arc<Runs>,
    thread: Thread,
}

impl HealthChecker {
    /// Takes the checks, sorted by name. No check runs, and no thread starts, before the first probe.
    pub(crate) fn new(definitions: Vec<Definition>, options: &HealthOptions) -> Self {
        let checks = definitions.iter().map(|one| one.check.clone()).collect();
        Self::with(definitions, HealthState::new(checks, options), options.ttl)
    }

    pub(super) fn with(definitions: Vec<Definition>, state: HealthState, ttl: Duration) -> Self {
        let state = Arc::new(state);
        Self {
            runs: Runs::new(ttl),
            thread: Thread::new(state.clone()),
            definitions: definitions.into(),
            state,
        }
    }

    /// Returns the checks, by name.
    pub(crate) fn checks(&self) -> impl ExactSizeIterator<Item = RegisteredCheck> {
        self.state.checks.iter().cloned().map(RegisteredCheck)
    }

    /// Returns whether there is a check with this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.state.checks.iter().any(|check| check.name == name)
    }

    /// Returns the last runs of the check that is named `name`.
    pub(crate) fn history(&self, name: &str) -> CheckHistory {
        self.state.history(name)
    }

    /// Calls `observer` after each run.
    pub(crate) fn observe(&self, observer: HeartbeatObserver) {
        lock(&self.state.observers).push(observer);
    }

    /// Returns the last report if it is fresh, without waiting. Almost every probe is answered this way, so it must cost next to nothing.
    pub(crate) fn fresh(&self) -> Option<WrittenReport> {
        self.runs.fresh()
    }

    /// Returns the last report if it is fresh, else that of the run in flight, else that of a new run whose arguments come from
    /// `request`. Takes at most the longest deadline of a check and [`SLACK`](super::state::SLACK).
    ///
    /// A run belongs to the server and goes on if the caller goes away.
    pub(crate) async fn report(&self, request: &HttpRequest) -> WrittenReport {
        let deadline = Instant::now() + self.state.whole;
        let mut waiter = match self.join(request) {
            Ok(waiter) => waiter,
            Err(report) => return report,
        };
        let mut report = timeout_at(deadline.into(), waiter.result()).await;
        if let Ok(None) = report {
            // The worker that extracted the arguments has stopped. This one has not.
            waiter = match self.join(request) {
                Ok(waiter) => waiter,
                Err(report) => return report,
            };
            report = timeout_at(deadline.into(), waiter.result()).await;
        }
        match report {
            Ok(Some(report)) => report,
            Ok(None) | Err(_) => self.state.overdue(&waiter.progress),
        }
    }

    /// Returns a waiter for the run in flight, or for a new one; `Err` is a report that is ready.
    fn join(&self, request: &HttpRequest) -> Result<RunWaiter, WrittenReport> {
        let progress = || Arc::new(Mutex::new(vec![None; self.state.checks.len()]));
        let (flight, waiter) = match self.runs.join(progress) {
            JoinedRun::Fresh(report) => return Err(report),
            JoinedRun::Waiting(waiter) => return Ok(waiter),
            JoinedRun::First(flight, waiter) => (flight, waiter),
        };
        let promise = Promise::new(self.state.clone(), flight, waiter.progress.clone());
        let channels = self.definitions.iter().map(|_| oneshot::channel());
        let (senders, arguments) = channels.unzip::<_, _, Vec<_>, Vec<_>>();
        let mut observers = lock(&self.state.observers).clone();
        observers.extend(request.app_data::<HeartbeatObserver>().cloned());
        let run = Run {
            promise,
            arguments,
            observers,
        };
        if let Err(error) = self.thread.send(run) {
            log::error!(target: TARGET, "the health thread cannot start: {error}");
            return Err(self.state.overdue(&waiter.progress));
        }
        // Detached, so that the run outlives the connection of the client that happened to come first.
        actix_web::rt::spawn(extract(
            self.definitions.clone(),
            request.clone(),
            senders,
            self.state.blocking.clone(),
        ));
        Ok(waiter)
    }
}

impl fmt::Debug for HealthChecker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HealthChecker")
            .field("checks", &self.definitions)
            .finish_non_exhaustive()
    }
}
