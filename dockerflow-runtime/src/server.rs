//! The process: from its environment to its last log line.

use std::{
    cell::Cell,
    env, fmt,
    future::Future,
    io,
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::pin,
    rc::Rc,
    thread,
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
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    config::Files,
    engine::Shared,
    error::Error,
    logging::{self, LogOptions},
    metrics::Metrics,
    settings::{Environment, Settings, program},
};

/// For so long after a signal another one is the same.
const ECHO: Duration = Duration::from_millis(100);

const LOG: &str = "dockerflow.server";

/// A service's process: it is set up by its environment, serves until it is told to stop, and drains.
///
/// ```no_run
/// # use dockerflow_runtime::{Error, Server};
/// # use actix_web::App;
/// # fn app() -> App<impl actix_web::dev::ServiceFactory<actix_web::dev::ServiceRequest, Config = (), Response = actix_web::dev::ServiceResponse, Error = actix_web::Error, InitError = ()>> { App::new() }
/// # async fn serve() -> Result<(), Error> {
/// Server::from_env()?.run(app).await
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    process: Process,
    shared: Shared,
    metrics: Metrics,
    files: Files,
    /// Which variables are set to what.
    set: String,
    serving: Rc<Cell<bool>>,
}

impl Server {
    /// The server that the environment describes. `docs/configuration.md` has every variable.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] with every variable that is not what it should be.
    pub fn from_env() -> Result<Self, Error> {
        let mut environment = Environment::new(|name| env::var_os(name));
        let process = Process::read(&mut environment);
        // Each engine reads its own settings; they are read here so that all faults are found at once.
        let settings = Settings::read(&mut environment);
        let logs = LogOptions::read(&mut environment);
        let files = Files::read(&mut environment);
        let set = environment.set();
        let process = environment.finish(process)?;
        logging::start(&logs, &program())?;
        let metrics = Metrics::start(settings.statsd, &program())?;
        Ok(Self {
            process,
            shared: Shared::of_server(metrics.clone()),
            metrics,
            files,
            set,
            serving: Rc::default(),
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
    /// # use dockerflow_runtime::{Error, Server};
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
            .workers(self.process.workers)
            // Rounded up: `serve` keeps the exact time.
            .shutdown_timeout(self.process.shutdown_timeout.as_secs() + 1)
            .disable_signals();
        Ok(http)
    }

    /// The application's own settings: the files at `CONFIG_PATH`, the environment on top. [`config`](crate::config) tells how.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] with the first key that is not what `T` expects.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.files.config()
    }

    /// The metrics, for what is no request: those have them as an extractor.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// The address that `HOST` and `PORT` name, for an [`HttpServer`] that is bound by hand.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.process.address
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
        let address = self.process.address;
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
        self.serving.set(true);
        self.announce(&addresses);
        let handle = running.handle();
        let result = self.until_told(running, handle, signals).await;
        self.metrics.flush();
        logging::flush();
        result
    }

    async fn until_told(
        &self,
        running: impl Future<Output = io::Result<()>>,
        handle: actix_web::dev::ServerHandle,
        mut signals: Signals,
    ) -> Result<(), Error> {
        let Process {
            drain_delay,
            shutdown_timeout,
            ..
        } = self.process;
        let mut running = pin!(running);
        let told = tokio::select! {
            result = &mut running => return Ok(result?),
            told = signals.next() => told,
        };
        let first = Instant::now();
        self.shared.drain();
        let delay = match told {
            Told::Terminate => drain_delay,
            Told::Interrupt => Duration::ZERO,
        };
        log::info!(
            target: LOG,
            "{told}: draining for {delay:?}, then at most {shutdown_timeout:?} for requests in flight"
        );
        tokio::select! {
            result = &mut running => return Ok(result?),
            () = time::sleep(delay) => {}
            told = signals.next_after(first) => {
                log::warn!(target: LOG, "{told}, the second signal: stopping at once");
                drop(handle.stop(false));
                return Ok(());
            }
        }
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
            told = signals.next_after(first) => {
                log::warn!(target: LOG, "{told}, the second signal: stopping at once");
                Ok(())
            }
        }
    }

    /// Whether the signals are [`Server::serve`]'s by now.
    pub(crate) fn serving(&self) -> Rc<Cell<bool>> {
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
        let checks = engine
            .map(|engine| engine.heartbeat.names().join(","))
            .unwrap_or_default();
        log::info!(
            target: LOG,
            source = fact("source"),
            version = fact("version"),
            commit = fact("commit"),
            build = fact("build"),
            checks = checks.as_str(),
            workers = self.process.workers,
            settings = self.set.as_str();
            "listening on {}", addresses.join(", ")
        );
        if self.process.address.port() == 0 {
            // Whoever lets the system choose has to be told, whatever the log's level.
            for address in addresses {
                let _ = writeln!(io::stderr(), "listening on {address}");
            }
        }
    }
}

/// What the environment says of the process itself.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// `HOST` and `PORT`.
    pub(crate) address: SocketAddr,
    /// `WORKERS`.
    workers: usize,
    /// `DOCKERFLOW_DRAIN_DELAY`.
    drain_delay: Duration,
    /// `DOCKERFLOW_SHUTDOWN_TIMEOUT`.
    shutdown_timeout: Duration,
}

impl Process {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        let port = environment.get("PORT", 8000, "a port from 0 to 65535", |text| {
            text.parse().ok()
        });
        let host = environment.get(
            "HOST",
            IpAddr::from(Ipv4Addr::UNSPECIFIED),
            "an IP address such as 0.0.0.0, :: or 127.0.0.1",
            |text| {
                let bare = text
                    .strip_prefix('[')
                    .and_then(|text| text.strip_suffix(']'));
                bare.unwrap_or(text).parse().ok()
            },
        );
        Self {
            address: SocketAddr::new(host, port),
            workers: environment
                .get("WORKERS", None, "a number from 1 to 1024", |text| {
                    let count = text.parse().ok().filter(|count| (1..=1024).contains(count));
                    count.map(Some)
                })
                .unwrap_or_else(processors),
            drain_delay: environment.duration(
                "DOCKERFLOW_DRAIN_DELAY",
                Duration::from_secs(5),
                Duration::ZERO,
            ),
            shutdown_timeout: environment.duration(
                "DOCKERFLOW_SHUTDOWN_TIMEOUT",
                Duration::from_secs(20),
                Duration::ZERO,
            ),
        }
    }
}

/// The processors that this process may use, at least one: the standard library reads the affinity and the CPU quota, of cgroup
/// version 1 and 2 and of every group above, and rounds it down.
fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The two signals by which a process is told to stop. From when this is made, they no longer kill it.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Terminate,
    Interrupt,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Terminate,
            _ = self.interrupt.recv() => Told::Interrupt,
        }
    }

    /// The next one that is no echo of the `first`: some supervisors signal a process and, right after, its group.
    async fn next_after(&mut self, first: Instant) -> Told {
        loop {
            let told = self.next().await;
            if first.elapsed() > ECHO {
                return told;
            }
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}
