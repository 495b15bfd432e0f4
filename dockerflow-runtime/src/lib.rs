//! The runtime of the [`dockerflow`](https://docs.rs/dockerflow) crate: use it through that.

mod check;
mod command;
mod definition;
mod endpoints;
mod engine;
mod error;
mod heartbeat;
#[doc(hidden)]
pub mod private;
mod report;
mod server;
mod service;
mod settings;
mod variables;
mod version;

pub use check::{Level, Message, Outcome};
pub use command::{healthcheck, main};
pub use engine::share;
pub use error::{Error, Problem};
pub use report::{Finding, OnHeartbeat, Report};
pub use server::Server;
pub use version::Version;
