//! The variables of the process itself: its address, its workers, its times.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    thread,
    time::Duration,
};

use crate::environment::Environment;

/// What the environment says of the process itself.
#[derive(Clone, Debug)]
pub(crate) struct ProcessOptions {
    /// `HOST` and `PORT`.
    pub(crate) address: SocketAddr,
    /// `WORKERS`.
    pub(super) workers: usize,
    /// `DOCKERFLOW_DRAIN_DELAY`.
    pub(super) drain_delay: Duration,
    /// `DOCKERFLOW_SHUTDOWN_TIMEOUT`.
    pub(super) shutdown_timeout: Duration,
}

impl ProcessOptions {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        let port = environment.get("PORT", 8000, "a port from 0 to 65535", |text| {
            text.parse().ok()
        });
        let host = environment.get(
            "HOST",
            IpAddr::from(Ipv4Addr::UNSPECIFIED),
            "an IP address such as 0.0.0.0, :: or 127.0.0.1",
            |text| {
                let bare = text
                    .strip_prefix('[')
                    .and_then(|text| text.strip_suffix(']'));
                bare.unwrap_or(text).parse().ok()
            },
        );
        Self {
            address: SocketAddr::new(host, port),
            workers: environment
                .get("WORKERS", None, "a number from 1 to 1024", |text| {
                    let count = text.parse().ok().filter(|count| (1..=1024).contains(count));
                    count.map(Some)
                })
                .unwrap_or_else(processors),
            drain_delay: environment.duration(
                "DOCKERFLOW_DRAIN_DELAY",
                Duration::from_secs(5),
                Duration::ZERO,
            ),
            shutdown_timeout: environment.duration(
                "DOCKERFLOW_SHUTDOWN_TIMEOUT",
                Duration::from_secs(20),
                Duration::ZERO,
            ),
        }
    }
}

/// The processors that this process may use, at least one: the standard library reads the affinity and the CPU quota, of cgroup
/// version 1 and 2 and of every group above, and rounds it down.
fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
