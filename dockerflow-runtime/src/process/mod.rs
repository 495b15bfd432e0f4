//! The process: its command line, its start, its signals, its end.

mod address;
mod also;
mod announce;
mod command;
mod healthcheck;
mod heeded_signals;
mod http;
mod limits;
mod listeners;
mod options;
mod program;
mod server;
mod setup;
mod signals;
mod stop;
mod systemd;
mod unix_sockets;
mod variables;
mod verbosity;

#[cfg(fuzzing)]
pub(crate) use self::options::ProcessOptions;
pub use self::{healthcheck::healthcheck, http::HttpService, program::Program, server::Server};
