//! Prometheus: the numbers that a scrape of `/__metrics__` reads.

mod clash;
mod encode;
mod exposed;
mod machine;
mod registry;
mod scalar;
mod value;

#[cfg(test)]
pub(crate) use self::clash::RESERVED;
pub(crate) use self::{encode::text, registry::Registry, value::SeriesValue};
