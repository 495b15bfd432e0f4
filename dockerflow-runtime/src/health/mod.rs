//! Health checks: what a check is, how the checks run, and what they report.
//!
//! A function with `#[health_check]` is a check. This module has the values that it may return,
//! ready-made [`checks`], and the report of a run for an app's own use.
//!
//! ```
//! use dockerflow::{Message, health::checks, health_check};
//!
//! #[health_check(level = warning)]
//! fn memory() -> Message {
//!     checks::memory::control_group(90)
//! }
//! ```

mod blocking;
mod changes;
mod check;
mod checker;
pub mod checks;
mod definition;
mod extract;
mod faults;
mod flight;
mod heartbeat;
mod history;
mod inputs;
mod json;
mod level;
mod liveness;
mod message;
mod observer;
mod options;
mod promise;
mod records;
mod registry;
mod report;
mod run;
mod state;
#[cfg(test)]
mod tests;
mod thread;
mod written;

#[doc(hidden)]
pub use self::inputs::input;
pub(crate) use self::{
    checker::HealthChecker,
    heartbeat::HeartbeatSource,
    history::{CheckHistory, RUNS},
    liveness::{fails as liveness_fails, failures as liveness_failures},
    options::HealthOptions,
    registry::of_service as checks_of_service,
    written::WrittenReport,
};
pub use self::{
    definition::Definition,
    heartbeat::Heartbeat,
    level::Level,
    liveness::Liveness,
    message::{IntoMessages, Message},
    observer::HeartbeatObserver,
    registry::{RegisteredCheck, Registration, registered},
    report::{CheckReport, Report},
};
