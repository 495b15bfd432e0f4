//! What a program does on its command line: serve, tell its version, probe itself.

use std::{
    env,
    ffi::OsString,
    fmt::Display,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use actix_web::rt::System;

use super::{
    healthcheck::{complain, healthcheck},
    server::Server,
    signals::Signals,
    variables,
};
use crate::{
    error::{BadSetting, Error},
    service::Version,
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
        Ok(Command::Serve) => System::new().block_on(serve_until_stopped(serve)),
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
    Error::Settings(vec![BadSetting {
        name: "the command line".into(),
        held: Some(argument.to_string_lossy().into_owned()),
        expected: "serve, version, healthcheck, --help or nothing".into(),
    }])
}

async fn serve_until_stopped<F>(serve: F) -> Result<(), Error>
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
