//! How the records of `log` and `tracing` reach the log.

mod install;
mod log;
mod slog;
mod tracing;

pub(crate) use self::install::raise;
pub use self::tracing::layer;
pub(super) use self::{install::install, log::to_log};
