//! The process: from its environment to its last log line.

use std::{
    env, fmt,
    future::Future,
    io,
    io::Write as _,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_service::IntoServiceFactory;
use actix_web::{
    HttpServer,
    body::MessageBody,
    dev::{AppConfig, Response, Service, ServiceFactory},
    rt::time,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    options::ProcessOptions,
    setup::Setup,
    signals::{Signals, StopSignal},
};
use crate::{
    environment::Environment,
    error::Error,
    logging::{self, LogOptions},
    metrics::Metrics,
    reports,
    service::{ServiceOptions, Shared},
    settings::Files,
};

const LOG: &str = "dockerflow.server";

/// How long the end of a server waits for its last reports of errors to be sent, at most.
const REPORTS: Duration = Duration::from_secs(2);

/// A service's process: it is set up by its environment, serves until it is told to stop, and drains.
///
/// ```no_run
/// # use dockerflow::{Error, Server};
/// # use actix_web::App;
/// # fn app() -> App<impl actix_web::dev::ServiceFactory<actix_web::dev::ServiceRequest, Config = (), Response = actix_web::dev::ServiceResponse, Error = actix_web::Error, InitError = ()>> { App::new() }
/// # async fn serve() -> Result<(), Error> {
/// Server::from_env()?.run(app).await
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    options: ProcessOptions,
    shared: Shared,
    metrics: Metrics,
    files: Files,
    /// Which variables are set to what.
    set: String,
    serving: Serving,
}

impl Server {
    /// The server that the environment describes. `docs/configuration.md` has every variable.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] with every variable that is not what it should be.
    pub fn from_env() -> Result<Self, Error> {
        Self::with(&Setup::default())
    }

    /// Returns the server of a program that has fixed something in its code.
    pub(super) fn with(setup: &Setup) -> Result<Self, Error> {
        let mut environment = Environment::new(|name| match &setup.config {
            Some(path) if name == "CONFIG_PATH" => Some(path.into()),
            _ => env::var_os(name),
        })
        .with_defaults(&setup.defaults);
        let options = ProcessOptions::read(&mut environment);
        let service = ServiceOptions::read(&mut environment);
        let logs = LogOptions::read(&mut environment);
        let files = Files::read(&mut environment).with_prefix(&setup.settings_prefix);
        let set = environment.set();
        let warnings = environment.warnings();
        let options = environment.finish(options)?;
        let program = setup.program();
        logging::start(&logs, &program)?;
        for warning in warnings {
            log::warn!(target: LOG, "{warning}");
        }
        let metrics = Metrics::start(&service.metrics, &program)?;
        Ok(Self {
            options,
            shared: Shared::of_server(service, metrics.clone()),
            metrics,
            files,
            set,
            serving: Serving::default(),
        })
    }

