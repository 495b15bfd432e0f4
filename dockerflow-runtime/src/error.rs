//! Why a service did not start.

use std::{
    fmt::{self, Write as _},
    io,
    process::ExitCode,
};

/// Why a service did not start. Its text, in `Display` and `Debug` alike, has one line for each fault.
///
/// [`Program::run`](crate::Program::run), and so `#[dockerflow::main]`, prints it and exits with [`Error::exit_code`]. If an
/// ordinary `main` returns it, as `Result<(), Error>`, the text is the same, and the exit code is 1, as for any `Err`.
///
/// `?` converts any error of an application, an `anyhow::Error`, a `String` or a `&str` into it. To make that possible, it does
/// not implement [`std::error::Error`] itself.
///
/// ```
/// use dockerflow::Error;
///
/// fn greeting() -> Result<String, Error> {
///     let greeting = std::fs::read_to_string("/not/there/greeting.txt")?;
///     if greeting.is_empty() {
///         return Err("the greeting is empty".into());
///     }
///     Ok(greeting)
/// }
///
/// let error = greeting().expect_err("the file is missing");
/// assert!(matches!(error, Error::App(_)));
/// assert_eq!(error.to_string(), "No such file or directory (os error 2)");
/// ```
#[non_exhaustive]
pub enum Error {
    /// Invalid settings: all of them, not only the first.
    Settings(Vec<BadSetting>),
    /// The version file exists but cannot be served.
    #[non_exhaustive]
    VersionFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two checks have one name.
    #[non_exhaustive]
    DuplicateCheck {
        /// The name.
        name: &'static str,
        /// Where the two are defined, as `file:line`.
        places: [String; 2],
    },
    /// An app has no `#[dockerflow::service]`, so it would have none of the endpoints.
    #[non_exhaustive]
    NoService {
        /// Which app.
        app: String,
    },
    /// The process cannot listen on an address, such as that of `HOST` and `PORT`.
    #[non_exhaustive]
    Bind {
        /// The address, or `unix:` and the path of a socket.
        address: String,
        /// The variable that sets the port, such as `PORT` or `DOCKERFLOW_OPS_PORT`.
        port: String,
        /// The error of the operating system.
        error: io::Error,
    },
    /// An error of the application.
    App(Box<dyn std::error::Error + Send + Sync>),
}

/// An invalid setting.
///
/// ```
/// use dockerflow::{BadSetting, Error};
///
/// /// Reports invalid settings in the form that the operators' tools read.
/// fn report(error: &Error) {
///     if let Error::Settings(problems) = error {
///         for BadSetting { name, expected, .. } in problems {
///             eprintln!("::error title={name}::expected {expected}");
///         }
///     }
/// }
/// # report(&BadSetting::new("PORT", "a port").into());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadSetting {
    /// The variable or file.
    pub name: String,
    /// Its value; `None` if it is unknown or may be a secret.
    pub held: Option<String>,
    /// What was expected, such as "a number from 1 to 100".
    pub expected: String,
}

impl Error {
    /// Returns 2 if the configuration or the command line is at fault, else 1.
    ///
    /// [`Program::run`](crate::Program::run) does this by itself. In a `main` of your own:
    ///
    /// ```
    /// use std::process::ExitCode;
    /// # fn serve() -> Result<(), dockerflow::Error> { Ok(()) }
    ///
    /// fn main() -> ExitCode {
    ///     match serve() {
    ///         Ok(()) => ExitCode::SUCCESS,
    ///         Err(error) => {
    ///             eprintln!("{error}");
    ///             error.exit_code()
    ///         }
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_)
            | Self::VersionFile { .. }
            | Self::DuplicateCheck { .. }
            | Self::NoService { .. } => ExitCode::from(2),
            // A port in use may be free at the next start. Any other problem with an address needs a change of configuration.
            Self::Bind { error, .. } if error.kind() != io::ErrorKind::AddrInUse => {
                ExitCode::from(2)
            }
            Self::Bind { .. } | Self::App(_) => ExitCode::FAILURE,
        }
    }
}

