//! What a program does on its command line: serve, tell its version, probe itself.

use std::{
    env,
    ffi::OsString,
    fmt::Display,
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use actix_web::rt::System;

use crate::{
    error::{Error, Problem},
    server::{Process, Server, Signals},
    settings::Environment,
    variables,
    version::Version,
};

/// The whole `main` of a service: its command line, its start, its faults and its exit code.
///
/// | argument | does | exit code |
/// |---|---|---|
/// | none, `serve` | calls `serve` with [`Server::from_env`]'s server | 0 when it ended as it was told to |
/// | `version` | prints `version`, the JSON object of `/__version__` | 0 |
/// | `healthcheck` | [`healthcheck`] | 0 healthy, 1 not |
/// | `help`, `--help`, `-h` | prints these commands and every environment variable | 0 |
///
/// What goes wrong is on stderr, one line for each fault, and in the log if that was up by then. The exit code is 2 where the
/// configuration or the command line is at fault, else 1: a `main` that returns a [`Result`] would always give 1.
///
/// A SIGTERM or SIGINT that arrives before [`Server::run`] does ends the process at once with 0, as process 1 of a container too.
///
/// For a command line of your own, the parts are public: `println!("{}", version!())`, [`healthcheck`], [`Server::from_env`],
/// [`Error::exit_code`].
pub fn main<F>(version: Version, serve: F) -> ExitCode
where
    F: AsyncFnOnce(Server) -> Result<(), Error>,
{
    let result = match Command::parse(env::args_os().skip(1)) {
        Ok(Command::Serve) => System::new().block_on(serve_until_told(serve)),
        Ok(Command::Version) => print(version),
        Ok(Command::Healthcheck) => return healthcheck(),
        Ok(Command::Help) => print(help()),
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            error.exit_code()
        }
    }
}

/// Asks the service of this machine whether it lives: `GET /__lbheartbeat__` at `$HOST` and `$PORT`, where an unspecified host
/// (`0.0.0.0`, `::`) means loopback. It is 0 for an answer of 200 within a second; else 1, with the reason on stderr.
///
/// It is for a `HEALTHCHECK` in an image without a shell. It starts no server and needs no runtime.
#[must_use]
pub fn healthcheck() -> ExitCode {
    match probe() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE // Docker reserves 2, whatever is at fault.
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Serve,
    Version,
    Healthcheck,
    Help,
}

impl Command {
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let mut arguments = arguments.into_iter();
        let first = arguments.next();
        let command = match first.as_ref().map(|text| text.to_str()) {
            None | Some(Some("serve")) => Self::Serve,
            Some(Some("version")) => Self::Version,
            Some(Some("healthcheck")) => Self::Healthcheck,
            Some(Some("help" | "--help" | "-h")) => Self::Help,
            Some(_) => return Err(unexpected(&first.unwrap_or_default())),
        };
        match arguments.next() {
            None => Ok(command),
            Some(more) => Err(unexpected(&more)),
        }
    }
}

fn unexpected(argument: &OsString) -> Error {
    Error::Settings(vec![Problem {
        name: "the command line".into(),
        held: Some(argument.to_string_lossy().into_owned()),
        expected: "serve, version, healthcheck, --help or nothing".into(),
    }])
}

async fn serve_until_told<F>(serve: F) -> Result<(), Error>
where
    F: AsyncFnOnce(Server) -> Result<(), Error>,
{
    let server = Server::from_env()?;
    let mut signals = Signals::new()?;
    let serving = server.serving();
    let early = async {
        signals.next().await;
        if serving.get() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        result = serve(server) => result,
        () = early => {
            log::info!(target: "dockerflow.server", "stopped before the service was up");
            Ok(())
        }
    }
}

fn print(text: impl Display) -> Result<(), Error> {
    writeln!(io::stdout(), "{text}").map_err(Error::from)
}

/// On stderr one line for each fault; in the log, if it was started by then, one record. Where stderr is closed there is nobody to tell.
fn complain(error: &Error) {
    let text = error.to_string();
    log::error!(target: "dockerflow.server", "{text}");
    for line in text.lines() {
        let _ = writeln!(io::stderr(), "{line}");
    }
}

fn help() -> String {
    let program = env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default();
    format!(
        "Usage: {} [COMMAND]\n\n\
         Commands:\n  \
         serve        Serve until SIGTERM or SIGINT; what is done without a command\n  \
         version      Print the version object\n  \
         healthcheck  Ask the service at $PORT whether it lives; exit with 0 or 1\n  \
         help         Print this\n\n\
         Environment:\n{}",
        program.to_string_lossy(),
        variables::help()
    )
}

/// Time for the whole probe: Docker and Kubernetes give it a second, the process's own start included.
const BUDGET: Duration = Duration::from_millis(900);

fn probe() -> Result<(), Error> {
    let mut environment = Environment::new(|name| env::var_os(name));
    let process = Process::read(&mut environment);
    if process.address.port() == 0 {
        environment.report(Problem {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, String> {
        Command::parse(arguments.iter().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_means_serve_and_each_command_has_its_name() {
        assert_eq!(parse(&[]), Ok(Command::Serve));
        assert_eq!(parse(&["serve"]), Ok(Command::Serve));
        assert_eq!(parse(&["version"]), Ok(Command::Version));
        assert_eq!(parse(&["healthcheck"]), Ok(Command::Healthcheck));
        for help in ["help", "--help", "-h"] {
            assert_eq!(parse(&[help]), Ok(Command::Help));
        }
    }

    #[test]
    fn what_is_no_command_is_named_with_those_that_are() {
        let expected = "expected serve, version, healthcheck, --help or nothing";
        assert_eq!(
            parse(&["start"]),
            Err(format!("the command line is \"start\", {expected}"))
        );
        assert_eq!(
            parse(&["serve", "--port"]),
            Err(format!("the command line is \"--port\", {expected}"))
        );
    }
}
