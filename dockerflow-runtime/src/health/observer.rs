//! An app's own function that is called after each run of the checks.

use std::{fmt, sync::Arc};

use super::report::Report;

/// App data that is called after each run of the health checks: to count passes and failures, to time the checks, to raise an
/// alarm.
///
/// It is called on the thread that the checks run on, so it must be quick. A probe that is answered with a report that is still
/// fresh is not a run. A panic in it is logged.
///
/// ```
/// use actix_web::App;
/// use dockerflow::health::HeartbeatObserver;
///
/// let app = App::new().app_data(HeartbeatObserver::new(|report| {
///     if !report.passed() {
///         for check in report.checks() {
///             println!("{} is {} after {:?}", check.name(), check.level(), check.duration());
///         }
///     }
/// }));
/// # drop(app);
/// ```
#[derive(Clone)]
pub struct HeartbeatObserver(Arc<dyn Fn(&Report) + Send + Sync>);

impl HeartbeatObserver {
    /// Makes app data that calls `observer`.
    pub fn new(observer: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observer))
    }

    pub(crate) fn call(&self, report: &Report) {
        (self.0)(report);
    }
}

impl fmt::Debug for HeartbeatObserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HeartbeatObserver")
            .finish_non_exhaustive()
    }
}
