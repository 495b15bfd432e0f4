//! The server of a process, which an app's `main` receives.

use std::{
    env, fs, mem,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_service::IntoServiceFactory;
use actix_web::{HttpServer, body::MessageBody};
use serde::de::DeserializeOwned;

use super::{
    address::Address,
    also::Also,
    announce::announce,
    heeded_signals::{Heeded, Serving},
    http::{self, HttpService},
    listeners::{self, Plan},
    options::ProcessOptions,
    setup::Setup,
    stop, systemd, variables,
};
use crate::{
    environment::Environment,
    error::Error,
    logging::{self, LogOptions},
    metrics::Metrics,
    reports,
    service::{Drain, ServiceOptions, Shared, TARGET},
    settings::Files,
};

/// How long the end of a server waits for its last reports of errors to be sent, at most.
const REPORTS: Duration = Duration::from_secs(2);

/// A service's server: it is set up by the environment, serves until a signal asks it to stop, and drains.
///
/// ```no_run
/// # use dockerflow::{Error, Server};
/// # use actix_web::App;
/// # #[dockerflow::service]
/// # fn app() -> App { App::new() }
/// # async fn serve() -> Result<(), Error> {
/// Server::from_env()?.run(app).await
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    setup: Setup,
    options: ProcessOptions,
    shared: Shared,
    metrics: Metrics,
    files: Files,
    /// The variables that are set, with their values.
    set: String,
    serving: Serving,
    /// Taken when the program started, so that a signal that arrives before the service is up is not lost.
    signals: Option<Heeded>,
    also: Vec<Also>,
}

impl Server {
    /// Returns the server that the environment describes, and starts the log. `docs/configuration.md` has every variable.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Settings`] with every invalid variable, and [`Error::App`] if stdout is
    /// closed or a thread cannot start.
    pub fn from_env() -> Result<Self, Error> {
        Self::with(&Setup::default())
    }

    /// Returns the server of a program with settings in its code.
    pub(super) fn with(setup: &Setup) -> Result<Self, Error> {
        let mut environment = Environment::of_process().with_defaults(&setup.defaults);
        let options = ProcessOptions::read(&mut environment);
        let mut service = ServiceOptions::read(&mut environment);
        service.has_ops_port = options.ops.is_some();
        let logs = LogOptions::read(&mut environment);
        let (files, given) = match &setup.config {
            Some(path) => (
                Files::at(path, "--config", &mut environment),
                format!(" --config={}", path.display()),
            ),
            None => (Files::read(&mut environment), String::new()),
        };
        let files = files.with_prefix(&setup.settings_prefix);
        let set = (environment.set() + &given).trim_start().to_owned();
        let mut warnings = environment.warnings();
        let options = environment.finish(options)?;
        options.workers(1)?;
        let program = setup.program();
        logging::start(&logs, &program)?;
        warnings.extend(variables::misspelt(env::vars_os()));
        for warning in warnings {
            log::warn!(target: TARGET, "{warning}");
        }
        let metrics = Metrics::start(&service.metrics, &program)?;
        Ok(Self {
            setup: setup.clone(),
            options,
            shared: Shared::of_server(service, metrics.clone()),
            metrics,
            files,
            set,
            serving: Serving::default(),
            signals: None,
            also: Vec::new(),
        })
    }

    /// Serves the apps that `factory` makes until a signal asks it to stop, and ends as `docs/process.md` says.
    ///
    /// `factory` is called once for each worker, and once before, so that its faults are known before anything is served.
    ///
    /// # Errors
    ///
    /// Returns the reason why the service cannot start: [`Error::NoService`],
    /// [`Error::VersionFile`], [`Error::DuplicateCheck`], [`Error::Bind`], and [`Error::Settings`]
    /// for more workers than the process can have.
    pub async fn run<F, I, S, B>(self, factory: F) -> Result<(), Error>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request> + 'static,
        S: HttpService<B>,
        B: MessageBody + 'static,
    {
        let http = self.http(factory)?;
        self.serve(http).await
    }

