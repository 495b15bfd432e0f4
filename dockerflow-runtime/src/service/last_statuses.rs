//! The status of the last answer to each kind of probe, so that the log has each change and not each probe.

use std::sync::atomic::{AtomicU16, Ordering};

use actix_web::http::StatusCode;

/// The last status of each kind of probe.
#[derive(Debug, Default)]
pub(crate) struct LastStatuses {
    pub(crate) lbheartbeat: LastStatus,
    pub(crate) heartbeat: LastStatus,
}

/// It begins with 200, so a healthy service logs nothing.
#[derive(Debug)]
pub(crate) struct LastStatus(AtomicU16);

impl Default for LastStatus {
    fn default() -> Self {
        Self(AtomicU16::new(StatusCode::OK.as_u16()))
    }
}

impl LastStatus {
    /// Stores a status, and returns whether it differs from the last one.
    pub(crate) fn is_changed_by(&self, status: StatusCode) -> bool {
        let status = status.as_u16();
        self.0.load(Ordering::Relaxed) != status && self.0.swap(status, Ordering::Relaxed) != status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_news_once() {
        let last = LastStatus::default();
        assert!(!last.is_changed_by(StatusCode::OK));
        assert!(last.is_changed_by(StatusCode::SERVICE_UNAVAILABLE));
        assert!(!last.is_changed_by(StatusCode::SERVICE_UNAVAILABLE));
        assert!(last.is_changed_by(StatusCode::OK));
        assert!(!last.is_changed_by(StatusCode::OK));
    }
}
