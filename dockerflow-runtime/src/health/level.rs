//! How bad something is.

use std::fmt::{self, Display};

/// How bad something is, with python-dockerflow's names and numbers.
///
/// A check is as bad as its worst message, and a service as bad as its worst check. It is unhealthy at [`Level::Error`] and above.
///
/// ```
/// use dockerflow::health::{Level, Report};
///
/// /// Returns what a chat room is to read about a run of the checks.
/// fn notice(report: &Report) -> Option<String> {
///     let level = report.level();
///     let notice = || format!("the service is at {} ({} of 50)", level.as_str(), level.number());
///     (level >= Level::Warning).then(notice)
/// }
/// # assert_eq!(notice(&Report::new(Vec::new(), std::time::Duration::ZERO)), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Level {
    /// 0: nothing to report.
    Ok = 0,
    /// 10: useful when looking for a fault.
    Debug = 10,
    /// 20: worth knowing.
    Info = 20,
    /// 30: degraded, but healthy.
    Warning = 30,
    /// 40: unhealthy.
    Error = 40,
    /// 50: unhealthy, and it will not recover by itself.
    Critical = 50,
}

impl Level {
    /// Returns the level's name in the heartbeat's body: `"ok"`, `"debug"`, `"info"`, `"warning"`, `"error"`, `"critical"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// Returns the level's number in the heartbeat's details, from 0 to 50.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_python_dockerflows() {
        let all = [
            Level::Ok,
            Level::Debug,
            Level::Info,
            Level::Warning,
            Level::Error,
            Level::Critical,
        ];
        let pairs: Vec<_> = all
            .iter()
            .map(|level| (level.as_str(), level.number()))
            .collect();
        let expected = [
            ("ok", 0),
            ("debug", 10),
            ("info", 20),
            ("warning", 30),
            ("error", 40),
            ("critical", 50),
        ];
        assert_eq!(pairs, expected);
    }
}