    /// Returns the [`HttpServer`] that [`Server::run`] would serve, for TLS and other options that
    /// only actix-web's builder has. Its workers, time-outs and limits are set, and it is not bound
    /// yet. [`Server::serve`] binds it to `HOST` and `PORT`, unless it is bound by then.
    ///
    /// ```no_run
    /// # use dockerflow::{Error, Server};
    /// # use actix_web::App;
    /// # #[dockerflow::service]
    /// # fn app() -> App { App::new() }
    /// # async fn serve() -> Result<(), Error> {
    /// let server = Server::from_env()?;
    /// let http = server.http(app)?.server_hostname("api.example.org").tcp_nodelay(true);
    /// server.serve(http).await
    /// # }
    /// ```
    ///
    /// The time that requests in flight have at the end is `DOCKERFLOW_SHUTDOWN_TIMEOUT`, because
    /// the platform that sends SIGTERM has to know it. A longer `shutdown_timeout` of the builder
    /// has no effect, and actix-web does not say what it is: the warning that requests were cut off
    /// names the variable. A shorter one counts, but then the log does not say that requests were
    /// cut off.
    ///
    /// # Errors
    ///
    /// Returns the reason why an app of `factory` cannot start: [`Error::NoService`],
    /// [`Error::VersionFile`], [`Error::DuplicateCheck`].
    pub fn http<F, I, S, B>(
        &self,
        factory: F,
    ) -> Result<HttpServer<impl Fn() -> I + Send + Clone + use<F, I, S, B>, I, S, B>, Error>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request> + 'static,
        S: HttpService<B>,
        B: MessageBody + 'static,
    {
        self.shared.start("the app", &factory)?;
        let workers = self.options.workers(1 + self.also.len())?;
        Ok(http::build(
            factory,
            self.shared.clone(),
            &self.options,
            workers,
        ))
    }

    /// Adds another app that the process serves on an address of its own: that of `INTERNAL_HOST` and `INTERNAL_PORT`, if `name` is
    /// `INTERNAL`. The port must be set, or have one of [`Program::defaults`](crate::Program::defaults).
    ///
    /// It starts, drains and ends with the server's own app, and has as many workers of its own. An app whose `#[service]` names
    /// its `checks(…)` has a heartbeat of its own; one that does not shares the first app's.
    ///
    /// ```no_run
    /// # use dockerflow::{Error, Server};
    /// # use actix_web::App;
    /// # #[dockerflow::service]
    /// # fn public() -> App { App::new() }
    /// # async fn serve(server: Server) -> Result<(), Error> {
    /// #[dockerflow::service(checks())]
    /// fn internal() -> App {
    ///     App::new()
    /// }
    ///
    /// server.also("INTERNAL", internal).run(public).await
    /// # }
    /// ```
    ///
    /// [`Server::run`] returns the errors of this app: [`Error::Settings`] for its variables and for a name that is not made of
    /// capitals, digits and underscores, or that gives one of dockerflow's own variables, as `STATSD` does.
    #[must_use = "it is served by `run`"]
    pub fn also<F, I, S, B>(mut self, name: impl Into<String>, factory: F) -> Self
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request> + 'static,
        S: HttpService<B>,
        B: MessageBody + 'static,
    {
        self.also.push(Also::new(name.into(), factory));
        self
    }

