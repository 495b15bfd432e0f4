//! The variables of the service itself: its version file, its error endpoint, its summaries.

use std::path::PathBuf;

use actix_web::http::header::HeaderName;

use crate::{
    environment::Environment, error::Error, health::HealthOptions, metrics::MetricsOptions,
};

/// What operations set of a service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceOptions {
    /// `DOCKERFLOW_VERSION_FILE`: a version object to serve in place of the embedded one. It must exist.
    pub(crate) version_file: Option<PathBuf>,
    /// `DOCKERFLOW_ERROR_ENDPOINT`: whether `/__error__` answers.
    pub(crate) error_endpoint: bool,
    /// The heartbeat.
    pub(crate) health: HealthOptions,
    /// Metrics.
    pub(crate) metrics: MetricsOptions,
    /// What is logged of a request.
    pub(crate) summary: SummaryOptions,
}

/// What operations set of requests' summaries and ids.
#[derive(Clone, Debug)]
pub(crate) struct SummaryOptions {
    /// `DOCKERFLOW_REQUEST_ID_HEADER_NAME`: where a request's id is read and echoed.
    pub(crate) id_header: HeaderName,
    /// `DOCKERFLOW_SUMMARY_LOG_QUERYSTRING`: whether a request's summary has its query.
    pub(crate) querystring: bool,
    /// `DOCKERFLOW_SUMMARY_LOG_PROBES`: whether a probe that succeeds has a summary.
    pub(crate) probes: bool,
}

impl ServiceOptions {
    /// Reads them from the process's environment.
    pub(crate) fn from_env() -> Result<Self, Error> {
        let mut environment = Environment::of_process();
        let options = Self::read(&mut environment);
        for warning in environment.warnings() {
            log::warn!("{warning}");
        }
        environment.finish(options)
    }

    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            version_file: environment.path("DOCKERFLOW_VERSION_FILE"),
            error_endpoint: environment.flag("DOCKERFLOW_ERROR_ENDPOINT"),
            health: HealthOptions::read(environment),
            metrics: MetricsOptions::read(environment),
            summary: SummaryOptions {
                id_header: environment.get(
                    "DOCKERFLOW_REQUEST_ID_HEADER_NAME",
                    HeaderName::from_static("x-request-id"),
                    "the name of a header",
                    |text| text.parse().ok(),
                ),
                querystring: environment.flag("DOCKERFLOW_SUMMARY_LOG_QUERYSTRING"),
                probes: environment.flag("DOCKERFLOW_SUMMARY_LOG_PROBES"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_variable_is_reported_at_once() {
        let mut environment = Environment::new(|name| match name {
            "DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE" => Some("404".into()),
            "DOCKERFLOW_HEARTBEAT_TTL" => Some("soon".into()),
            "DOCKERFLOW_ERROR_ENDPOINT" => Some("perhaps".into()),
            _ => None,
        });
        let settings = ServiceOptions::read(&mut environment);
        let text = environment
            .finish(settings)
            .expect_err("three are bad")
            .to_string();
        assert_eq!(
            text,
            "DOCKERFLOW_ERROR_ENDPOINT is \"perhaps\", expected true or false\n\
             DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE is \"404\", expected a status from 500 to 599\n\
             DOCKERFLOW_HEARTBEAT_TTL is \"soon\", expected a time such as 500ms or 5s"
        );
    }
}
