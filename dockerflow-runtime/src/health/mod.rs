//! Health: what a check is, how the checks run, and what they report.

mod changes;
mod check;
#[cfg(any(feature = "redis", feature = "sqlx"))]
pub mod checks;
mod definition;
mod flight;
mod heartbeat;
mod options;
mod report;
mod run;
#[cfg(test)]
mod tests;
mod thread;

#[doc(hidden)]
pub use self::definition::{Definition, Registration};
pub use self::{
    check::{IntoMessages, Level, Message},
    report::{CheckReport, HeartbeatObserver, Report},
};
pub(crate) use self::{flight::Verdict, heartbeat::Heartbeat, options::HealthOptions};