    /// Serves what `factory` makes until SIGTERM or SIGINT, and ends as `docs/process.md` says.
    ///
    /// `factory` is called once for each worker and once before, so that its faults are known before anything is served.
    ///
    /// # Errors
    ///
    /// Where the service cannot start: [`Error::VersionFile`], [`Error::DuplicateCheck`], [`Error::Bind`].
    pub async fn run<F, I, S, B>(self, factory: F) -> Result<(), Error>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request> + 'static,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<actix_web::Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        let http = self.http(factory)?;
        self.serve(http).await
    }

    /// The [`HttpServer`] that [`Server::run`] would serve, for what only it can be told: TLS, keep-alive, backlog, limits. It
    /// has its workers and is not bound yet. [`Server::serve`] binds it to `HOST` and `PORT`, unless it is bound by then.
    ///
    /// ```no_run
    /// # use dockerflow::{Error, Server};
    /// # use actix_web::App;
    /// # fn app() -> App<impl actix_web::dev::ServiceFactory<actix_web::dev::ServiceRequest, Config = (), Response = actix_web::dev::ServiceResponse, Error = actix_web::Error, InitError = ()>> { App::new() }
    /// # async fn serve() -> Result<(), Error> {
    /// let server = Server::from_env()?;
    /// let http = server.http(app)?.backlog(4096).keep_alive(std::time::Duration::from_secs(75));
    /// server.serve(http).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::VersionFile`], [`Error::DuplicateCheck`]: what keeps an app of `factory` from starting.
    pub fn http<F, I, S, B>(
        &self,
        factory: F,
    ) -> Result<HttpServer<impl Fn() -> I + Send + Clone + use<F, I, S, B>, I, S, B>, Error>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request> + 'static,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<actix_web::Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        self.shared.start(&factory)?;
        let shared = self.shared.clone();
        let http = HttpServer::new(move || shared.scope(&factory))
            .workers(self.options.workers)
            // Rounded up: `serve` keeps the exact time.
            .shutdown_timeout(self.options.shutdown_timeout.as_secs() + 1)
            .disable_signals();
        Ok(http)
    }

    /// Reads the application's own settings: the files at `CONFIG_PATH`, and the environment over them, as `docs/configuration.md`
    /// says.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Settings`] with every key that is not what `T` expects.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.files.settings()
    }

    /// Returns the metrics, for use outside requests; handlers use the extractor.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// The address that `HOST` and `PORT` name, for an [`HttpServer`] that is bound by hand.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.options.address
    }

    /// Serves a server that [`Server::http`] made until SIGTERM or SIGINT, and ends as `docs/process.md` says.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`] where nothing can listen on the address.
    pub async fn serve<F, I, S, B>(self, http: HttpServer<F, I, S, B>) -> Result<(), Error>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request> + 'static,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<actix_web::Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        let signals = Signals::new()?;
        let address = self.options.address;
        let http = if http.addrs().is_empty() {
            http.bind(address)
                .map_err(|error| Error::Bind { address, error })?
        } else {
            http
        };
        let addresses: Vec<_> = http
            .addrs_with_scheme()
            .iter()
            .map(|(address, scheme)| format!("{scheme}://{address}"))
            .collect();
        let running = http.run();
        self.serving.set();
        self.announce(&addresses);
        let workers = self.shared.engine().map(|engine| engine.workers.clone());
        let watch = workers.map(|workers| actix_web::rt::spawn(workers.watch()));
        let handle = running.handle();
        let mut stopping = None;
        let result = self
            .until_stopped(running, handle, signals, &mut stopping)
            .await;
        if let Some(watch) = watch {
            watch.abort();
        }
        // Within the time that a stop may take. A report that was made earlier is sent by now.
        let left = stopping.map_or(REPORTS, |began: Instant| {
            self.options
                .shutdown_timeout
                .saturating_sub(began.elapsed())
        });
        reports::flush(left.min(REPORTS));
        self.metrics.flush();
        logging::flush();
        result
    }

    async fn until_stopped(
        &self,
        running: impl Future<Output = io::Result<()>>,
        handle: actix_web::dev::ServerHandle,
        mut signals: Signals,
        stopping: &mut Option<Instant>,
    ) -> Result<(), Error> {
        let ProcessOptions {
            drain_delay,
            shutdown_timeout,
            ..
        } = self.options;
        let mut running = pin!(running);
        let signal = tokio::select! {
            result = &mut running => return Ok(result?),
            signal = signals.next() => signal,
        };
        let first = Instant::now();
        self.shared.drain();
        let delay = match signal {
            StopSignal::Terminate => drain_delay,
            StopSignal::Interrupt => Duration::ZERO,
        };
        log::info!(
            target: LOG,
            "{signal}: draining for {delay:?}, then at most {shutdown_timeout:?} for requests in flight"
        );
        tokio::select! {
            result = &mut running => return Ok(result?),
            () = time::sleep(delay) => {}
            signal = signals.next_after(first) => {
                log::warn!(target: LOG, "{signal}, the second signal: stopping at once");
                drop(handle.stop(false));
                return Ok(());
            }
        }
        *stopping = Some(Instant::now());
        drop(handle.stop(true));
        tokio::select! {
            result = &mut running => {
                log::info!(target: LOG, "stopped");
                Ok(result?)
            }
            () = time::sleep(shutdown_timeout) => {
                log::warn!(target: LOG, "requests in flight were cut off after {shutdown_timeout:?}");
                Ok(())
            }
            signal = signals.next_after(first) => {
                log::warn!(target: LOG, "{signal}, the second signal: stopping at once");
                Ok(())
            }
        }
    }

    /// Whether the signals are [`Server::serve`]'s by now.
    pub(super) fn serving(&self) -> Serving {
        self.serving.clone()
    }

    /// The record of the start.
    fn announce(&self, addresses: &[String]) {
        let engine = self.shared.engine();
        let version = engine
            .as_ref()
            .and_then(|engine| serde_json::from_slice::<Value>(&engine.version).ok());
        let fact = |key| {
            let fact = version
                .as_ref()
                .and_then(|version| version.get(key)?.as_str());
            fact.unwrap_or_default().to_owned()
        };
        let checks = engine.map(|engine| {
            let each = engine.heartbeat.checks().map(|check| check.to_string());
            each.collect::<Vec<_>>().join(", ")
        });
        let checks = checks.unwrap_or_default();
        log::info!(
            target: LOG,
            source = fact("source"),
            version = fact("version"),
            commit = fact("commit"),
            build = fact("build"),
            checks = checks.as_str(),
            workers = self.options.workers,
            settings = self.set.as_str();
            "listening on {}", addresses.join(", ")
        );
        if self.options.address.port() == 0 {
            // Whoever lets the system choose has to be told, whatever the log's level.
            for address in addresses {
                let _ = writeln!(io::stderr(), "listening on {address}");
            }
        }
    }
}

/// Whether a server has taken the signals over.
#[derive(Clone, Debug, Default)]
pub(super) struct Serving(Arc<AtomicBool>);

impl Serving {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
