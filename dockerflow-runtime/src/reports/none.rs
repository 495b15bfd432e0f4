//! Stands in for Sentry in a program that is built without it: reports nothing, and warns if `SENTRY_DSN` is set.

use std::time::Duration;

use actix_web::{Error, dev::ServiceRequest};

use crate::{environment::Environment, health::HeartbeatObserver, metrics::Routes};

/// The variables of Sentry, which this build ignores.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportOptions;

impl ReportOptions {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        environment.without_feature("SENTRY_DSN", "sentry-0_49");
        environment.ignored("SENTRY_ENVIRONMENT");
        environment.ignored("SENTRY_RELEASE");
        Self
    }
}

/// Reports nothing.
#[derive(Clone, Debug)]
pub(crate) struct Reports;

#[expect(clippy::unused_self, reason = "as those of Sentry have it")]
impl Reports {
    pub(crate) fn start(_options: &ReportOptions, _version: &[u8], _program: &str) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn request(
        &self,
        _request: &ServiceRequest,
        _routes: &Routes,
    ) -> Option<RequestReport> {
        None
    }

    pub(crate) fn heartbeat_observer(&self) -> Option<HeartbeatObserver> {
        None
    }
}

/// Reports nothing of a request.
#[derive(Debug)]
pub(crate) enum RequestReport {}

impl RequestReport {
    pub(crate) fn enter(&self) -> Entered {
        match *self {}
    }

    pub(crate) fn failed(&self, _error: &Error) {
        match *self {}
    }
}

/// Does nothing.
#[derive(Debug)]
pub(crate) enum Entered {}

pub(crate) fn flush(_limit: Duration) {}
