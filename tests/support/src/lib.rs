//! What the tests of several packages share: a program in a process of its own, HTTP byte by byte, servers to talk to,
//! real git.

#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "helpers panic where a test fails, and wait where nobody looks at what came"
)]

mod backend;
mod git;
mod http;
mod patience;
mod process;
mod root;
mod statsd;

pub use backend::{Backend, Frozen, Postgres, free_port, listen, redis_server, tool};
pub use git::{AUTHOR, GitFolder};
pub use http::{Connection, Response, exchange, get};
pub use patience::{PATIENCE, skip, until};
pub use process::{Process, ended, run, signal, text};
pub use root::{is_root, unshare};
pub use statsd::Statsd;
