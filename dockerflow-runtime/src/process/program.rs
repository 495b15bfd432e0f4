//! A whole program: its commands, what its code sets, and how a command runs and ends.

use std::{
    env,
    fmt::{self, Display},
    io::{self, Write as _},
    process::ExitCode,
};

use actix_web::rt::System;
use futures_util::future::LocalBoxFuture;

use super::{
    command::{self, Command, CommandLine},
    healthcheck::{complain, healthcheck_with},
    server::Server,
    setup::Setup,
    signals::Signals,
    variables,
};
use crate::{
    environment::Environment,
    error::{BadSetting, Error},
    logging,
    service::{TARGET, Version, set_program, version_of_program},
};

/// A service as a program: its command line, start, errors and exit code.
///
/// `#[dockerflow::main]` makes one and runs it. This builder is for what an attribute cannot say:
///
/// ```no_run
/// use dockerflow::{Error, Program, Server};
/// # use actix_web::App;
/// # #[dockerflow::service]
/// # fn app() -> App { App::new() }
/// # async fn migrate(server: Server) -> Result<(), Error> { Ok(()) }
///
/// fn main() -> std::process::ExitCode {
///     Program::new(dockerflow::version!())
///         .defaults([("PORT", "8080"), ("DOCKERFLOW_DRAIN_DELAY", "10s")])
///         .command("migrate", "Bring the database up to date", migrate)
///         .run(async |server| server.run(app).await)
/// }
/// ```
///
/// | argument | does | exit code |
/// |---|---|---|
/// | none, `serve` | calls the function that [`Program::run`] has | 0 if it ended as it was asked to |
/// | `version`, `--version`, `-V` | prints the JSON object of `/__version__` | 0 |
/// | `healthcheck` | [`healthcheck`](crate::healthcheck), with this program's defaults | 0 healthy, 1 not |
/// | `help`, `--help`, `-h` | prints the commands and every environment variable | 0 |
/// | one of [`Program::command`] | calls its function | 0 if that returns `Ok` |
/// | `--config FILE` | reads the application's settings from there, instead of `CONFIG_PATH` | |
///
/// Errors are printed on stderr, one line for each fault, and logged if the log has started by then. The exit code is 2 if the
/// configuration or the command line is at fault, else 1; a `main` that returns a [`Result`] would always exit with 1.
///
/// A signal that arrives before [`Server::run`] is called ends the process at once, also as process 1 of a container: with 0, as a
/// service that is stopped has done what it was asked to; in one of the program's own commands with 1, as its work is not done.
///
/// For a command line of your own, the parts are public: [`Server::from_env`], [`healthcheck`](crate::healthcheck),
/// [`Error::exit_code`], and `println!("{}", dockerflow::version!())`, which prints the facts of the build in the same form. The
/// command `version` prints what is served: the file at `DOCKERFLOW_VERSION_FILE` or `/app/version.json`, if there is one.
#[must_use = "a program does nothing until `run` is called"]
pub struct Program {
    version: Version,
    setup: Setup,
    commands: Vec<OwnCommand>,
}

struct OwnCommand {
    name: String,
    about: String,
    run: Box<dyn FnOnce(Server) -> LocalBoxFuture<'static, Result<(), Error>>>,
}

impl Program {
    /// Returns a program of this version, which `version!()` finds.
    pub const fn new(version: Version) -> Self {
        Self {
            version,
            setup: Setup {
                name: None,
                defaults: Vec::new(),
                config: None,
                settings_prefix: String::new(),
            },
            commands: Vec::new(),
        }
    }

