//! Why a service did not start.

use std::{fmt, io, process::ExitCode};

use crate::check::Place;

/// Why a service did not start. `main` may return it; [`Error::exit_code`] says with what code a process should then end.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Settings that are not what they should be: all of them, not only the first.
    Settings(Vec<Problem>),
    /// The version file is there and cannot be served.
    VersionFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two checks have one name.
    DuplicateCheck {
        /// The name.
        name: &'static str,
        /// Where the two stand, as `file:line`.
        places: [String; 2],
    },
    /// The operating system refused something.
    Io(io::Error),
}

/// One setting that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The variable or file.
    pub name: String,
    /// What it held; `None` where it must not be shown.
    pub held: Option<String>,
    /// What was expected.
    pub expected: String,
}

impl Error {
    /// 2 where the configuration is at fault, as for a wrong command line; else 1.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_) | Self::VersionFile { .. } | Self::DuplicateCheck { .. } => {
                ExitCode::from(2)
            }
            Self::Io(_) => ExitCode::FAILURE,
        }
    }

    pub(crate) fn duplicate(name: &'static str, places: [Place; 2]) -> Self {
        Self::DuplicateCheck {
            name,
            places: places.map(|place| place.to_string()),
        }
    }
}

impl fmt::Display for Problem {
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
            Self::Io(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
