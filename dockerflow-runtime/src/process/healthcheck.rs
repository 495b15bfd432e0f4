//! How a program asks its own service whether it is alive, for an image without a shell.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    time::{Duration, Instant},
};

use super::options::ProcessOptions;
use crate::{
    environment::Environment,
    error::{BadSetting, Error},
};

/// Asks the service of this machine whether it lives: `GET /__lbheartbeat__` at `$HOST` and `$PORT`, where an unspecified host
/// (`0.0.0.0`, `::`) means loopback. It is 0 for an answer of 200 within a second; else 1, with the reason on stderr.
///
/// It is for a `HEALTHCHECK` in an image without a shell. It starts no server and needs no runtime.
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

/// On stderr one line for each fault; in the log, if it was started by then, one record. Where stderr is closed there is nobody to tell.
pub(super) fn complain(error: &Error) {
    let text = error.to_string();
    log::error!(target: "dockerflow.server", "{text}");
    for line in text.lines() {
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// Time for the whole probe: Docker and Kubernetes give it a second, the process's own start included.
const BUDGET: Duration = Duration::from_millis(900);

fn probe(defaults: &[(String, String)]) -> Result<(), Error> {
    let mut environment = Environment::of_process().with_defaults(defaults);
    let process = ProcessOptions::read(&mut environment);
    if process.address.port() == 0 {
        environment.report(BadSetting {
            name: "PORT".into(),
            held: Some("0".into()),
            expected: "the port that the service listens on".into(),
        });
    }
    let process = environment.finish(process)?;
    let host = match process.address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        given => given,
    };
    let address = SocketAddr::new(host, process.address.port());
    let status = status(address, Instant::now() + BUDGET)
        .map_err(|error| io::Error::other(format!("http://{address}/__lbheartbeat__: {error}")))?;
    if status == "200" {
        return Ok(());
    }
    let text = format!("http://{address}/__lbheartbeat__ answered {status:?}, expected 200");
    Err(io::Error::other(text).into())
}

/// The status that the server at `address` answers, as it came.
fn status(address: SocketAddr, deadline: Instant) -> io::Result<String> {
    let left = || match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::Error::from(io::ErrorKind::TimedOut)),
        left => Ok(left),
    };
    let mut stream = TcpStream::connect_timeout(&address, left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    stream.write_all(
        b"GET /__lbheartbeat__ HTTP/1.1\r\nHost: localhost\r\nUser-Agent: healthcheck\r\nConnection: close\r\n\r\n",
    )?;
    let mut line = [0; "HTTP/1.1 200".len()];
    let mut filled = 0;
    while filled < line.len() {
        stream.set_read_timeout(Some(left()?))?;
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
    Ok(line.split(' ').nth(1).unwrap_or_default().to_owned())
}