    /// Sets the name under which the program logs, and with which the names of its metrics begin.
    /// The default is the name of its file.
    ///
    /// ```no_run
    /// # use dockerflow::{Program, Server};
    /// # #[dockerflow::service]
    /// # fn app() -> actix_web::App { actix_web::App::new() }
    /// // The file is `shop-server`; its dashboards say `shop`.
    /// Program::new(dockerflow::version!())
    ///     .name("shop")
    ///     .run(async |server: Server| server.run(app).await);
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.setup.name = Some(name.into());
        self
    }

    /// Sets values, such as `("PORT", "8080")`, for variables of `docs/configuration.md` that are
    /// unset, and for the host and the port of [`Server::also`]. `--help` shows them.
    ///
    /// A name that is not such a variable, and a value that its variable cannot have, are errors at the start.
    pub fn defaults<N, V>(mut self, defaults: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        for (name, value) in defaults {
            let name = name.into();
            // If a name is set twice, the last value counts.
            self.setup.defaults.retain(|(earlier, _)| *earlier != name);
            self.setup.defaults.push((name, value.into()));
        }
        self
    }

    /// Sets the beginning of the names of the variables for the application's own settings: with
    /// `"SHOP"`, `SHOP_DATABASE__URL` is read for the key `database.url`. The default is nothing.
    /// The variables of this crate keep their names.
    ///
    /// ```no_run
    /// # use dockerflow::{Error, Program, Server};
    /// # #[dockerflow::service]
    /// # fn app() -> actix_web::App { actix_web::App::new() }
    /// #[derive(serde::Deserialize)]
    /// struct Settings {
    ///     page_size: u32, // SHOP_PAGE_SIZE
    /// }
    ///
    /// Program::new(dockerflow::version!()).settings_prefix("SHOP").run(async |server: Server| {
    ///     let settings: Settings = server.settings()?;
    ///     log::info!(page_size = settings.page_size; "set up");
    ///     server.run(app).await
    /// });
    /// ```
    pub fn settings_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.setup.settings_prefix = prefix.into();
        self
    }

    /// Adds a command, such as `migrate`. `about` is its line in `--help`.
    ///
    /// `run` has a [`Server`] for its settings and metrics, and the log; it need not serve. The name must be one word that is not
    /// the name of another command.
    pub fn command<F, E>(
        mut self,
        name: impl Into<String>,
        about: impl Into<String>,
        run: F,
    ) -> Self
    where
        F: AsyncFnOnce(Server) -> Result<(), E> + 'static,
        E: Into<Error>,
    {
        self.commands.push(OwnCommand {
            name: name.into(),
            about: about.into(),
            run: Box::new(move |server| {
                Box::pin(async move { run(server).await.map_err(Into::into) })
            }),
        });
        self
    }

    /// Runs the command that the command line names, and returns the exit code. `serve` is called
    /// if the command is `serve` or none.
    pub fn run<F, E>(self, serve: F) -> ExitCode
    where
        F: AsyncFnOnce(Server) -> Result<(), E>,
        E: Into<Error>,
    {
        match self.execute(serve) {
            Ok(code) => code,
            Err(error) => {
                complain(&error);
                // Docker reserves 2 in a HEALTHCHECK.
                let probe = env::args_os().any(|argument| argument == "healthcheck");
                if probe {
                    ExitCode::FAILURE
                } else {
                    error.exit_code()
                }
            }
        }
    }

    fn execute<F, E>(mut self, serve: F) -> Result<ExitCode, Error>
    where
        F: AsyncFnOnce(Server) -> Result<(), E>,
        E: Into<Error>,
    {
        let names: Vec<&str> = self.commands.iter().map(|own| own.name.as_str()).collect();
        let mut problems = command::bad_names(&names);
        let unknown = self.setup.defaults.iter().map(|(name, _)| name);
        let unknown = unknown.filter(|name| !variables::may_have_default(name));
        problems.extend(unknown.map(|name| BadSetting {
            name: "Program::defaults".into(),
            held: Some(name.clone()),
            expected: "a variable that --help lists".into(),
        }));
        if !problems.is_empty() {
            return Err(Error::Settings(problems));
        }
        let line = CommandLine::parse(env::args_os().skip(1), &names)?;
        set_program(self.version);
        self.setup.config = line.config;
        match line.command {
            Command::Serve => {
                let serve = async move |server| serve(server).await.map_err(Into::into);
                System::new().block_on(run_until_stopped(self.setup, serve, Stopped::Ended))?;
            }
            Command::Own(index) => {
                let own = self.commands.swap_remove(index);
                let stopped = Stopped::Unfinished(own.name.clone());
                let run = async move |server| (own.run)(server).await;
                System::new().block_on(run_until_stopped(self.setup, run, stopped))?;
            }
            Command::Version => {
                let mut environment = Environment::of_process().with_defaults(&self.setup.defaults);
                let file = environment.path("DOCKERFLOW_VERSION_FILE");
                let version = version_of_program(self.version, file.as_deref())?;
                print(String::from_utf8_lossy(&version).trim_end())?;
            }
            Command::Help => {
                let own: Vec<_> = self.commands.iter().map(OwnCommand::entry).collect();
                print(command::help(&own, &self.setup.defaults))?;
            }
            Command::Healthcheck => return Ok(healthcheck_with(&self.setup.defaults)),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commands: Vec<_> = self.commands.iter().map(|own| &own.name).collect();
        formatter
            .debug_struct("Program")
            .field("version", &self.version)
            .field("setup", &self.setup)
            .field("commands", &commands)
            .finish()
    }
}

impl OwnCommand {
    fn entry(&self) -> (&str, &str) {
        (&self.name, &self.about)
    }
}

/// What a signal means if it arrives before a server handles signals.
enum Stopped {
    /// The service was to run until it is stopped.
    Ended,
    /// This command was not finished.
    Unfinished(String),
}

/// Calls `run` with a server until it returns or a signal arrives, and then flushes metrics and logs.
async fn run_until_stopped(
    setup: Setup,
    run: impl AsyncFnOnce(Server) -> Result<(), Error>,
    stopped: Stopped,
) -> Result<(), Error> {
    let mut server = Server::with(&setup)?;
    server.heed_signals()?;
    let metrics = server.metrics();
    let serving = server.serving();
    let mut signals = Signals::new()?;
    let early = async {
        let signal = signals.next().await;
        if serving.get() {
            std::future::pending::<()>().await;
        }
        signal
    };
    let result = tokio::select! {
        biased;
        result = run(server) => result,
        signal = early => match stopped {
            Stopped::Ended => {
                log::info!(target: TARGET, "stopped by {signal} before the service was up");
                Ok(())
            }
            Stopped::Unfinished(name) => {
                Err(io::Error::other(format!("{name} was stopped by {signal}")).into())
            }
        }
    };
    metrics.flush();
    logging::flush();
    result
}

/// Prints a line on stdout. It is not an error if the reader closes the pipe, as `head` does.
fn print(text: impl Display) -> Result<(), Error> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
