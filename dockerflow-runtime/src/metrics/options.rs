//! The variables of statsd.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
};

use crate::environment::Environment;

/// Where metrics go: `STATSD_HOST` and `STATSD_PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatsdAddress {
    pub(super) host: String,
    pub(super) port: u16,
}

impl StatsdAddress {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Option<Self> {
        let host = environment.get(
            "STATSD_HOST",
            None,
            "a host name or an IP address",
            |text| {
                let name = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
                let good =
                    text.parse::<IpAddr>().is_ok() || !text.is_empty() && text.bytes().all(name);
                good.then(|| Some(text.to_owned()))
            },
        );
        let port = environment.get("STATSD_PORT", 8125, "a port from 1 to 65535", |text| {
            text.parse().ok().filter(|port| *port > 0)
        });
        host.map(|host| Self { host, port })
    }

    /// Asks the system's resolver, which may take its time.
    pub(super) fn lookup(&self) -> io::Result<SocketAddr> {
        let mut addresses = (self.host.as_str(), self.port).to_socket_addrs()?;
        addresses
            .next()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl fmt::Display for StatsdAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}
