//! The report that a run owes the probes that wait for it.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use super::{
    flight::{Flight, Flights, Joined, Waiter},
    report::{CheckReport, Report},
    state::HealthState,
    written::WrittenReport,
};
use crate::lock::lock;

/// What the checks of a run have found so far.
pub(super) type Progress = Arc<Mutex<Vec<Option<CheckReport>>>>;

/// The runs of a server's checks.
pub(super) type Runs = Flights<WrittenReport, Progress>;

/// What a probe is to do for its report.
pub(super) type JoinedRun = Joined<WrittenReport, Progress>;

/// The receiving end of a run.
pub(super) type RunWaiter = Waiter<WrittenReport, Progress>;

/// Sends the report of one run. If it is dropped before, those who wait learn that the run was lost.
pub(super) struct Promise {
    state: Arc<HealthState>,
    flight: Flight<WrittenReport, Progress>,
    pub(super) progress: Progress,
    pub(super) began: Instant,
}

impl Promise {
    /// Makes the promise of a run that begins now.
    pub(super) fn new(
        state: Arc<HealthState>,
        flight: Flight<WrittenReport, Progress>,
        progress: Progress,
    ) -> Self {
        Self {
            state,
            flight,
            progress,
            began: Instant::now(),
        }
    }

    /// Sends the report to everyone who waits, and keeps it.
    pub(super) fn keep(self, report: Report) -> Arc<Report> {
        let written = self.state.write(report);
        let report = written.report.clone();
        lock(&self.state.history).add(&report);
        self.flight.land(written);
        report
    }
}
