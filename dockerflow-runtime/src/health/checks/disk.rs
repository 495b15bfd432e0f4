//! Is there space left on a disk? The feature `disk`.

use std::path::Path;

use rustix::fs::statvfs;

use crate::health::message::Message;

/// Reports a warning if the file system of `path` has less than `warning` bytes left for a user
/// without privileges, and an error if it has less than `error` bytes, or if that cannot be found
/// out. The data have `free_bytes`. For a check that is a plain `fn`.
///
/// ```
/// use dockerflow::{Message, health::checks, health_check};
///
/// #[health_check]
/// fn uploads() -> Message {
///     checks::disk::space("/var/lib/shop", 1 << 30, 100 << 20)
/// }
/// ```
pub fn space(path: impl AsRef<Path>, warning: u64, error: u64) -> Message {
    let path = path.as_ref();
    let shown = path.display();
    match statvfs(path) {
        Ok(status) => {
            let free = status.f_bavail.saturating_mul(status.f_frsize);
            let left = format!("{} MiB are left at {shown}, expected", free >> 20);
            let message = if free < error {
                Message::error(
                    "dockerflow.health.disk",
                    format!("{left} {} MiB", error >> 20),
                )
            } else if free < warning {
                Message::warning(
                    "dockerflow.health.disk",
                    format!("{left} {} MiB", warning >> 20),
                )
            } else {
                Message::ok()
            };
            message.with("free_bytes", free)
        }
        Err(error) => {
            let text = format!("cannot find out how much space is left at {shown}: {error}");
            Message::error("dockerflow.health.disk", text).caused_by(&error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::level::Level;

    #[test]
    fn the_space_that_is_left_is_compared_with_both_bounds() {
        let level = |warning, error| space("/", warning, error).level();
        assert_eq!(level(0, 0), Level::Ok);
        assert_eq!(level(u64::MAX, 0), Level::Warning);
        assert_eq!(level(u64::MAX, u64::MAX), Level::Error);
        assert_eq!(space("/not/there", 0, 0).level(), Level::Error);
    }
}
