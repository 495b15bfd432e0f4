//! Under which target is logged what concerns the server itself?

/// The target of the server's own log records.
pub(crate) const TARGET: &str = "dockerflow.server";
