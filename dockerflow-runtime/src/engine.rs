//! What a server has once, however many workers it has: its version, its checks, its settings.

use std::{
    cell::RefCell,
    sync::{Arc, OnceLock},
};

use actix_web::web::Bytes;

use crate::{
    definition::{Definition, Registration},
    error::Error,
    heartbeat::Heartbeat,
    settings::Settings,
    version::{self, Embedded},
};

/// The facts that `#[service]` emits.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The version object to serve where there is no file.
    pub version: Embedded,
    /// `checks(…)`: these alone; else every check that is registered.
    pub checks: Option<&'static [Registration]>,
}

/// The state of one server.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) version: Bytes,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) settings: Settings,
}

thread_local! {
    /// The server for which an app is being made on this thread.
    static CURRENT: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// An engine that is made with a server's first app and serves all its workers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<OnceLock<Arc<Engine>>>);

impl Shared {
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
}

impl Engine {
    /// The engine of the server that an app is being made for; outside one, an engine of its own.
    pub(crate) fn current(facts: &Facts) -> Result<Arc<Self>, Error> {
        let Some(shared) = CURRENT.with_borrow(Clone::clone) else {
            return Ok(Arc::new(Self::new(facts)?));
        };
        if let Some(engine) = shared.0.get() {
            return Ok(engine.clone());
        }
        let engine = Arc::new(Self::new(facts)?);
        Ok(shared.0.get_or_init(|| engine).clone())
    }

    fn new(facts: &Facts) -> Result<Self, Error> {
        let settings = Settings::from_env()?;
        let mut checks = match facts.checks {
            Some(chosen) => chosen.iter().map(|registration| registration.0()).collect(),
            None => Definition::registered(),
        };
        checks.sort_by_key(|definition| definition.check.name);
        let mut pairs = checks.iter().zip(checks.iter().skip(1));
        if let Some((one, other)) = pairs.find(|(one, other)| one.check.name == other.check.name) {
            let places = [one.check.place, other.check.place];
            return Err(Error::duplicate(one.check.name, places));
        }
        Ok(Self {
            version: version::load(&facts.version, settings.version_file.as_deref())?,
            heartbeat: Heartbeat::new(checks, &settings),
            settings,
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
/// HttpServer::new(dockerflow_runtime::share(app)).bind(("0.0.0.0", 8000))?.run().await
/// # }
/// ```
pub fn share<T>(factory: impl Fn() -> T + Clone + Send) -> impl Fn() -> T + Clone + Send {
    let shared = Shared::default();
    move || shared.scope(&factory)
}
