//! The one harness of these tests: programs, servers, HTTP. What needs nothing of ours is in the package `tests/support`.

mod program;
mod server;

pub(crate) use program::{command_of, program};
pub(crate) use server::{Running, Service};
pub(crate) use support::*;
