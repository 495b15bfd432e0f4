//! Prometheus: what was measured, kept to be read at `/__metrics__`.

mod encode;
mod exposed;
mod machine;
mod registry;
mod scalar;
mod value;

pub(crate) use self::{encode::text, registry::Registry};