impl BadSetting {
    /// Makes an invalid setting from its name and what was expected, such as "a number from 1 to
    /// 100". `?` converts it into an [`Error::Settings`]: a program that ends with that has the
    /// exit code 2.
    ///
    /// ```
    /// use dockerflow::{BadSetting, Error};
    ///
    /// fn check(page_size: u32) -> Result<(), Error> {
    ///     if page_size > 100 {
    ///         Err(BadSetting::new("page_size", "at most 100").held(page_size.to_string()))?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let error = check(1_000).expect_err("it is too large");
    /// assert_eq!(error.to_string(), "page_size is \"1000\", expected at most 100");
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            held: None,
            expected: expected.into(),
        }
    }
}

impl From<BadSetting> for Error {
    fn from(setting: BadSetting) -> Self {
        Self::Settings(vec![setting])
    }
}

impl Error {
    /// Returns it as an error of the standard library, for a function that returns those. An error
    /// of the application becomes what it was before `?` converted it.
    ///
    /// ```
    /// use dockerflow::Error;
    ///
    /// fn page_size() -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    ///     # #[derive(serde::Deserialize)] struct Settings { page_size: u32 }
    ///     let settings: Settings = dockerflow::settings().map_err(Error::into_boxed)?;
    ///     Ok(settings.page_size)
    /// }
    /// # assert!(page_size().is_err());
    /// ```
    #[must_use]
    pub fn into_boxed(self) -> Box<dyn std::error::Error + Send + Sync> {
        match self {
            Self::App(error) => error,
            error => Box::new(Boxed(error)),
        }
    }
}

/// An [`Error`] that is an error of the standard library.
struct Boxed(Error);

impl fmt::Debug for Boxed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::Display for Boxed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl std::error::Error for Boxed {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        if let Error::Bind { error: cause, .. } = &error {
            return Self::new(cause.kind(), error.into_boxed());
        }
        match error.into_boxed().downcast::<Self>() {
            Ok(own) => *own,
            Err(other) => Self::other(other),
        }
    }
}

impl fmt::Display for BadSetting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.held {
            Some(held) => write!(
                formatter,
                "{} is {held:?}, expected {}",
                self.name, self.expected
            ),
            None => write!(formatter, "{}: expected {}", self.name, self.expected),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(problems) => {
                for (index, problem) in problems.iter().enumerate() {
                    write!(formatter, "{}{problem}", if index == 0 { "" } else { "\n" })?;
                }
                Ok(())
            }
            Self::VersionFile { path, reason } => {
                write!(formatter, "the version file {path} {reason}")
            }
            Self::DuplicateCheck {
                name,
                places: [one, other],
            } => {
                write!(
                    formatter,
                    "two checks are named {name:?}, at {one} and at {other}: give one of them another `name = \"…\"`"
                )
            }
            Self::NoService { app } => write!(
                formatter,
                "{app} has no #[dockerflow::service]: write that over the function that returns the App, \
                 as in `#[dockerflow::service] fn app() -> App {{ App::new() }}`"
            ),
            Self::Bind {
                address,
                port,
                error,
            } => match address.strip_prefix("unix:") {
                Some(path) => write_unix_fault(formatter, path, port, error),
                None => write_tcp_fault(formatter, address, port, error),
            },
            Self::App(error) => fmt::Display::fmt(&Chain(&**error), formatter),
        }
    }
}

