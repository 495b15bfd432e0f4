//! An address to listen on: how a setting names it, how it is bound, and how it is announced.

use std::{
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::{
        fs::FileTypeExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use crate::{environment::Environment, error::BadSetting};

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
    pub(super) fn with_port(
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
            Address::Unix(_) => (port.replace("PORT", "HOST"), address.to_string()),
        };
        let expected = if let Some((other, _)) = earlier {
            let other = match address {
                Address::Tcp(_) => other.clone(),
                Address::Unix(_) => other.replace("PORT", "HOST"),
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

/// Listens on a Unix socket. A socket left by an earlier process is replaced; one in use is not.
pub(super) fn listen_unix(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "a file that is not a socket has this name",
            ));
        }
        Ok(_) if UnixStream::connect(path).is_ok() => return Err(io::ErrorKind::AddrInUse.into()),
        Ok(_) => fs::remove_file(path)?,
        Err(_) => {}
    }
    UnixListener::bind(path)
}

/// What actix-web reports as the address of each Unix socket.
const STAND_IN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Returns the Unix sockets among the addresses that an `HttpServer` was bound to. Linux knows which ones the process listens on.
pub(super) fn unix_among(bound: &[(SocketAddr, &str)]) -> Vec<String> {
    let doubtful = bound.contains(&(STAND_IN, "http"));
    doubtful.then(unix_sockets).unwrap_or_default()
}

/// Returns what an `HttpServer` that was bound by hand listens on.
pub(super) fn announced(bound: &[(SocketAddr, &str)]) -> Vec<String> {
    let mut sockets = unix_among(bound).into_iter();
    let addresses = bound.iter().map(|(address, scheme)| {
        let socket = ((*address, *scheme) == (STAND_IN, "http")).then(|| sockets.next());
        match socket.flatten() {
            Some(path) => format!("unix:{path}"),
            None => format!("{scheme}://{address}"),
        }
    });
    addresses.collect()
}

/// Returns the paths of the Unix sockets on which this process listens.
fn unix_sockets() -> Vec<String> {
    let own: Vec<_> = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|target| {
            let inode = target.to_str()?.strip_prefix("socket:[")?;
            Some(inode.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = fs::read_to_string("/proc/self/net/unix").unwrap_or_default();
    let listening = table.lines().skip(1).filter_map(|line| {
        // Num RefCount Protocol Flags Type St Inode Path
        let mut columns = line.split_whitespace();
        let flags = columns.nth(3)?;
        let inode = columns.nth(2)?;
        let path = columns.next()?;
        let accepts = flags == "00010000"; // __SO_ACCEPTCON
        (accepts && own.iter().any(|own| own == inode)).then(|| path.to_owned())
    });
    listening.collect()
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
