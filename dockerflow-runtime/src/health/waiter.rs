//! The receiving end of a run: a probe waits for the report, and sees what has been found so far.

use std::sync::{Arc, Mutex};

use actix_web::web::Bytes;
use tokio::sync::watch;

use super::report::{CheckReport, Report};

/// A report with its JSON, which is written once for all probes.
#[derive(Clone, Debug)]
pub(crate) struct WrittenReport {
    pub(crate) report: Arc<Report>,
    /// Whether the service is healthy.
    pub(crate) passed: bool,
    /// Without texts and data.
    pub(crate) brief: Bytes,
    /// With texts and data, if they may be shown.
    pub(crate) detailed: Option<Bytes>,
}

/// What the checks of a run have found so far.
pub(super) type Progress = Arc<Mutex<Vec<Option<CheckReport>>>>;

/// The sender of a run's report.
pub(super) type Sender = watch::Sender<Option<WrittenReport>>;

#[derive(Clone)]
pub(super) struct Waiter {
    report: watch::Receiver<Option<WrittenReport>>,
    pub(super) progress: Progress,
}

impl Waiter {
    /// Makes the waiter of a run of `checks` checks, and the sender for its report.
    pub(super) fn new(checks: usize) -> (Self, Sender) {
        let (sender, report) = watch::channel(None);
        let progress = Arc::new(Mutex::new(vec![None; checks]));
        (Self { report, progress }, sender)
    }

    /// Waits for the report; `None` if the run was lost.
    pub(super) async fn report(&mut self) -> Option<WrittenReport> {
        self.report.wait_for(Option::is_some).await.ok()?.clone()
    }
}
