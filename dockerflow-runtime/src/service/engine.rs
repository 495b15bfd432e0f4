//! What all workers of a server share: its version, its checks, its settings.

use std::{
    cell::RefCell,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix_http::ConnectionType;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Bytes};

use super::{
    drain::Drain,
    options::ServiceOptions,
    page::Identity,
    probes::Probes,
    records::LOG,
    version::{self, Embedded},
    workers::Workers,
};
use crate::{
    environment::program,
    error::Error,
    health::{Definition, HealthChecker, HeartbeatSource, checks_of_service},
    lock::lock,
    logging,
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
    pub(crate) probes: Probes,
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

thread_local! {
    /// The server for which an app is being made on this thread.
    static CURRENT: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// An engine that is made with a server's first app and serves all its workers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<EngineSlot>);

/// The place of an engine that is not made yet, or is.
#[derive(Debug, Default)]
struct EngineSlot {
    engine: OnceLock<Arc<Engine>>,
    /// The [`Server`](crate::Server) that the engine is for.
    server: Option<ServerContext>,
}

/// What a server hands to its engine, and what it reads from it.
#[derive(Debug)]
struct ServerContext {
    options: ServiceOptions,
    metrics: Metrics,
    drain: Drain,
    /// The process's first server: its engine serves an app that names no checks of its own.
    first: Option<Shared>,
    /// How many apps its workers have made.
    apps: AtomicUsize,
    /// The error that kept the engine from being made. A server returns it; without a server it is a panic.
    fault: Mutex<Option<Error>>,
}

impl Shared {
    /// Returns the engine of a server that has read the options, has `metrics` and reports faults.
    pub(crate) fn of_server(options: ServiceOptions, metrics: Metrics) -> Self {
        Self::new(options, metrics, Drain::new(), None)
    }

    /// Returns the engine of another server of the process, which drains with this one.
    pub(crate) fn beside(&self) -> Self {
        let server = self.0.server.as_ref();
        server.map_or_else(Self::default, |server| {
            let ServerContext {
                options,
                metrics,
                drain,
                ..
            } = server;
            let (options, metrics) = (options.clone(), metrics.clone());
            Self::new(options, metrics, drain.clone(), Some(self.clone()))
        })
    }

    fn new(options: ServiceOptions, metrics: Metrics, drain: Drain, first: Option<Self>) -> Self {
        Self(Arc::new(EngineSlot {
            engine: OnceLock::new(),
            server: Some(ServerContext {
                options,
                metrics,
                drain,
                first,
                apps: AtomicUsize::new(0),
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

    /// Calls `factory` for a worker; the apps that it makes have this engine, and are counted.
    pub(crate) fn worker<T>(&self, factory: impl FnOnce() -> T) -> T {
        if let Some(server) = &self.0.server {
            server.apps.fetch_add(1, Ordering::Relaxed);
        }
        self.scope(factory)
    }

    /// Returns how many apps the workers have made.
    pub(crate) fn apps(&self) -> usize {
        let server = self.0.server.as_ref();
        server.map_or(0, |server| server.apps.load(Ordering::Relaxed))
    }

    /// Calls `factory` once and drops its app, to find faults before there are workers. `app` names it in an error.
    pub(crate) fn start<T>(&self, app: &str, factory: impl FnOnce() -> T) -> Result<(), Error> {
        drop(self.scope(factory));
        let server = self.0.server.as_ref();
        if let Some(error) = server.and_then(|server| lock(&server.fault).take()) {
            return Err(error);
        }
        self.check(app)
    }

    /// Returns an error if no `#[service]` has made the app.
    pub(crate) fn check(&self, app: &str) -> Result<(), Error> {
        match self.0.engine.get() {
            Some(_) => Ok(()),
            None => Err(Error::NoService { app: app.into() }),
        }
    }

    /// Returns whether an app is being made for a server whose workers share an engine.
    pub(crate) fn is_current() -> bool {
        CURRENT.with_borrow(Option::is_some)
    }

    pub(crate) fn engine(&self) -> Option<Arc<Engine>> {
        self.0.engine.get().cloned()
    }

    /// Returns the drain of the server.
    pub(crate) fn drain(&self) -> Drain {
        let server = self.0.server.as_ref();
        server.map_or_else(Drain::new, |server| server.drain.next())
    }

    /// Names the listener of operations.
    pub(crate) fn set_ops(&self, address: SocketAddr) {
        if let Some(engine) = self.0.engine.get() {
            // A server is bound once.
            let _ = engine.ops.set(address);
        }
    }

    /// Returns whether a worker or a request of `all` is still there: each of them holds its engine.
    pub(crate) fn any_in_use(all: &[Self]) -> bool {
        all.iter().any(|shared| {
            shared.0.engine.get().is_some_and(|engine| {
                let same = |other: &&Self| {
                    let other = other.0.engine.get();
                    other.is_some_and(|other| Arc::ptr_eq(other, engine))
                };
                Arc::strong_count(engine) > all.iter().filter(same).count()
            })
        })
    }
}

impl Engine {
    /// Returns the engine of the server that an app is being made for; without a server, an engine of its own.
    ///
    /// Returns `None` if it cannot be made; the server then has the reason, and the app that is being made does not serve.
    ///
    /// # Panics
    ///
    /// Panics if the engine cannot be made outside a server, which would return the error.
    pub(crate) fn current(definition: &ServiceDefinition) -> Option<Arc<Self>> {
        let shared = CURRENT.with_borrow(Clone::clone);
        if let Some(engine) = shared.as_ref().and_then(|shared| shared.0.engine.get()) {
            return Some(engine.clone());
        }
        let server = shared.as_ref().and_then(|shared| shared.0.server.as_ref());
        let first = server.and_then(|server| server.first.as_ref()?.engine());
        if let (Some(first), None, Some(shared)) = (first, definition.checks, &shared) {
            return Some(shared.0.engine.get_or_init(|| first).clone());
        }
        let engine = match server {
            Some(server) => {
                let ServerContext {
                    options,
                    metrics,
                    drain,
                    ..
                } = server;
                Self::new(definition, options.clone(), metrics.clone(), drain.clone())
            }
            None => Self::from_env(definition),
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

    /// Makes the engine of an app that has no server.
    fn from_env(definition: &ServiceDefinition) -> Result<Self, Error> {
        let options = ServiceOptions::from_env()?;
        let metrics = shared_metrics()?;
        Self::new(definition, options, metrics, Drain::new())
    }

    fn new(
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
                target: LOG, level,
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
                target: LOG,
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
            probes: Probes::default(),
            workers: Arc::default(),
            options,
            metrics,
            reports,
            drain,
            ops: OnceLock::new(),
        })
    }
}

/// Returns an app factory for an [`HttpServer`](actix_web::HttpServer) of the app's own. Its workers share one engine, as those of a
/// [`Server`](crate::Server) do: one run of the checks at a time for all of them.
///
/// When the thread that calls this ends, as `main`'s does with the process, metrics and the log are flushed.
///
/// ```no_run
/// # use actix_web::{App, HttpServer};
/// # #[dockerflow::service]
/// # fn app() -> App { App::new() }
/// # async fn serve() -> std::io::Result<()> {
/// HttpServer::new(dockerflow::share_engine(app)).bind(("0.0.0.0", 8000))?.run().await
/// # }
/// ```
pub fn share_engine<T>(factory: impl Fn() -> T + Clone + Send) -> impl Fn() -> T + Clone + Send {
    let _ = AT_EXIT.try_with(|_| ());
    let shared = Shared::default();
    move || shared.scope(&factory)
}

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

static METRICS: OnceLock<Metrics> = OnceLock::new();

thread_local! {
    /// Drops with the thread that has shared an engine.
    static AT_EXIT: AtExit = const { AtExit };
}

struct AtExit;

impl Drop for AtExit {
    fn drop(&mut self) {
        if let Some(metrics) = METRICS.get() {
            metrics.flush();
        }
        logging::flush();
    }
}
