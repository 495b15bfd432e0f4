//! The time of a line for people or of flat JSON, whatever the system's clock says.

use std::time::{Duration, SystemTime};

/// The time, limited to what a text can express: from 1970 to the year 9999.
pub(super) fn now() -> SystemTime {
    within(SystemTime::now())
}

fn within(time: SystemTime) -> SystemTime {
    /// The last second of the year 9999.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    time.clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_far_off_has_a_text() {
        let long_ago = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        let far_off = SystemTime::UNIX_EPOCH + Duration::from_secs(300_000_000_000);
        for (time, text) in [
            (long_ago, "1970-01-01T00:00:00.000Z"),
            (far_off, "9999-12-31T23:59:59.000Z"),
        ] {
            let shown = humantime::format_rfc3339_millis(within(time));
            assert_eq!(shown.to_string(), text);
        }
    }
}
