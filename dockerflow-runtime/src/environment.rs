//! The environment: how a variable is read, and how invalid ones are collected.

mod kubernetes;
mod redaction;

use std::{env, ffi::OsString, fmt::Display, mem, path::PathBuf, str::FromStr, time::Duration};

pub(crate) use self::{
    kubernetes::{is_of_service, is_service_link, service_link_warning},
    redaction::{beginning, looks_secret, shown, sounds_secret},
};
use crate::error::{BadSetting, Error};

/// Reads variables one by one and collects the invalid ones. An empty variable counts as unset.
pub(crate) struct Environment<'a> {
    lookup: Box<Lookup<'a>>,
    /// The program's own defaults, for variables that are unset.
    defaults: &'a [(String, String)],
    problems: Vec<BadSetting>,
    /// A warning for each variable that was ignored.
    warnings: Vec<String>,
    /// The variables that are set, as `NAME=value`. None that is kept here holds a secret.
    set: Vec<String>,
}

type Lookup<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

impl Environment<'static> {
    /// Returns the environment of this process.
    pub(crate) fn of_process() -> Self {
        Self::new(|name| env::var_os(name))
    }
}

impl<'a> Environment<'a> {
    pub(crate) fn new(lookup: impl Fn(&str) -> Option<OsString> + 'a) -> Self {
        Self {
            lookup: Box::new(lookup),
            defaults: &[],
            problems: Vec::new(),
            warnings: Vec::new(),
            set: Vec::new(),
        }
    }

    /// Takes these values for variables that are unset.
    pub(crate) fn with_defaults(mut self, defaults: &'a [(String, String)]) -> Self {
        self.defaults = defaults;
        self
    }

    /// Returns the variables that were read so far and are set.
    pub(crate) fn set(&self) -> String {
        self.set.join(" ")
    }

