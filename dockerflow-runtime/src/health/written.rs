//! A report with its JSON.

use std::sync::Arc;

use actix_web::web::Bytes;

use super::report::Report;

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
