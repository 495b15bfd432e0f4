//! Metrics: their names, how they are recorded, and how they reach statsd and Prometheus.
//!
//! An app counts through [`Metrics`], an extractor that is a [`cadence`] client; outside requests,
//! [`Server::metrics`](crate::Server::metrics) returns one.
//!
//! ```
//! use dockerflow::{Metrics, metrics::cadence::prelude::*};
//!
//! fn shipped(metrics: &Metrics, parcels: u64) {
//!     metrics.incr_with_tags("shipped").with_tag("carrier", "post").send();
//!     metrics.gauge_with_tags("parcels", parcels).send();
//! }
//! ```

mod answers;
mod backends;
mod client;
mod kept;
mod names;
mod options;
#[cfg(any(feature = "deadpool-0_13", feature = "sqlx-0_9"))]
pub mod pools;
#[cfg(feature = "prometheus")]
mod prometheus;
mod recorder;
mod refused;
mod request;
mod state;
mod statsd;
#[cfg(test)]
mod tests;

pub use cadence;

pub use self::client::Metrics;
#[cfg(fuzzing)]
pub(crate) use self::recorder::sent;
pub(crate) use self::{
    kept::{Kept, keep_on_this_thread, kept},
    options::MetricsOptions,
    request::{RequestMetrics, Routes},
};
