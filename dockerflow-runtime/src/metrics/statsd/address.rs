//! Where the statsd server is, and which of the addresses of its name answers.

use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket},
    thread,
    time::Duration,
};

/// The host name or IP address and the port of a statsd server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatsdAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl StatsdAddress {
    /// Asks the system's resolver, which may take its time, for all addresses.
    pub(crate) fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let addresses: Vec<_> = (self.host.as_str(), self.port).to_socket_addrs()?.collect();
        if addresses.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(addresses)
    }
}

impl fmt::Display for StatsdAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

/// A socket that is connected to a server, so that the system reports if nothing listens there.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) peer: SocketAddr,
    socket: UdpSocket,
}

impl Link {
    /// Connects to the first of `peers` that does not refuse an empty datagram at once; if all do, to the first that can be
    /// connected to.
    pub(super) fn open(peers: &[SocketAddr]) -> io::Result<Self> {
        let mut refusing = None;
        let mut failure = io::Error::from(io::ErrorKind::NotFound);
        for peer in peers {
            match Self::connect(*peer) {
                Ok(link) if link.is_refused() => refusing = refusing.or(Some(link)),
                Ok(link) => return Ok(link),
                Err(error) => failure = error,
            }
        }
        refusing.ok_or(failure)
    }

    fn connect(peer: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = match peer {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(peer)?;
        Ok(Self { peer, socket })
    }

    /// Whether nothing listens there, as far as an answer comes at once: on the same machine it does.
    pub(super) fn is_refused(&self) -> bool {
        if self.socket.send(&[]).is_err() {
            return true;
        }
        // The answer of the same machine is there by now; one of the same network within this time.
        for _ in 0..2 {
            if self.take_refusal().is_some() {
                return true;
            }
            thread::sleep(Duration::from_millis(1));
        }
        self.take_refusal().is_some()
    }

    /// Returns the error of a datagram that was refused since the last call, if there is one.
    pub(super) fn take_refusal(&self) -> Option<io::Error> {
        self.socket.take_error().ok().flatten()
    }

    /// Sends a datagram. An error is either its own or that of one before, which was refused.
    pub(super) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send(datagram).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_addresses_the_one_that_listens_is_taken() {
        let server = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let good = server.local_addr().expect("it is bound");
        let closed = {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
            socket.local_addr().expect("it is bound")
        };
        assert_eq!(Link::open(&[closed, good]).expect("a link").peer, good);
        assert_eq!(Link::open(&[good, closed]).expect("a link").peer, good);
        let refusing = Link::open(&[closed]).expect("a link");
        assert_eq!(refusing.peer, closed);
        assert!(refusing.is_refused());
        assert!(Link::open(&[]).is_err());
    }

    #[test]
    fn an_ipv6_address_is_shown_in_brackets() {
        let shown = |host: &str| {
            StatsdAddress {
                host: host.into(),
                port: 1,
            }
            .to_string()
        };
        assert_eq!(shown("::1"), "[::1]:1");
        assert_eq!(shown("statsd"), "statsd:1");
    }
}
