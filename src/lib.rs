#![doc = include_str!("../README.md")]

pub use dockerflow_macros::{health_check, service, version};
#[doc(hidden)]
pub use dockerflow_runtime::private as __private;
pub use dockerflow_runtime::{
    Error, Finding, Level, Message, Metrics, Mozlog, OnHeartbeat, Outcome, Problem, Report,
    RequestId, Server, Summary, Version, block, cadence, healthcheck, logger, share, start_logging,
};

/// ```no_run
/// use actix_web::{App, get, web};
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
/// fn main() -> std::process::ExitCode {
///     dockerflow::main(dockerflow::version!(), async |server| {
///         let greeting = web::Data::new(std::fs::read_to_string("greeting.txt")?);
///         server.run(move || app(greeting.clone())).await
///     })
/// }
/// ```
///
#[doc(inline)]
pub use dockerflow_runtime::main;
