//! The names and units of the heartbeat's log records.

use std::time::Duration;

/// The target of the heartbeat's log records.
pub(super) const TARGET: &str = "dockerflow.heartbeat";

/// Converts to whole milliseconds, at most those of 584 million years.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
