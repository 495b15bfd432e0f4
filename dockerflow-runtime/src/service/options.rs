//! The variables of the service itself: its version file, its error endpoint, its summaries.

use std::path::PathBuf;

use actix_web::http::header::HeaderName;

use super::{remote::Network, target::TARGET};
use crate::{
    environment::{self, Environment},
    error::Error,
    health::HealthOptions,
    metrics::MetricsOptions,
    reports::ReportOptions,
};

/// The variables of a service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceOptions {
    /// `DOCKERFLOW_VERSION_FILE`: a version object to serve in place of the embedded one. It must exist.
    pub(crate) version_file: Option<PathBuf>,
    /// `DOCKERFLOW_ERROR_ENDPOINT`: whether `/__error__` answers.
    pub(crate) error_endpoint: bool,
    /// Whether the server listens on `DOCKERFLOW_OPS_PORT`.
    pub(crate) has_ops_port: bool,
    /// The heartbeat.
    pub(crate) health: HealthOptions,
    /// Metrics.
    pub(crate) metrics: MetricsOptions,
    /// Where errors are reported.
    pub(crate) reports: ReportOptions,
    /// What is logged of a request.
    pub(crate) summary: SummaryOptions,
}

/// The variables for the summary and the id of a request.
#[expect(clippy::struct_excessive_bools, reason = "each is a variable")]
#[derive(Clone, Debug)]
pub(crate) struct SummaryOptions {
    /// `DOCKERFLOW_REQUEST_ID_HEADER_NAME`: where a request's id is read and echoed.
    pub(crate) id_header: HeaderName,
    /// `DOCKERFLOW_SUMMARY_LOG_QUERYSTRING`: whether a request's summary has its query.
    pub(crate) querystring: bool,
    /// `DOCKERFLOW_SUMMARY_LOG_PROBES`: whether a probe that succeeds has a summary.
    pub(crate) probes: bool,
    /// `DOCKERFLOW_SUMMARY_LOG_REMOTE`: whether a request's summary has the client's address.
    pub(crate) remote: bool,
    /// `DOCKERFLOW_TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed.
    pub(crate) proxies: Vec<Network>,
    /// `DOCKERFLOW_TRACE_CONTEXT`: whether the trace that a client names is taken.
    pub(crate) trace: bool,
}

impl ServiceOptions {
    /// Reads them from the process's environment.
    pub(crate) fn from_env() -> Result<Self, Error> {
        let mut environment = Environment::of_process();
        let options = Self::read(&mut environment);
        environment.not_supported(
            "DOCKERFLOW_OPS_PORT",
            "only Server::run and Server::serve listen on it, and this app has a server of its own",
        );
        for warning in environment.warnings() {
            log::warn!(target: TARGET, "{warning}");
        }
        environment.finish(options)
    }

    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            version_file: environment.path("DOCKERFLOW_VERSION_FILE"),
            error_endpoint: environment.flag("DOCKERFLOW_ERROR_ENDPOINT"),
            has_ops_port: false,
            health: HealthOptions::read(environment),
            metrics: MetricsOptions::read(environment),
            reports: ReportOptions::read(environment),
            summary: SummaryOptions {
                id_header: environment.get(
                    "DOCKERFLOW_REQUEST_ID_HEADER_NAME",
                    HeaderName::from_static("x-request-id"),
                    "the name of a header that has no other meaning",
                    |text| {
                        let name: HeaderName = text.parse().ok()?;
                        (!has_meaning(name.as_str())).then_some(name)
                    },
                ),
                querystring: environment.flag("DOCKERFLOW_SUMMARY_LOG_QUERYSTRING"),
                probes: environment.flag("DOCKERFLOW_SUMMARY_LOG_PROBES"),
                remote: environment.flag("DOCKERFLOW_SUMMARY_LOG_REMOTE"),
                proxies: environment.get(
                    "DOCKERFLOW_TRUSTED_PROXIES",
                    Vec::new(),
                    "comma-separated addresses or networks such as 10.0.0.0/8,::1",
                    |text| {
                        text.split(',')
                            .map(|part| Network::parse(part.trim()))
                            .collect()
                    },
                ),
                trace: environment.get(
                    "DOCKERFLOW_TRACE_CONTEXT",
                    true,
                    "true or false",
                    environment::flag,
                ),
            },
        }
    }
}

/// Whether HTTP gives a header of this name a meaning of its own, so that an id in it would ruin each response.
fn has_meaning(name: &str) -> bool {
    // A proxy obeys `X-Accel-Redirect` and `X-Sendfile`: the client that chose the id would choose what it is sent.
    const PREFIXES: [&str; 15] = [
        "accept",
        "access-control-",
        "alt-",
        "content-",
        "cross-origin-",
        "if-",
        "proxy-",
        "public-key-",
        "sec-",
        "strict-transport-",
        "surrogate-",
        "x-accel-",
        "x-content-type-",
        "x-frame-",
        "x-sendfile",
    ];
    const NAMES: [&str; 44] = [
        "age",
        "allow",
        "alt-svc",
        "authorization",
        "cache-control",
        "cache-status",
        "cdn-cache-control",
        "clear-site-data",
        "connection",
        "cookie",
        "date",
        "dnt",
        "etag",
        "expect",
        "expires",
        "forwarded",
        "from",
        "host",
        "keep-alive",
        "last-modified",
        "link",
        "location",
        "max-forwards",
        "nel",
        "origin",
        "permissions-policy",
        "pragma",
        "range",
        "referer",
        "referrer-policy",
        "refresh",
        "retry-after",
        "server",
        "server-timing",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "upgrade-insecure-requests",
        "user-agent",
        "vary",
        "via",
        "www-authenticate",
    ];
    NAMES.contains(&name)
        || ["warning", "x-dns-prefetch-control", "x-xss-protection"].contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_not_be_in_a_header_that_has_another_meaning() {
        let header = |name: &'static str| {
            let mut environment = Environment::new(move |variable| {
                (variable == "DOCKERFLOW_REQUEST_ID_HEADER_NAME").then(|| name.into())
            });
            let options = ServiceOptions::read(&mut environment);
            environment.finish(options.summary.id_header)
        };
        for name in [
            "x-request-id",
            "X-Amzn-Trace-Id",
            "cf-ray",
            "request-id",
            "x-correlation-id",
        ] {
            assert!(header(name).is_ok(), "{name}");
        }
        for name in [
            "content-type",
            "Content-Length",
            "date",
            "set-cookie",
            "transfer-encoding",
            "connection",
            "location",
            "access-control-allow-origin",
            "a b",
            "upgrade",
            "x-accel-redirect",
            "X-Sendfile",
            "alt-svc",
            "vary",
            "etag",
            "accept-ranges",
        ] {
            let error = header(name).expect_err(name).to_string();
            assert!(
                error.starts_with("DOCKERFLOW_REQUEST_ID_HEADER_NAME is "),
                "{error}"
            );
        }
    }

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
