//! The variables of the process itself: its address, its workers, its times.

use std::{thread, time::Duration};

use super::{
    address::{self, Address},
    limits::{self, MOST_WORKERS},
};
use crate::{
    environment::Environment,
    error::{BadSetting, Error},
};

/// The settings of the process itself.
#[derive(Clone, Debug)]
pub(crate) struct ProcessOptions {
    /// `HOST` and `PORT`.
    pub(crate) address: Address,
    /// `PORT`.
    pub(super) port: u16,
    /// `DOCKERFLOW_OPS_HOST` and `DOCKERFLOW_OPS_PORT`: a second address for operations alone.
    pub(super) ops: Option<Address>,
    /// `WORKERS`.
    workers: Option<usize>,
    /// `DOCKERFLOW_DRAIN_DELAY`.
    pub(super) drain_delay: Duration,
    /// `DOCKERFLOW_SHUTDOWN_TIMEOUT`.
    pub(super) shutdown_timeout: Duration,
    /// `DOCKERFLOW_KEEP_ALIVE`.
    pub(super) keep_alive: Duration,
    /// `DOCKERFLOW_CLIENT_REQUEST_TIMEOUT`.
    pub(super) client_request_timeout: Duration,
    /// `DOCKERFLOW_MAX_CONNECTIONS`, of a worker.
    pub(super) max_connections: usize,
    /// `DOCKERFLOW_BACKLOG`.
    pub(super) backlog: u32,
}

impl ProcessOptions {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        let port = address::read_port(environment, "PORT", Some(8000)).unwrap_or_default();
        let address = Address::read(environment, "HOST", Address::ANY, port);
        let ops_port = address::read_port(environment, "DOCKERFLOW_OPS_PORT", None);
        let ops_host = match &address {
            Address::Tcp(address) => address.ip(),
            Address::Unix(_) => Address::ANY,
        };
        let ops = Address::read(
            environment,
            "DOCKERFLOW_OPS_HOST",
            ops_host,
            ops_port.unwrap_or_default(),
        );
        if ops.unix().is_some() {
            environment.report(BadSetting {
                name: "DOCKERFLOW_OPS_HOST".into(),
                held: Some(ops.to_string()),
                expected: "an IP address, not a Unix socket".into(),
            });
        }
        let workers = environment.number("WORKERS", MOST_WORKERS);
        Self {
            address,
            ops: ops_port.map(|_| ops),
            port,
            workers,
            drain_delay: environment.seconds("DOCKERFLOW_DRAIN_DELAY", 5),
            shutdown_timeout: environment.seconds("DOCKERFLOW_SHUTDOWN_TIMEOUT", 20),
            keep_alive: environment.seconds("DOCKERFLOW_KEEP_ALIVE", 5),
            client_request_timeout: environment.seconds("DOCKERFLOW_CLIENT_REQUEST_TIMEOUT", 5),
            max_connections: environment
                .number("DOCKERFLOW_MAX_CONNECTIONS", 1_000_000)
                .unwrap_or(25_000),
            backlog: environment
                .number("DOCKERFLOW_BACKLOG", 65_535)
                .unwrap_or(1024),
        }
    }

    /// Returns how many workers each of these servers has, or reports that there is no room for the number that was set.
    pub(super) fn workers(&self, servers: usize) -> Result<usize, Error> {
        let files = limits::raise_file_limit();
        limits::workers(self.workers, processors(), files, servers)
            .map_err(|bad| Error::Settings(vec![bad]))
    }
}

/// Returns how many processors this process may use, at least one. The standard library reads the affinity and the CPU quota, of cgroup
/// version 1 and 2 and of every group above, and rounds it down.
fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
