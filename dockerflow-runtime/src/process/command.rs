//! The command line: which command it names, and which file of settings.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::variables;
use crate::error::{BadSetting, Error};

/// The commands that every program has.
const COMMANDS: [(&str, &str); 4] = [
    (
        "serve",
        "Serve until SIGTERM or SIGINT; the default without a command",
    ),
    (
        "version",
        "Print the version object: $DOCKERFLOW_VERSION_FILE, else /app/version.json, else what was found at build time",
    ),
    (
        "healthcheck",
        "Ask the service whether it is alive, at $DOCKERFLOW_OPS_PORT if that is set, else at $HOST and $PORT; exit with 0 or 1",
    ),
    ("help", "Print this"),
];

/// A parsed command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub(super) command: Command,
    /// `--config FILE`.
    pub(super) config: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Serve,
    Version,
    Healthcheck,
    Help,
    /// One of the program's own, by its index.
    Own(usize),
}

impl CommandLine {
    /// Reads the arguments of a program that has these commands of its own.
    pub(super) fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        own: &[&str],
    ) -> Result<Self, Error> {
        let mut arguments = arguments.into_iter();
        let mut command = None;
        let mut config = None;
        while let Some(argument) = arguments.next() {
            let text = argument.to_str().unwrap_or_default();
            let inline = text.strip_prefix("--config=").map(OsString::from);
            if text == "--config" || inline.is_some() {
                let file = inline.or_else(|| arguments.next());
                let Some(file) = file.filter(|file| config.is_none() && !file.is_empty()) else {
                    let expected = "the path of one file or directory after it";
                    return Err(BadSetting::new("--config", expected).into());
                };
                config = Some(file.into());
            } else if let Some(found) = Command::named(text, own).filter(|_| command.is_none()) {
                command = Some(found);
            } else {
                let commands = ["serve", "version", "healthcheck"].iter().chain(own);
                let commands: Vec<_> = commands.copied().collect();
                let expected = format!("{}, --help or nothing", commands.join(", "));
                return Err(unexpected(&argument, &expected));
            }
        }
        Ok(Self {
            command: command.unwrap_or(Command::Serve),
            config,
        })
    }
}

impl Command {
    fn named(text: &str, own: &[&str]) -> Option<Self> {
        match text {
            "serve" => Some(Self::Serve),
            "version" | "--version" | "-V" => Some(Self::Version),
            "healthcheck" => Some(Self::Healthcheck),
            "help" | "--help" | "-h" => Some(Self::Help),
            _ => own.iter().position(|name| *name == text).map(Self::Own),
        }
    }
}

fn unexpected(argument: &OsStr, expected: &str) -> Error {
    Error::Settings(vec![BadSetting {
        name: "the argument".into(),
        held: Some(argument.to_string_lossy().into_owned()),
        expected: expected.into(),
    }])
}

/// Returns the problems with the names of a program's own commands.
pub(super) fn bad_names(own: &[&str]) -> Vec<BadSetting> {
    let bad = own.iter().enumerate().filter(|(index, name)| {
        let built_in = Command::named(name, &[]).is_some();
        let word = |letter: char| letter.is_alphanumeric() || "-_:.".contains(letter);
        let spelt = !name.is_empty() && !name.starts_with('-') && name.chars().all(word);
        built_in || !spelt || own[..*index].contains(name)
    });
    bad.map(|(_, name)| BadSetting {
        name: "Program::command".into(),
        held: Some((*name).to_owned()),
        expected: "one word that is not the name of another command".into(),
    })
    .collect()
}

/// Returns the text of `--help`, for a program with these commands and defaults.
pub(super) fn help(own: &[(&str, &str)], defaults: &[(String, String)]) -> String {
    let program = env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default();
    let [serve, rest @ ..] = COMMANDS;
    let commands = [serve].into_iter().chain(own.iter().copied()).chain(rest);
    let width = commands.clone().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or_default();
    let commands: Vec<_> = commands
        .map(|(name, about)| format!("  {name:width$}  {about}\n"))
        .collect();
    format!(
        "Usage: {} [--config FILE] [COMMAND]\n\n\
         Commands:\n{}\n\
         Options:\n  \
         --config FILE  Read the application's settings from FILE, or the files of that directory, instead of $CONFIG_PATH\n\n\
         Environment:\n{}",
        program.to_string_lossy(),
        commands.concat(),
        variables::help(defaults)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<CommandLine, String> {
        CommandLine::parse(arguments.iter().map(OsString::from), &["migrate"])
            .map_err(|error| error.to_string())
    }

    fn command(arguments: &[&str]) -> Result<Command, String> {
        parse(arguments).map(|line| line.command)
    }

    #[test]
    fn nothing_means_serve_and_each_command_has_its_names() {
        assert_eq!(command(&[]), Ok(Command::Serve));
        assert_eq!(command(&["serve"]), Ok(Command::Serve));
        assert_eq!(command(&["healthcheck"]), Ok(Command::Healthcheck));
        assert_eq!(command(&["migrate"]), Ok(Command::Own(0)));
        for version in ["version", "--version", "-V"] {
            assert_eq!(command(&[version]), Ok(Command::Version));
        }
        for help in ["help", "--help", "-h"] {
            assert_eq!(command(&[help]), Ok(Command::Help));
        }
    }

    #[test]
    fn an_unknown_argument_is_named_with_the_commands_that_exist() {
        let expected = "expected serve, version, healthcheck, migrate, --help or nothing";
        for (arguments, wrong) in [
            (&["start"][..], "start"),
            (&["serve", "--port"], "--port"),
            (&["serve", "migrate"], "migrate"),
            (&["healthcheck", "8000"], "8000"),
        ] {
            let text = format!("the argument is {wrong:?}, {expected}");
            assert_eq!(command(arguments), Err(text));
        }
    }

    #[test]
    fn a_file_of_settings_may_stand_before_and_after_the_command() {
        for arguments in [
            &["--config", "a.toml", "migrate"][..],
            &["migrate", "--config", "a.toml"],
            &["migrate", "--config=a.toml"],
        ] {
            let line = parse(arguments).expect("it is a command line");
            assert_eq!(line.command, Command::Own(0));
            assert_eq!(line.config, Some("a.toml".into()));
        }
        for arguments in [
            &["--config"][..],
            &["--config="],
            &["--config", "a", "--config", "b"],
        ] {
            let text = parse(arguments).expect_err("one file is expected");
            assert!(
                text.starts_with("--config: expected the path of one file"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_command_cannot_have_the_name_of_another() {
        let bad = bad_names(&[
            "migrate",
            "serve",
            "--help",
            "two words",
            "",
            "migrate",
            "db:seed",
        ]);
        let names: Vec<_> = bad.iter().filter_map(|bad| bad.held.as_deref()).collect();
        assert_eq!(names, ["serve", "--help", "two words", "", "migrate"]);
    }
}