/// Writes why a process cannot listen on a TCP address, and what to change. `port` is the variable of the port.
fn write_tcp_fault(
    formatter: &mut fmt::Formatter<'_>,
    address: &str,
    port: &str,
    error: &io::Error,
) -> fmt::Result {
    let (ip, number) = address.rsplit_once(':').unwrap_or((address, ""));
    match error.kind() {
        io::ErrorKind::AddrInUse => write!(
            formatter,
            "{port}: port {number} at {ip} is already in use by another process; choose another port"
        ),
        io::ErrorKind::PermissionDenied => write!(
            formatter,
            "{port}: this process may not listen on port {number}: {error}; choose a port from 1024"
        ),
        _ => {
            let host = host_variable(port);
            write!(
                formatter,
                "{host}: cannot listen on {address}: {error}; choose an address of this machine"
            )
        }
    }
}

/// Does the same for a Unix socket.
/// Returns the variable for the host that belongs to one for a port: `INTERNAL_HOST` for `INTERNAL_PORT`.
pub(crate) fn host_variable(port: &str) -> String {
    let prefix = port.strip_suffix("PORT").unwrap_or(port);
    format!("{prefix}HOST")
}

fn write_unix_fault(
    formatter: &mut fmt::Formatter<'_>,
    path: &str,
    port: &str,
    error: &io::Error,
) -> fmt::Result {
    let host = host_variable(port);
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => {
            return write!(
                formatter,
                "{host}: the socket {path} is already in use by another process; choose another path"
            );
        }
        // The name of a socket has about a hundred bytes.
        io::ErrorKind::InvalidInput => "choose a shorter path",
        io::ErrorKind::AlreadyExists => "choose another path",
        _ => "choose a path in a directory that this process can write to",
    };
    write!(
        formatter,
        "{host}: the socket {path} cannot be created: {error}; {remedy}"
    )
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::App(error.into())
    }
}

/// Formats an error with its sources, each once.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One that cannot be shown is cut there.
        let text_of = |error: &dyn std::error::Error| {
            let mut text = String::new();
            let _ = write!(text, "{error}");
            text
        };
        let mut shown = text_of(self.0);
        formatter.write_str(&shown)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            // The text of many errors ends with that of their source.
            let text = text_of(error);
            if !shown.ends_with(&text) {
                write!(formatter, ": {text}")?;
            }
            shown = text;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(&'static str, io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(self.0)
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.1)
        }
    }

    fn text(fault: impl FnOnce() -> Result<(), Error>) -> String {
        fault().expect_err("it is a fault").to_string()
    }

    #[test]
    fn the_variable_of_a_host_differs_in_its_end_alone() {
        assert_eq!(host_variable("PORT"), "HOST");
        assert_eq!(host_variable("REPORTS_PORT"), "REPORTS_HOST");
        assert_eq!(host_variable("DOCKERFLOW_OPS_PORT"), "DOCKERFLOW_OPS_HOST");
    }

    #[test]
    fn any_error_a_string_and_a_str_become_one_by_a_question_mark() {
        assert_eq!(text(|| Ok(Err(io::Error::other("io"))?)), "io");
        assert_eq!(text(|| Ok(Err(String::from("owned"))?)), "owned");
        assert_eq!(text(|| Ok(Err("borrowed")?)), "borrowed");
    }

    #[test]
    fn it_becomes_an_error_of_the_standard_library_with_the_same_text() {
        let error = || Error::NoService { app: "it".into() };
        let text = error().to_string();
        assert_eq!(error().into_boxed().to_string(), text);
        assert_eq!(io::Error::from(error()).to_string(), text);
        let own = Error::from(io::Error::from(io::ErrorKind::NotFound)).into_boxed();
        assert!(own.is::<io::Error>(), "an app's own error stays what it is");
        let main = || -> io::Result<()> { Ok(Err(Error::from("boom"))?) };
        assert_eq!(main().expect_err("it fails").to_string(), "boom");
    }

    #[test]
    fn a_cause_is_shown_once() {
        let refused = || io::Error::other("refused");
        assert_eq!(
            text(|| Ok(Err(Outer("cannot connect", refused()))?)),
            "cannot connect: refused"
        );
        assert_eq!(
            text(|| Ok(Err(Outer("cannot connect: refused", refused()))?)),
            "cannot connect: refused"
        );
    }
}
