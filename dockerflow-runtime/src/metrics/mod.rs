//! Metrics: what is measured, under which names, and how it reaches statsd and Prometheus.
//!
//! An app counts through [`Metrics`], an extractor that is a [`cadence`] client.

mod backends;
mod client;
mod names;
mod options;
#[cfg(any(feature = "deadpool-0_13", feature = "sqlx-0_9"))]
pub mod pools;
#[cfg(feature = "prometheus")]
mod prometheus;
mod recorder;
mod request;
mod state;
mod statsd;
#[cfg(test)]
mod tests;

pub use cadence;

pub use self::client::Metrics;
pub(crate) use self::{
    options::MetricsOptions,
    request::{RequestMetrics, Routes},
};