    /// Reads the application's own settings: the files at `CONFIG_PATH`, and the environment over them, as `docs/configuration.md`
    /// says.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Settings`] with every file that cannot be read, or else with every key that
    /// is not what `T` expects.
    ///
    /// ```no_run
    /// # use actix_web::{App, web};
    /// # use dockerflow::{Error, Server};
    /// #[derive(Clone, serde::Deserialize)]
    /// struct Settings {
    ///     page_size: u32, // PAGE_SIZE
    /// }
    ///
    /// #[dockerflow::service]
    /// fn app(settings: Settings) -> App {
    ///     App::new().app_data(web::Data::new(settings))
    /// }
    ///
    /// # async fn serve(server: Server) -> Result<(), Error> {
    /// let settings: Settings = server.settings()?;
    /// server.run(move || app(settings.clone())).await
    /// # }
    /// ```
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.files.settings()
    }

    /// Returns the metrics, for use outside requests; handlers use the extractor.
    ///
    /// ```
    /// use std::time::Duration;
    /// use actix_web::rt::{spawn, time::sleep};
    /// use dockerflow::{Server, metrics::cadence::prelude::*};
    ///
    /// fn count_minutes(server: &Server) {
    ///     let metrics = server.metrics();
    ///     spawn(async move {
    ///         loop {
    ///             sleep(Duration::from_secs(60)).await;
    ///             metrics.incr_with_tags("minutes").send();
    ///         }
    ///     });
    /// }
    /// ```
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Returns the drain, for use outside requests; handlers use the extractor.
    ///
    /// ```
    /// use actix_web::rt::spawn;
    /// use dockerflow::Server;
    ///
    /// fn watch(server: &Server) {
    ///     let drain = server.drain();
    ///     spawn(async move {
    ///         drain.started().await;
    ///         log::info!("a release is on its way: no new imports are started");
    ///     });
    /// }
    /// ```
    #[must_use]
    pub fn drain(&self) -> Drain {
        self.shared.drain()
    }

    /// Returns the address that `HOST` and `PORT` name, for an [`HttpServer`] that is bound by hand.
    ///
    /// If `HOST` names a Unix socket, it is `PORT` on 127.0.0.1, and [`Server::serve`] refuses a server that is bound by hand.
    ///
    /// ```no_run
    /// # use dockerflow::{Error, Server};
    /// # #[dockerflow::service]
    /// # fn app() -> actix_web::App { actix_web::App::new() }
    /// # async fn serve(server: Server) -> Result<(), Error> {
    /// // With TLS: `.bind_rustls_0_23(server.address(), config)?`, a feature of actix-web.
    /// let http = server.http(app)?.bind(server.address())?;
    /// server.serve(http).await
    /// # }
    /// ```
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self.options.address {
            Address::Tcp(address) => address,
            Address::Unix(_) => (Ipv4Addr::LOCALHOST, self.options.port).into(),
        }
    }

    /// Makes the server heed the signals since now.
    pub(super) fn heed_signals(&mut self) -> Result<(), Error> {
        self.signals = Some(Heeded::new()?);
        Ok(())
    }

    /// Returns whether [`Server::serve`] handles the signals by now.
    pub(super) fn serving(&self) -> Serving {
        self.serving.clone()
    }

    /// Serves an [`HttpServer`] that [`Server::http`] made until a signal asks it to stop, and ends
    /// as `docs/process.md` says.
    ///
    /// ```no_run
    /// # use dockerflow::{Error, Server};
    /// # #[dockerflow::service]
    /// # fn app() -> actix_web::App { actix_web::App::new() }
    /// # async fn serve(server: Server) -> Result<(), Error> {
    /// // Reports each connection, which only actix-web's builder can do.
    /// let http = server.http(app)?.on_connect(|_, _| log::debug!("a client has connected"));
    /// server.serve(http).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`Error::Bind`] if the process cannot listen on an address, and the errors of [`Server::run`].
    pub async fn serve<F, I, S, B>(mut self, http: HttpServer<F, I, S, B>) -> Result<(), Error>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request> + 'static,
        S: HttpService<B>,
        B: MessageBody + 'static,
    {
        self.shared
            .check("an HttpServer that is not from Server::http")?;
        let Heeded { stop, verbosity } = match self.signals.take() {
            Some(heeded) => heeded,
            None => Heeded::new()?,
        };
        let also = mem::take(&mut self.also);
        let plan = Plan {
            options: &self.options,
            shared: &self.shared,
            defaults: &self.setup.defaults,
        };
        let listening = listeners::listen(http, also, plan)?;
        let mut servers = Vec::new();
        let mut shared = Vec::new();
        let mut announced = Vec::new();
        let mut sockets = Vec::new();
        for one in listening {
            servers.push(one.server);
            shared.push(one.shared);
            announced.push(one.announced);
            sockets.extend(one.socket);
        }
        self.serving.set();
        let up = || {
            logging::service_is_up();
            announce(&announced, &shared, &self.set);
            systemd::notify("READY=1");
        };
        let workers = self.shared.engine().map(|engine| engine.workers.clone());
        let watch = workers.map(|workers| actix_web::rt::spawn(workers.watch()));
        let mut stopping = None;
        let ended = stop::run(servers, &shared, &self.options, stop, up, &mut stopping);
        let result = ended.await;
        if let Some(watch) = watch {
            watch.abort();
        }
        verbosity.abort();
        for path in sockets {
            let _ = fs::remove_file(path); // it may be gone
        }
        // The flush may use only what is left of the time for a stop. Earlier reports have been sent by now.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_go_to_another_thread() {
        const fn send<T: Send>() {}
        const { send::<Server>() };
    }
}
