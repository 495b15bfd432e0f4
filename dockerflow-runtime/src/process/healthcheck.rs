//! The command `healthcheck`: a program asks its own service whether it is alive, in an image without a shell.

use std::{
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    process::ExitCode,
    time::{Duration, Instant},
};

use super::{address::Address, options::ProcessOptions};
use crate::{
    environment::Environment,
    error::{BadSetting, Error},
    service::TARGET,
};

/// Asks the service on this machine whether it is alive. Returns 0 if it answers 200 within a
/// second, else 1, with the reason on stderr.
///
/// It is for a `HEALTHCHECK` in an image without a shell: it starts no server and needs no runtime. It sends
/// `GET /__lbheartbeat__` in plain HTTP to `DOCKERFLOW_OPS_PORT` if that is set. A service that speaks TLS should set it. Else it
/// sends it to `HOST` and `PORT`, or to the Unix socket that `HOST` names. For an unspecified host it asks loopback: `127.0.0.1` for `0.0.0.0`;
/// `::1`, then `127.0.0.1`, for `::`.
///
/// The command `healthcheck` of a [`Program`](crate::Program) calls it. In a `main` of your own:
///
/// ```no_run
/// use std::process::ExitCode;
/// # fn serve() -> ExitCode { ExitCode::SUCCESS }
///
/// // HEALTHCHECK CMD ["/app/bin/shop", "healthcheck"]
/// fn main() -> ExitCode {
///     match std::env::args().nth(1).as_deref() {
///         Some("healthcheck") => dockerflow::healthcheck(),
///         _ => serve(),
///     }
/// }
/// ```
#[must_use]
pub fn healthcheck() -> ExitCode {
    healthcheck_with(&[])
}

/// Does the same for a program that has defaults for its variables.
pub(super) fn healthcheck_with(defaults: &[(String, String)]) -> ExitCode {
    match probe(defaults) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE // Docker reserves 2, whatever is at fault.
        }
    }
}

/// Reports an error: on stderr with one line for each fault, and in the log, if that has started, with one record.
pub(super) fn complain(error: &Error) {
    let text = error.to_string();
    log::error!(target: TARGET, "{text}");
    for line in text.lines() {
        // If stderr is closed, nobody listens.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// The time for the whole probe: Docker and Kubernetes give it a second, the process's own start included.
const BUDGET: Duration = Duration::from_millis(900);

fn probe(defaults: &[(String, String)]) -> Result<(), Error> {
    let mut environment = Environment::of_process().with_defaults(defaults);
    let process = ProcessOptions::read(&mut environment);
    let (address, name) = match &process.ops {
        Some(ops) => (ops, "DOCKERFLOW_OPS_PORT"),
        None => (&process.address, "PORT"),
    };
    if address.has_no_port() {
        environment.report(BadSetting {
            name: name.into(),
            held: Some("0".into()),
            expected: "the port that the service listens on".into(),
        });
    }
    environment.finish(())?;
    let deadline = Instant::now() + BUDGET;
    match address {
        Address::Unix(path) => {
            let url = format!("{address}:/__lbheartbeat__");
            verdict(
                &url,
                UnixStream::connect(path).and_then(|stream| ask(stream, deadline)),
            )
        }
        Address::Tcp(address) => {
            let mut result = Ok(());
            for host in hosts(address.ip()) {
                let address = SocketAddr::new(host, address.port());
                let url = format!("http://{address}/__lbheartbeat__");
                let connected =
                    left(deadline).and_then(|left| TcpStream::connect_timeout(&address, left));
                let refused = connected.is_err();
                result = verdict(&url, connected.and_then(|stream| ask(stream, deadline)));
                if !refused {
                    break;
                }
            }
            result
        }
    }
}

/// Returns the addresses at which to ask a service that listens on `ip`. A container may have no IPv6, but `::` accepts IPv4.
fn hosts(ip: IpAddr) -> Vec<IpAddr> {
    match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => vec![Ipv4Addr::LOCALHOST.into()],
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]
        }
        given => vec![given],
    }
}

fn verdict(url: &str, status: io::Result<String>) -> Result<(), Error> {
    let text = match status {
        Ok(status) if status == "200" => return Ok(()),
        Ok(status) => format!("{url} answered {status:?}, expected 200"),
        Err(error) => format!("{url}: {error}"),
    };
    Err(io::Error::other(text).into())
}

/// Returns the time left, or an error if the deadline has passed.
fn left(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// A connection to a service.
trait Connection: io::Read + io::Write {
    fn read_timeout(&self, limit: Duration) -> io::Result<()>;
    fn write_timeout(&self, limit: Duration) -> io::Result<()>;
}

impl Connection for TcpStream {
    fn read_timeout(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))
    }

    fn write_timeout(&self, limit: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(limit))
    }
}

impl Connection for UnixStream {
    fn read_timeout(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))
    }

    fn write_timeout(&self, limit: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(limit))
    }
}

/// Returns the status that the server answers, as it came.
fn ask(mut stream: impl Connection, deadline: Instant) -> io::Result<String> {
    stream.write_timeout(left(deadline)?)?;
    stream.write_all(
        b"GET /__lbheartbeat__ HTTP/1.1\r\nHost: localhost\r\nUser-Agent: healthcheck\r\nConnection: close\r\n\r\n",
    )?;
    // One more than the status, so that 2000 is not taken for 200.
    let mut line = [0; "HTTP/1.1 200 ".len()];
    let mut filled = 0;
    while filled < line.len() {
        stream.read_timeout(left(deadline)?)?;
        match stream.read(&mut line[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
    let line = String::from_utf8_lossy(&line[..filled]);
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|line| line.split_once(' '));
    let status = status.map_or(&*line, |(_, status)| status);
    Ok(status.trim_end_matches([' ', '\r', '\n']).to_owned())
}
