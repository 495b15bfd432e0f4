//! The metrics of a process that has no server of ours.

use std::sync::OnceLock;

use super::options::ServiceOptions;
use crate::{environment::program, error::Error, metrics::Metrics};

static METRICS: OnceLock<Metrics> = OnceLock::new();

/// Returns the metrics of a process without a [`Server`](crate::Server), for use outside requests: they are those of its apps.
///
/// ```no_run
/// # use actix_web::{App, HttpServer};
/// # #[dockerflow::service]
/// # fn app() -> App { App::new() }
/// # fn waiting_jobs() -> u64 { 0 }
/// # async fn serve() -> Result<(), dockerflow::Error> {
/// let metrics = dockerflow::shared_metrics()?;
/// metrics.gauges("queue", || [("waiting", waiting_jobs())]);
/// HttpServer::new(dockerflow::share_engine(app)).bind(("0.0.0.0", 8000))?.run().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Returns [`Error::Settings`] if the variables of statsd are invalid, and [`Error::App`] if a
/// thread cannot be started.
pub fn shared_metrics() -> Result<Metrics, Error> {
    if let Some(metrics) = METRICS.get() {
        return Ok(metrics.clone());
    }
    let options = ServiceOptions::from_env()?;
    let metrics = Metrics::start(&options.metrics, &program())?;
    Ok(METRICS.get_or_init(|| metrics).clone())
}

/// Sends what is left, if the process has such metrics.
pub(super) fn flush() {
    if let Some(metrics) = METRICS.get() {
        metrics.flush();
    }
}
