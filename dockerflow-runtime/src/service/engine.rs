//! What a server has once, however many workers it has: its version, its checks, its settings.

use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_http::ConnectionType;
use actix_web::{HttpRequest, HttpResponse, web::Bytes};

use super::{
    options::ServiceOptions,
    page::Instance,
    probes::Probes,
    version::{self, Embedded},
    workers::Workers,
};
use crate::{
    environment::program,
    error::Error,
    health::{Definition, HealthChecker, HeartbeatSource, checks_of_service},
    lock::lock,
    metrics::Metrics,
    reports::Reports,
};

/// The facts that `#[service]` emits.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The version object to serve where there is no file.
    pub version: Embedded,
    /// `checks(…)`: these alone; else every check that is registered.
    pub checks: Option<&'static [fn() -> Definition]>,
}

/// The state of one server.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) version: Bytes,
    pub(crate) heartbeat: Arc<HealthChecker>,
    draining: Arc<AtomicBool>,
    pub(crate) instance: Instance,
    pub(crate) probes: Probes,
    pub(crate) workers: Arc<Workers>,
    pub(crate) options: ServiceOptions,
    pub(crate) metrics: Metrics,
    pub(crate) reports: Reports,
}

thread_local! {
    /// The server for which an app is being made on this thread.
    static CURRENT: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// An engine that is made with a server's first app and serves all its workers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<State>);

#[derive(Debug, Default)]
struct State {
    engine: OnceLock<Arc<Engine>>,
    /// The [`Server`](crate::Server) that the engine is for.
    server: Option<OfServer>,
}

/// What a server gives its engine and wants of it.
#[derive(Debug)]
struct OfServer {
    options: ServiceOptions,
    metrics: Metrics,
    /// Why there is no engine: without a server that is a panic.
    fault: Mutex<Option<Error>>,
}

impl Shared {
    /// Returns the engine of a server that has read the options, has `metrics` and reports faults.
    pub(crate) fn of_server(options: ServiceOptions, metrics: Metrics) -> Self {
        Self(Arc::new(State {
            engine: OnceLock::new(),
            server: Some(OfServer {
                options,
                metrics,
                fault: Mutex::default(),
            }),
        }))
    }

    /// Calls `factory`; the apps that it makes have this engine.
    pub(crate) fn scope<T>(&self, factory: impl FnOnce() -> T) -> T {
        struct Reset(Option<Shared>);
        impl Drop for Reset {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _reset = Reset(CURRENT.replace(Some(self.clone())));
        factory()
    }

    /// Calls `factory` for its faults alone.
    pub(crate) fn start<T>(&self, factory: impl FnOnce() -> T) -> Result<(), Error> {
        drop(self.scope(factory));
        let server = self.0.server.as_ref();
        match server.and_then(|server| lock(&server.fault).take()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Returns whether an app is being made for a server whose workers share an engine.
    pub(crate) fn is_current() -> bool {
        CURRENT.with_borrow(Option::is_some)
    }

    pub(crate) fn engine(&self) -> Option<Arc<Engine>> {
        self.0.engine.get().cloned()
    }

    /// Makes both heartbeats fail, and connections close with their next response, from now on.
    pub(crate) fn drain(&self) {
        if let Some(engine) = self.0.engine.get() {
            engine.draining.store(true, Ordering::Release);
        }
    }
}

impl Engine {
    /// The engine of the server that an app is being made for; outside one, an engine of its own.
    ///
    /// `None` where it cannot be had and the server was told why: the app that is being made will not serve.
    ///
    /// # Panics
    ///
    /// Where it cannot be had and there is no server to tell.
    pub(crate) fn current(facts: &Facts) -> Option<Arc<Self>> {
        let shared = CURRENT.with_borrow(Clone::clone);
        if let Some(engine) = shared.as_ref().and_then(|shared| shared.0.engine.get()) {
            return Some(engine.clone());
        }
        let server = shared.as_ref().and_then(|shared| shared.0.server.as_ref());
        let engine = match server {
            Some(server) => Self::new(facts, server.options.clone(), server.metrics.clone()),
            None => Self::from_env(facts),
        };
        match (engine, server) {
            (Ok(engine), _) => {
                let engine = Arc::new(engine);
                Some(match &shared {
                    Some(shared) => shared.0.engine.get_or_init(|| engine).clone(),
                    None => engine,
                })
            }
            (Err(error), Some(server)) => {
                *lock(&server.fault) = Some(error);
                None
            }
            (Err(error), None) => panic!("the service cannot start: {error}"),
        }
    }

    /// While the server drains, each response asks its client to go on elsewhere.
    pub(crate) fn close_if_draining<B>(&self, response: &mut HttpResponse<B>) {
        if self.draining() {
            response
                .head_mut()
                .set_connection_type(ConnectionType::Close);
        }
    }

    /// Whether the server is about to stop.
    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Returns whether a request may see what is for operations alone: all may, as long as there is no port for operations.
    #[allow(
        clippy::unused_self,
        reason = "a port for operations will be the server's"
    )]
    pub(crate) fn shows_operations(&self, _request: &HttpRequest) -> bool {
        true
    }

    /// Returns the app data of the extractor of the heartbeat.
    pub(crate) fn heartbeat_source(&self) -> HeartbeatSource {
        let draining = self.draining.clone();
        HeartbeatSource {
            checker: self.heartbeat.clone(),
            draining: Arc::new(move || draining.load(Ordering::Acquire)),
            failed_status: self.options.health.failed_status,
        }
    }

    /// Makes the engine of an app that has no server.
    fn from_env(facts: &Facts) -> Result<Self, Error> {
        let options = ServiceOptions::from_env()?;
        let metrics = Metrics::start(&options.metrics, &program())?;
        Self::new(facts, options, metrics)
    }

    fn new(facts: &Facts, options: ServiceOptions, metrics: Metrics) -> Result<Self, Error> {
        let checks = checks_of_service(facts.checks)?;
        if checks.is_empty() {
            let level = match facts.checks {
                None => log::Level::Warn,
                Some(_) => log::Level::Info,
            };
            log::log!(
                target: "dockerflow.server", level,
                "this service has no health checks: /__heartbeat__ cannot fail"
            );
        }
        let heartbeat = HealthChecker::new(checks, &options.health);
        let version = version::load(&facts.version, options.version_file.as_deref())?;
        let reports = Reports::start(&options.reports, &version, &program());
        let observers = [metrics.heartbeat_observer(), reports.heartbeat_observer()];
        for observer in observers.into_iter().flatten() {
            heartbeat.observe(observer);
        }
        if options.error_endpoint {
            log::warn!(
                target: "dockerflow.server",
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
            instance: Instance::new(program(), &version),
            version,
            heartbeat: Arc::new(heartbeat),
            draining: Arc::default(),
            probes: Probes::default(),
            workers: Arc::default(),
            options,
            metrics,
            reports,
        })
    }
}

/// An app factory for a hand-made [`HttpServer`](actix_web::HttpServer) whose workers share one engine, as those of
/// `dockerflow::Server` do: one run of the checks at a time for all of them.
///
/// ```no_run
/// # use actix_web::{App, HttpServer};
/// # fn app() -> App<impl actix_web::dev::ServiceFactory<actix_web::dev::ServiceRequest, Config = (), Response = actix_web::dev::ServiceResponse, Error = actix_web::Error, InitError = ()>> { App::new() }
/// # async fn serve() -> std::io::Result<()> {
/// HttpServer::new(dockerflow::share_engine(app)).bind(("0.0.0.0", 8000))?.run().await
/// # }
/// ```
pub fn share_engine<T>(factory: impl Fn() -> T + Clone + Send) -> impl Fn() -> T + Clone + Send {
    let shared = Shared::default();
    move || shared.scope(&factory)
}
