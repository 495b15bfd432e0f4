//! The runtime of the [`dockerflow`](https://docs.rs/dockerflow) crate: use it through that.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!(
    "dockerflow runs on Unix only: it reads signals and file modes as Linux and macOS have them"
);

mod cut;
mod environment;
mod error;
mod fingerprint;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod health;
mod json;
mod lock;
pub mod logging;
pub mod metrics;
#[doc(hidden)]
pub mod private;
mod process;
mod queue;
mod reports;
mod request;
mod service;
mod settings;
pub mod testing;

pub use error::{BadSetting, Error};
pub use health::Message;
pub use metrics::Metrics;
pub use process::{Program, Server, healthcheck};
pub use request::{InvalidRequestId, RequestId, Summary, TraceContext, block};
pub use service::{Drain, Hold, Version, share_engine, shared_metrics};
pub use settings::settings;
