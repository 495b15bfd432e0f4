//! The runtime of the [`dockerflow`](https://docs.rs/dockerflow) crate: use it through that.

mod check;
mod definition;
mod endpoints;
mod engine;
mod error;
mod heartbeat;
#[doc(hidden)]
pub mod private;
mod report;
mod service;
mod settings;
mod version;

pub use check::{Level, Message, Outcome};
pub use engine::share;
pub use error::{Error, Problem};
pub use report::{Finding, OnHeartbeat, Report};
pub use version::Version;
