// Where the README's links lead from the page of the crate: the first definition of a label counts.
//! [Build facts]: crate::_guide::build_facts
//! [Health checks]: crate::_guide::health_checks
//! [beside its peers]: crate::_guide::logging#what-it-costs
//! [which probe asks what]: crate::_guide::health_checks#which-probe-goes-where
//! [Logging]: crate::_guide::logging
//! [Metrics]: crate::_guide::metrics
//! [Configuration]: crate::_guide::configuration
//! [Process]: crate::_guide::process
//! [Container]: crate::_guide::container
//! [Features]: crate::_guide::features
//! [Stability]: crate::_guide::stability
//! [Porting a service]: crate::_guide::porting
//! [From endpoints written by hand]: crate::_guide::from_hand_written_endpoints
//! [from tracing-actix-web]: crate::_guide::from_tracing_actix_web
//! [Sentry, OpenTelemetry, Prometheus]: crate::_guide::telemetry
//! [Examples]: https://docs.rs/crate/dockerflow/latest/source/examples/README.md
//! [API]: crate
//! [MPL-2.0]: https://docs.rs/crate/dockerflow/latest/source/LICENSE
//! [CONTRIBUTING.md]: https://docs.rs/crate/dockerflow/latest/source/CONTRIBUTING.md
//! [CHANGELOG.md]: https://docs.rs/crate/dockerflow/latest/source/CHANGELOG.md
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Registers a function as a health check; the function itself is unchanged.
///
/// The function is an `async fn` or a plain `fn`, and not in an `impl`; a plain one runs on a thread pool for blocking code. Like a handler, it takes up
/// to sixteen [extractors]; they must be `Send`. It returns something that implements
/// [`IntoMessages`](health::IntoMessages): `()`, a [`Result`], a [`Message`] or several.
///
/// A check is registered in every program that links its crate. Each [`service`] runs all registered checks, unless it names some
/// with `checks(…)`.
///
/// [extractors]: https://docs.rs/actix-web/4/actix_web/trait.FromRequest.html
///
/// ```
/// use actix_web::web;
/// use dockerflow::{Message, health_check};
/// # struct Pool;
/// # impl Pool { async fn ping(&self) -> std::io::Result<()> { Ok(()) } }
///
/// /// `Err` fails the heartbeat.
/// #[health_check]
/// async fn database(pool: web::Data<Pool>) -> std::io::Result<()> {
///     pool.ping().await
/// }
///
/// /// A check that is only degraded keeps the heartbeat at 200.
/// #[health_check(name = "disk space", level = warning, timeout = "250ms")]
/// fn disk() -> std::io::Result<()> {
///     std::fs::metadata("/").map(drop)
/// }
///
/// #[health_check]
/// async fn queue() -> Option<Message> {
///     Some(Message::info("queue.length", "17 jobs"))
/// }
/// ```
///
/// | option | meaning | default |
/// |---|---|---|
/// | `name = "…"` | the name in the heartbeat; each check of a service needs a different one | the function's name |
/// | `level = warning` | the highest level that this check can have: `debug`, `info`, `warning`, `error`, `critical` | `critical` |
/// | `timeout = "500ms"` | the deadline, an integer with `ms`, `s` or `m` | `DOCKERFLOW_HEARTBEAT_TIMEOUT`, 800 ms |
/// | `crate = path` | the path of this crate, if it has another name | `::dockerflow` |
pub use dockerflow_macros::health_check;
/// Makes an `async fn` the `main` of a program, with a command line, a drain on SIGTERM and exit codes.
///
/// The function takes the [`Server`] and returns a [`Result`] whose error becomes an [`Error`]. It may have another name than
/// `main`. It expands to a function without arguments that returns an [`ExitCode`](std::process::ExitCode), which is
/// <code>[Program]::new([version!]()).run(…)</code>: the commands and exit codes are documented there.
///
/// ```no_run
/// use actix_web::{App, get, web};
/// use dockerflow::{Error, Server};
///
/// #[get("/")]
/// async fn index(greeting: web::Data<String>) -> String {
///     greeting.to_string()
/// }
///
/// #[dockerflow::service]
/// fn app(greeting: web::Data<String>) -> App {
///     App::new().app_data(greeting).service(index)
/// }
///
/// #[dockerflow::main]
/// async fn main(server: Server) -> Result<(), Error> {
///     let greeting = web::Data::new(std::fs::read_to_string("greeting.txt")?);
///     server.run(move || app(greeting.clone())).await
/// }
/// ```
///
/// | option | means | default |
/// |---|---|---|
/// | `crate = path` | the path of this crate, if it has another name | `::dockerflow` |
pub use dockerflow_macros::main;
/// Makes the app that a function returns a Dockerflow service.
///
/// The service answers `/__version__`, `/__heartbeat__` and `/__lbheartbeat__` before the app sees
/// the request, and, if they are switched on, `/__error__` and `/__metrics__`. The function keeps
/// its name, arguments, generics and documentation, and `return` works. The macro completes a
/// return type of `App`, and keeps an `App<…>` as it is. The app must own all that it keeps: it
/// cannot borrow from the function's arguments.
///
/// ```standalone_crate
/// use actix_web::{App, HttpServer, get, web};
///
/// #[get("/")]
/// async fn index(greeting: web::Data<String>) -> String {
///     greeting.to_string()
/// }
///
/// #[dockerflow::service]
/// fn app(greeting: web::Data<String>) -> App {
///     App::new().app_data(greeting).service(index)
/// }
///
/// # #[actix_web::main]
/// # async fn main() {
/// let app = actix_web::test::init_service(app(web::Data::new("hello".into()))).await;
/// let request = actix_web::test::TestRequest::get().uri("/__lbheartbeat__").to_request();
/// assert_eq!(actix_web::test::call_service(&app, request).await.status(), 200);
/// # }
/// ```
///
/// | option | meaning | default |
/// |---|---|---|
/// | `checks(one, module::other)` | run only these checks, each named by its path in the module that defines it | all registered checks |
/// | `version = "../version.json"` | serve this file as the version object, if it has a commit; relative to the folder of the manifest | the version of the program, else [`version!`] |
/// | `version = main` | serve the version of the program, which [`main`](macro@main) passes down, and embed none: a library is not compiled again for each commit | |
/// | `crate = path` | the path of this crate, if it has another name | `::dockerflow` |
///
/// A program with two services, of which each runs its own checks:
///
/// ```
/// # use actix_web::App;
/// mod checks {
///     #[dockerflow::health_check]
///     pub async fn database() {}
///     #[dockerflow::health_check]
///     pub async fn search() {}
/// }
///
/// #[dockerflow::service(checks(checks::database, checks::search))]
/// fn public() -> App {
///     App::new()
/// }
///
/// #[dockerflow::service(checks(checks::database), version = main)]
/// fn internal() -> App {
///     App::new()
/// }
/// ```
///
/// # Panics
///
/// The function panics if its service cannot start: two checks have the same name, the version file is not a JSON object, or a
/// variable is invalid. [`Server::run`] returns an [`Error`] instead.
pub use dockerflow_macros::service;
/// Expands to the [`Version`] of the crate that calls it, which is found at compile time and never stale.
///
/// For each of its four facts, the first source that knows it counts: `DOCKERFLOW_SOURCE`, `_VERSION`, `_COMMIT` and `_BUILD`; a
/// `version.json`; the variables of the CI system; `.git`, which is read without a git program; `.cargo_vcs_info.json`; Cargo's own
/// variables. The guide's page on build facts has the rules. It can initialise a `const`. `crate = path` gives the path of this
/// crate, if it has another name.
///
/// ```
/// const VERSION: dockerflow::Version = dockerflow::version!();
/// assert!(!VERSION.version.is_empty());
/// ```
pub use dockerflow_macros::version;
#[doc(hidden)]
pub use dockerflow_runtime::private as __private;
pub use dockerflow_runtime::{
    BadSetting, Drain, Error, Hold, InvalidRequestId, Message, Metrics, Program, RequestId, Server,
    Summary, TraceContext, Version, block, health, healthcheck, logging, metrics, settings,
    share_engine, shared_metrics, testing,
};

