#![doc = include_str!("../README.md")]

pub use dockerflow_macros::{health_check, service, version};
#[doc(hidden)]
pub use dockerflow_runtime::private as __private;
pub use dockerflow_runtime::{
    Error, Finding, Level, Message, OnHeartbeat, Outcome, Problem, Report, Version, share,
};