    /// Warns of a variable that is set although the program is built without the feature that reads it.
    #[cfg_attr(
        feature = "sentry-0_49",
        expect(dead_code, reason = "for other builds")
    )]
    pub(crate) fn without_feature(&mut self, name: &str, feature: &str) {
        if (self.lookup)(name).is_some_and(|held| !held.is_empty()) {
            self.warnings.push(format!(
                "{name} is ignored: this program is built without dockerflow's feature `{feature}`"
            ));
        }
    }

    /// Warns of a variable that is set although nothing reads it here.
    pub(crate) fn not_supported(&mut self, name: &str, why: &str) {
        let held = (self.lookup)(name).filter(|held| !held.is_empty());
        if held.is_some_and(|held| !is_service_link(name, &held.to_string_lossy())) {
            self.warnings.push(format!("{name} is ignored: {why}"));
        }
    }

    /// Records a variable that only other builds of this crate read.
    #[cfg_attr(
        feature = "sentry-0_49",
        expect(dead_code, reason = "for other builds")
    )]
    pub(crate) fn ignored(&mut self, name: &str) {
        let _ = (self.lookup)(name);
    }

    /// Returns a sentence for each variable that was ignored so far.
    pub(crate) fn warnings(&mut self) -> Vec<String> {
        mem::take(&mut self.warnings)
    }

    /// Returns what the variable holds, or else the program's default for it.
    fn held(&mut self, name: &str) -> Option<Held> {
        if let Some(text) = (self.lookup)(name).filter(|held| !held.is_empty()) {
            if is_service_link(name, &text.to_string_lossy()) {
                self.warnings.push(service_link_warning(name));
            } else {
                let shown = shown(name, &text.to_string_lossy());
                self.set
                    .push(format!("{name}={}", shown.as_deref().unwrap_or("…")));
                return Some(Held {
                    text,
                    name: name.to_owned(),
                });
            }
        }
        let mut defaults = self.defaults.iter();
        let (_, text) = defaults.find(|(default, text)| default == name && !text.is_empty())?;
        Some(Held {
            text: text.into(),
            name: of_default(name),
        })
    }

    /// Returns `settings`, unless a variable was bad.
    pub(crate) fn finish<T>(self, settings: T) -> Result<T, Error> {
        if self.problems.is_empty() {
            Ok(settings)
        } else {
            Err(Error::Settings(self.problems))
        }
    }

    /// Returns the variable `name` as `parse` reads it, or `default` if it is unset. `expected` completes "is …, expected".
    pub(crate) fn get<T>(
        &mut self,
        name: &str,
        default: T,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        self.get_or(name, default, |text| {
            let text = Some(text).filter(|text| !text.is_empty());
            text.and_then(parse).ok_or_else(|| expected.to_owned())
        })
    }

    /// Like `get`, for a `parse` that itself says what it expected. It gets `""` for a text that is not UTF-8 or holds only spaces,
    /// which it must refuse.
    pub(crate) fn get_or<T>(
        &mut self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let Some(held) = self.held(name) else {
            return default;
        };
        // No variable accepts text that is not UTF-8 or consists of spaces.
        let text = held.text.to_str().map_or("", str::trim);
        parse(text).unwrap_or_else(|expected| {
            self.problems.push(BadSetting {
                held: shown(name, &held.text.to_string_lossy()),
                name: held.name,
                expected,
            });
            default
        })
    }

    /// Reports whether the variable was bad, or the program's default for it.
    pub(crate) fn is_bad(&self, name: &str) -> bool {
        let of_default = of_default(name);
        let mut names = self.problems.iter().map(|problem| &*problem.name);
        names.any(|bad| bad == name || bad == of_default)
    }

    /// Returns the value of a variable that need not be UTF-8.
    pub(crate) fn optional(&mut self, name: &str) -> Option<String> {
        let held = self.held(name)?;
        Some(held.text.to_string_lossy().into_owned())
    }

    /// Adds a warning about a variable.
    pub(crate) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// Adds a problem that was found elsewhere.
    pub(crate) fn report(&mut self, problem: BadSetting) {
        self.problems.push(problem);
    }

    /// Returns a switch, which is off if unset.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        self.get(name, false, "true or false", flag)
    }

    /// Returns a time, written as `500ms`, `5s`, `2m`; a bare number is seconds.
    pub(crate) fn duration(&mut self, name: &str, default: Duration, least: Duration) -> Duration {
        let expected = if least.is_zero() {
            "a time such as 500ms or 5s"
        } else {
            "a time above zero such as 500ms or 5s"
        };
        self.get(name, default, expected, |text| {
            duration(text).filter(|time| *time >= least)
        })
    }

    /// Returns a time of which any is good, and the default is in seconds.
    pub(crate) fn seconds(&mut self, name: &str, default: u64) -> Duration {
        self.duration(name, Duration::from_secs(default), Duration::ZERO)
    }

    /// Returns a number from 1 to `most`, if it is set.
    pub(crate) fn number<T>(&mut self, name: &str, most: T) -> Option<T>
    where
        T: FromStr + PartialOrd + From<u8> + Display,
    {
        let expected = format!("a number from 1 to {most}");
        self.get(name, None, &expected, |text| {
            let number: Option<T> = text.parse().ok();
            number
                .filter(|number| (T::from(1)..=most).contains(number))
                .map(Some)
        })
    }

    /// Returns a comma-separated list.
    pub(crate) fn list(&mut self, name: &str) -> Vec<String> {
        self.get(name, Vec::new(), "ids with commas between them", |text| {
            Some(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(Into::into)
                    .collect(),
            )
        })
    }

    /// Returns a path.
    pub(crate) fn path(&mut self, name: &str) -> Option<PathBuf> {
        self.held(name).map(|held| held.text.into())
    }
}

/// The value of a variable, and how an error names the variable.
struct Held {
    text: OsString,
    name: String,
}

/// Returns how an error names the program's default for a variable.
fn of_default(name: &str) -> String {
    format!("the program's default for {name}")
}

/// Reads `true` or `false`, or another word for them.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Returns the name of the program's file, which its metrics and log lines have unless the program says otherwise.
pub(crate) fn program() -> String {
    let path = env::current_exe().unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.is_empty() {
        "service".into()
    } else {
        name.into()
    }
}

/// Reads a time of at most a day: `500ms`, `5s`, `2m`, `1.5s`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    if digits.is_empty()
        || !digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return None;
    }
    let seconds = digits.parse::<f64>().ok()? * unit;
    (seconds <= 86_400.0).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_default_of_the_program_counts_as_a_bad_variable() {
        let defaults = [("X_PORT".to_owned(), "many".to_owned())];
        let mut environment = Environment::new(|_| None).with_defaults(&defaults);
        assert_eq!(environment.number::<u16>("X_PORT", 65_535), None);
        assert!(environment.is_bad("X_PORT"));
        assert!(!environment.is_bad("Y_PORT"));
        let error = environment.finish(()).expect_err("it is bad").to_string();
        assert_eq!(
            error,
            "the program's default for X_PORT is \"many\", expected a number from 1 to 65535"
        );
    }

    #[test]
    fn durations_have_units_and_bare_numbers_are_seconds() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("2m", 120_000),
            ("1.5s", 1_500),
            ("3", 3_000),
            ("0", 0),
            ("1h", 3_600_000),
        ] {
            assert_eq!(
                duration(text),
                Some(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "s",
            "-1s",
            "1 s",
            "1d",
            "soon",
            "1e3",
            "99999999h",
            "1.2.3s",
            "inf",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
