//! The runtime of the [`dockerflow`](https://docs.rs/dockerflow) crate: use it through that.

mod bridges;
mod check;
#[cfg(any(feature = "redis", feature = "sqlx"))]
pub mod checks;
mod command;
mod config;
mod definition;
mod endpoints;
mod engine;
mod error;
mod escape;
mod filter;
mod heartbeat;
mod logging;
mod metrics;
mod mozlog;
#[doc(hidden)]
pub mod private;
mod report;
mod request_id;
mod server;
mod service;
mod settings;
mod summary;
mod variables;
mod version;
mod writer;

pub use ::{cadence, slog};
pub use check::{Level, Message, Outcome};
pub use command::{healthcheck, main};
pub use config::config;
pub use engine::share;
pub use error::{Error, Problem};
pub use logging::{logger, start_logging};
pub use metrics::Metrics;
pub use mozlog::Mozlog;
pub use report::{Finding, OnHeartbeat, Report};
pub use request_id::{RequestId, block};
pub use server::Server;
pub use summary::Summary;
pub use version::Version;
