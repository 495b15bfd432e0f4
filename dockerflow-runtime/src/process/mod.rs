//! The process: its command line, its start, its signals, its end.

mod command;
mod healthcheck;
mod options;
mod program;
mod server;
mod setup;
mod signals;
mod variables;

pub use self::{healthcheck::healthcheck, program::Program, server::Server};
