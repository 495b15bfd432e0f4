//! The environment variables of the health checks.

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::environment::Environment;

/// The variables of the health checks.
#[derive(Clone, Debug)]
pub(crate) struct HealthOptions {
    /// `DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE`: the status of an unhealthy service.
    pub(crate) failed_status: StatusCode,
    /// `DOCKERFLOW_HEARTBEAT_DETAILS`: whether the body has texts and data.
    pub(crate) details: bool,
    /// `DOCKERFLOW_HEARTBEAT_TTL`: how long a report is fresh.
    pub(crate) ttl: Duration,
    /// `DOCKERFLOW_HEARTBEAT_TIMEOUT`: the deadline of a check that has none of its own.
    pub(crate) timeout: Duration,
    /// `DOCKERFLOW_SILENCED_CHECKS`: ids of messages to ignore.
    pub(crate) silenced: Vec<String>,
}

impl HealthOptions {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            failed_status: environment.get(
                "DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE",
                StatusCode::SERVICE_UNAVAILABLE,
                "a status from 500 to 599",
                |text| text.parse().ok().filter(StatusCode::is_server_error),
            ),
            details: environment.flag("DOCKERFLOW_HEARTBEAT_DETAILS"),
            ttl: environment.seconds("DOCKERFLOW_HEARTBEAT_TTL", 1),
            timeout: environment.duration(
                "DOCKERFLOW_HEARTBEAT_TIMEOUT",
                Duration::from_millis(800),
                Duration::from_millis(1),
            ),
            silenced: environment.list("DOCKERFLOW_SILENCED_CHECKS"),
        }
    }
}