/// The guide: a page for each topic.
#[cfg(doc)]
pub mod _guide {
    #[doc = include_str!("../docs/build-facts.md")]
    pub mod build_facts {}
    #[doc = include_str!("../docs/configuration.md")]
    pub mod configuration {}
    /// [why]: crate::_guide::health_checks#which-probe-goes-where
    #[doc = include_str!("../docs/container.md")]
    pub mod container {}
    /// [metrics]: crate::_guide::metrics
    /// [features]: crate::_guide::features
    /// [port for operations]: crate::_guide::process#a-port-for-operations
    #[doc = include_str!("../docs/health-checks.md")]
    pub mod health_checks {}
    #[doc = include_str!("../docs/features.md")]
    pub mod features {}
    /// [metrics]: crate::_guide::metrics
    #[doc = include_str!("../docs/from-hand-written-endpoints.md")]
    pub mod from_hand_written_endpoints {}
    /// [telemetry]: crate::_guide::telemetry
    /// [health checks]: crate::_guide::health_checks
    #[doc = include_str!("../docs/from-tracing-actix-web.md")]
    pub mod from_tracing_actix_web {}
    /// [configuration]: crate::_guide::configuration
    #[doc = include_str!("../docs/logging.md")]
    pub mod logging {}
    #[doc = include_str!("../docs/metrics.md")]
    pub mod metrics {}
    /// [from endpoints written by hand]: crate::_guide::from_hand_written_endpoints
    /// [from tracing-actix-web and vergen]: crate::_guide::from_tracing_actix_web
    /// [Sentry, OpenTelemetry, Prometheus]: crate::_guide::telemetry
    #[doc = include_str!("../docs/porting.md")]
    pub mod porting {}
    /// [build facts]: crate::_guide::build_facts#sources
    /// [configuration]: crate::_guide::configuration
    /// [health checks]: crate::_guide::health_checks#which-probe-goes-where
    /// [log]: crate::_guide::logging#variables
    /// [what moves and what stays]: crate::_guide::health_checks#with-a-port-for-operations
    #[doc = include_str!("../docs/process.md")]
    pub mod process {}
    /// [features]: crate::_guide::features
    #[doc = include_str!("../docs/stability.md")]
    pub mod stability {}
    /// [logging]: crate::_guide::logging
    /// [metrics]: crate::_guide::metrics
    /// [features]: crate::_guide::features
    #[doc = include_str!("../docs/telemetry.md")]
    pub mod telemetry {}
}
