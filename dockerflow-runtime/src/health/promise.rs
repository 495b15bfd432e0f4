//! The run's side of its waiters: it sends them the report. If it is dropped before, they learn that the run was lost.

use std::{sync::Arc, time::Instant};

use super::{
    report::Report,
    state::HealthState,
    waiter::{Progress, Sender, Waiter},
};

/// Sends the report of one run.
pub(super) struct Promise {
    pub(super) state: Arc<HealthState>,
    sender: Sender,
    kept: bool,
    pub(super) progress: Progress,
    pub(super) began: Instant,
}

impl Promise {
    /// Begins a run. The waiter is for the probes that want its report.
    pub(super) fn new(state: Arc<HealthState>) -> (Self, Waiter) {
        let (waiter, sender) = Waiter::new(state.checks.len());
        let promise = Self {
            state,
            sender,
            kept: false,
            progress: waiter.progress.clone(),
            began: Instant::now(),
        };
        (promise, waiter)
    }

    /// Sends the report to every waiter, and keeps it.
    pub(super) fn keep(mut self, report: Report) -> Arc<Report> {
        let written = self.state.write(report);
        let report = written.report.clone();
        self.kept = true;
        self.state.end(Some(&written));
        let _every_prober_may_be_gone = self.sender.send(Some(written));
        report
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.kept {
            self.state.end(None);
        }
    }
}
