//! Which engine does a new app get? That of its server, which all the server's workers share.

use std::{
    cell::RefCell,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    drain::Drain,
    engine::{Engine, ServiceDefinition},
    options::ServiceOptions,
    process_metrics,
};
use crate::{error::Error, lock::lock, logging, metrics::Metrics};

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
    /// Returns the place for the engine of a server that has read the options, has `metrics` and reports faults.
    pub(crate) fn of_server(options: ServiceOptions, metrics: Metrics) -> Self {
        Self::new(options, metrics, Drain::new(), None)
    }

    /// Returns the place for the engine of another server of the process, which drains with this one.
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
            engine.set_ops(address);
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

/// Returns the engine of the server that an app is being made for; without a server, an engine of its own.
///
/// Returns `None` if it cannot be made; the server then has the reason, and the app that is being made does not serve.
///
/// # Panics
///
/// Panics if the engine cannot be made outside a server, which would return the error.
pub(super) fn engine_of_app(definition: &ServiceDefinition) -> Option<Arc<Engine>> {
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
            Engine::new(definition, options.clone(), metrics.clone(), drain.clone())
        }
        None => Engine::from_env(definition),
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

thread_local! {
    /// Drops with the thread that has shared an engine.
    static AT_EXIT: AtExit = const { AtExit };
}

struct AtExit;

impl Drop for AtExit {
    fn drop(&mut self) {
        process_metrics::flush();
        logging::flush();
    }
}
