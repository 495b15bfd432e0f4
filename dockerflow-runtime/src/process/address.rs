//! An address to listen on: how variables name it, and which two are in each other's way.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use super::unix_sockets::STAND_IN;
use crate::{
    environment::Environment,
    error::{BadSetting, host_variable},
};

/// A TCP port or a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    /// Every address of IPv4.
    pub(super) const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

    /// Reads it from the variable of the host, for a known port.
    pub(super) fn read(
        environment: &mut Environment<'_>,
        host: &str,
        default_host: IpAddr,
        port: u16,
    ) -> Self {
        let default = Self::Tcp(SocketAddr::new(default_host, port));
        environment.get_or(host, default, |text| {
            // An `@` at the start means an abstract socket elsewhere, which is no file.
            let path = text.strip_prefix("unix:");
            if let Some(path) = path.filter(|path| !path.is_empty() && !path.starts_with('@')) {
                return Ok(Self::Unix(path.into()));
            }
            let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
            let ip = bare.unwrap_or(text).parse().ok();
            if let Some(ip) = ip.filter(|ip| !is_for_many(*ip)) {
                return Ok(Self::Tcp(SocketAddr::new(ip, port)));
            }
            let expected = "an IP address such as 0.0.0.0, :: or 127.0.0.1, or unix:/path/of/a.sock";
            // tcsh sets HOST to the machine's name, and conda to x86_64-conda-linux-gnu.
            let name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            let named = text.starts_with(|first: char| first.is_ascii_alphabetic());
            Err(if named && text.chars().all(name) {
                format!("{expected}; some shells set {host} to a name: unset it, or set it to an address")
            } else {
                expected.into()
            })
        })
    }

    /// Reports whether the system is to choose the port.
    pub(super) fn has_no_port(&self) -> bool {
        matches!(self, Self::Tcp(address) if address.port() == 0)
    }

    /// Reports whether a process cannot listen on both.
    fn overlaps(&self, other: &Self) -> bool {
        let covers = |one: IpAddr, other: IpAddr| {
            one == other || one.is_unspecified() && (one.is_ipv6() || other.is_ipv4())
        };
        match (self, other) {
            (Self::Unix(one), Self::Unix(other)) => one == other,
            (Self::Tcp(one), Self::Tcp(other)) => {
                let port = one.port() != 0 && one.port() == other.port();
                port && (covers(one.ip(), other.ip()) || covers(other.ip(), one.ip()))
            }
            _ => false,
        }
    }

    /// Returns the path of the socket, if it is one.
    pub(super) fn unix(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }
}

/// Reports whether no client can connect to an address, because it stands for many machines. Linux listens on it.
fn is_for_many(ip: IpAddr) -> bool {
    ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST)
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

/// Reads a port. Without a default, the variable must be set.
pub(super) fn read_port(
    environment: &mut Environment<'_>,
    name: &str,
    default: Option<u16>,
) -> Option<u16> {
    environment.get(name, default, "a port from 0 to 65535", |text| {
        text.parse().ok().map(Some)
    })
}

/// Returns what is wrong with addresses of which two are the same. Each has the name of its port's variable. `unix` says whether the
/// program has bound a Unix socket itself.
pub(super) fn conflicts(taken: &[(String, Address)], unix: bool) -> Vec<BadSetting> {
    let mut bad = Vec::new();
    for (index, (port, address)) in taken.iter().enumerate() {
        let earlier = taken[..index]
            .iter()
            .find(|(_, other)| other.overlaps(address));
        let (variable, held) = match address {
            Address::Tcp(address) => (port.clone(), address.port().to_string()),
            Address::Unix(_) => (host_variable(port), address.to_string()),
        };
        let expected = if let Some((other, _)) = earlier {
            let other = match address {
                Address::Tcp(_) => other.clone(),
                Address::Unix(_) => host_variable(other),
            };
            format!("another one than that of {other}")
        } else if *address == Address::Tcp(STAND_IN)
            && (unix || taken.iter().any(|(_, other)| other.unix().is_some()))
        {
            // The requests of both would seem to have come to the same address.
            format!("another one: actix-web takes {STAND_IN} for the address of each Unix socket")
        } else {
            continue;
        };
        bad.push(BadSetting {
            name: variable,
            held: Some(held),
            expected,
        });
    }
    bad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str) -> Address {
        Address::Tcp(text.parse().expect("an address"))
    }

    #[test]
    fn two_addresses_conflict_if_one_process_cannot_listen_on_both() {
        for (one, other, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::]:80", "0.0.0.0:80", true),
            ("0.0.0.0:80", "[::1]:80", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ] {
            let taken = [("PORT".into(), tcp(one)), ("X_PORT".into(), tcp(other))];
            let bad = conflicts(&taken, false);
            assert_eq!(bad.len(), usize::from(expected), "{one} {other}: {bad:?}");
        }
    }

    #[test]
    fn a_port_that_looks_like_a_unix_socket_is_refused_beside_one() {
        let ops = || ("DOCKERFLOW_OPS_PORT".to_owned(), tcp("127.0.0.1:8080"));
        let socket = ("PORT".to_owned(), Address::Unix("/run/app.sock".into()));
        assert!(conflicts(&[ops()], false).is_empty());
        assert_eq!(conflicts(&[ops()], true).len(), 1);
        let bad = conflicts(&[socket.clone(), ops()], false);
        assert!(
            bad[0]
                .to_string()
                .starts_with("DOCKERFLOW_OPS_PORT is \"8080\", expected another one: "),
            "{bad:?}"
        );
        let bad = conflicts(&[socket.clone(), ("X_PORT".into(), socket.1)], false);
        assert_eq!(
            bad[0].to_string(),
            "X_HOST is \"unix:/run/app.sock\", expected another one than that of HOST"
        );
    }
}
