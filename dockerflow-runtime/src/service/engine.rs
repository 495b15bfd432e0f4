//! What all workers of a server share: its version, its checks, its settings.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use actix_http::ConnectionType;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Bytes};

use super::{
    drain::Drain,
    last_statuses::LastStatuses,
    options::ServiceOptions,
    page::Identity,
    process_metrics::shared_metrics,
    target::TARGET,
    version::{self, Embedded},
    workers::Workers,
};
use crate::{
    environment::program,
    error::Error,
    health::{Definition, HealthChecker, HeartbeatSource, checks_of_service},
    metrics::Metrics,
    reports::Reports,
};

/// The facts that `#[service]` states about a service.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct ServiceDefinition {
    /// The version object to serve if there is no file.
    pub version: Embedded,
    /// `checks(…)`: these alone, instead of every check that is registered.
    pub checks: Option<&'static [fn() -> Definition]>,
}

/// The state of one server.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) version: Bytes,
    pub(crate) heartbeat: Arc<HealthChecker>,
    pub(crate) identity: Identity,
    pub(crate) last_statuses: LastStatuses,
    pub(crate) workers: Arc<Workers>,
    pub(crate) options: ServiceOptions,
    pub(crate) metrics: Metrics,
    pub(crate) reports: Reports,
    pub(crate) drain: Drain,
    /// The listener of `DOCKERFLOW_OPS_PORT`.
    ops: OnceLock<SocketAddr>,
}

/// Which of a server's addresses a request has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// The only one.
    Only,
    /// The public one of two.
    Public,
    /// That of `DOCKERFLOW_OPS_PORT`.
    Ops,
}

impl Engine {
    /// Asks the client of a response to go on elsewhere, if the server drains. A connection that becomes a websocket is the app's.
    pub(crate) fn close_if_draining<B>(&self, response: &mut HttpResponse<B>) {
        if self.draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response
                .head_mut()
                .set_connection_type(ConnectionType::Close);
        }
    }

    /// Returns whether the server is about to stop.
    pub(crate) fn draining(&self) -> bool {
        self.drain.is_draining()
    }

    /// Returns the listener that has accepted a request.
    #[inline]
    pub(crate) fn listener(&self, request: &HttpRequest) -> Listener {
        match self.ops.get() {
            None => Listener::Only,
            Some(ops) if request.app_config().local_addr() == *ops => Listener::Ops,
            Some(_) => Listener::Public,
        }
    }

    /// Returns whether a request may see what is for operations alone: all may, as long as there is no port for operations.
    pub(crate) fn shows_operations(&self, request: &HttpRequest) -> bool {
        self.listener(request) != Listener::Public
    }

    /// Returns the app data of the extractor of the heartbeat.
    pub(crate) fn heartbeat_source(&self) -> HeartbeatSource {
        let drain = self.drain.clone();
        HeartbeatSource {
            checker: self.heartbeat.clone(),
            draining: Arc::new(move || drain.is_draining()),
            failed_status: self.options.health.failed_status,
        }
    }

    /// Names the listener of operations.
    pub(super) fn set_ops(&self, address: SocketAddr) {
        let _ = self.ops.set(address); // a server is bound once
    }

    /// Makes the engine of an app that has no server.
    pub(super) fn from_env(definition: &ServiceDefinition) -> Result<Self, Error> {
        let options = ServiceOptions::from_env()?;
        let metrics = shared_metrics()?;
        Self::new(definition, options, metrics, Drain::new())
    }

    pub(super) fn new(
        definition: &ServiceDefinition,
        options: ServiceOptions,
        metrics: Metrics,
        drain: Drain,
    ) -> Result<Self, Error> {
        let checks = checks_of_service(definition.checks)?;
        if checks.is_empty() {
            let level = match definition.checks {
                None => log::Level::Warn,
                Some(_) => log::Level::Info,
            };
            log::log!(
                target: TARGET, level,
                "this service has no health checks: /__heartbeat__ cannot fail"
            );
        }
        let heartbeat = HealthChecker::new(checks, &options.health);
        let version = version::load(&definition.version, options.version_file.as_deref())?;
        let reports = Reports::start(&options.reports, &version, &program());
        let observers = [metrics.heartbeat_observer(), reports.heartbeat_observer()];
        for observer in observers.into_iter().flatten() {
            heartbeat.observe(observer);
        }
        // With a port for operations, it is not public.
        if options.error_endpoint && !options.has_ops_port {
            log::warn!(
                target: TARGET,
                "DOCKERFLOW_ERROR_ENDPOINT is set: whoever reaches /__error__ can raise alerts and spend the quota of error reports"
            );
        }
        if let Ok(object) = serde_json::from_slice::<serde_json::Value>(&version) {
            let fact = |key: &str| object.get(key).and_then(serde_json::Value::as_str);
            metrics.set_build(
                fact("version").unwrap_or_default(),
                fact("commit").unwrap_or_default(),
            );
        }
        Ok(Self {
            identity: Identity::new(program(), &version),
            version,
            heartbeat: Arc::new(heartbeat),
            last_statuses: LastStatuses::default(),
            workers: Arc::default(),
            options,
            metrics,
            reports,
            drain,
            ops: OnceLock::new(),
        })
    }
}
