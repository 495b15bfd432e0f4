//! The `DOCKERFLOW_*` environment: read once, every bad variable reported.

use std::{env, ffi::OsString, path::PathBuf, time::Duration};

use actix_web::http::header::HeaderName;

use crate::{
    config::shown,
    error::{Error, Problem},
    metrics::Target,
};

/// What operations set through the environment.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `DOCKERFLOW_VERSION_FILE`: a version object to serve in place of the embedded one. It must be there.
    pub(crate) version_file: Option<PathBuf>,
    /// `DOCKERFLOW_ERROR_ENDPOINT`: whether `/__error__` answers.
    pub(crate) error_endpoint: bool,
    /// `DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE`: what an unhealthy service answers.
    pub(crate) failed_status: u16,
    /// `DOCKERFLOW_HEARTBEAT_DETAILS`: whether the body has the messages.
    pub(crate) details: bool,
    /// `DOCKERFLOW_HEARTBEAT_TTL`: how long a report is fresh.
    pub(crate) ttl: Duration,
    /// `DOCKERFLOW_HEARTBEAT_TIMEOUT`: the deadline of a check that names none.
    pub(crate) timeout: Duration,
    /// `DOCKERFLOW_SILENCED_CHECKS`: ids of messages that do not count.
    pub(crate) silenced: Vec<String>,
    /// `STATSD_HOST`, `STATSD_PORT`: where metrics go.
    pub(crate) statsd: Option<Target>,
    /// What is logged of a request.
    pub(crate) summary: SummarySettings,
}

/// What operations set of requests' summaries and ids.
#[derive(Clone, Debug)]
pub(crate) struct SummarySettings {
    /// `DOCKERFLOW_REQUEST_ID_HEADER_NAME`: where a request's id is read and echoed.
    pub(crate) id_header: HeaderName,
    /// `DOCKERFLOW_SUMMARY_LOG_QUERYSTRING`: whether a request's summary has its query.
    pub(crate) querystring: bool,
    /// `DOCKERFLOW_SUMMARY_LOG_PROBES`: whether there is a summary of a probe that found all well.
    pub(crate) probes: bool,
}

impl Settings {
    /// From the process's environment.
    pub(crate) fn from_env() -> Result<Self, Error> {
        let mut environment = Environment::new(|name| env::var_os(name));
        let settings = Self::read(&mut environment);
        environment.finish(settings)
    }

    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        const MILLISECOND: Duration = Duration::from_millis(1);
        Self {
            version_file: environment.path("DOCKERFLOW_VERSION_FILE"),
            error_endpoint: environment.flag("DOCKERFLOW_ERROR_ENDPOINT"),
            failed_status: environment.get(
                "DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE",
                503,
                "a status from 500 to 599",
                |text| {
                    text.parse()
                        .ok()
                        .filter(|status| (500..600).contains(status))
                },
            ),
            details: environment.flag("DOCKERFLOW_HEARTBEAT_DETAILS"),
            ttl: environment.duration(
                "DOCKERFLOW_HEARTBEAT_TTL",
                Duration::from_secs(1),
                Duration::ZERO,
            ),
            timeout: environment.duration(
                "DOCKERFLOW_HEARTBEAT_TIMEOUT",
                Duration::from_millis(800),
                MILLISECOND,
            ),
            silenced: environment.list("DOCKERFLOW_SILENCED_CHECKS"),
            statsd: Target::read(environment),
            summary: SummarySettings {
                id_header: environment.get(
                    "DOCKERFLOW_REQUEST_ID_HEADER_NAME",
                    HeaderName::from_static("x-request-id"),
                    "the name of a header",
                    |text| text.parse().ok(),
                ),
                querystring: environment.flag("DOCKERFLOW_SUMMARY_LOG_QUERYSTRING"),
                probes: environment.flag("DOCKERFLOW_SUMMARY_LOG_PROBES"),
            },
        }
    }
}

/// An environment that is read variable by variable, and remembers what was wrong. An empty variable counts as unset.
pub(crate) struct Environment<'a> {
    lookup: Box<Lookup<'a>>,
    problems: Vec<Problem>,
    /// What is set, as `NAME=value`: none of our own variables holds a secret.
    set: Vec<String>,
}

type Lookup<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

impl<'a> Environment<'a> {
    pub(crate) fn new(lookup: impl Fn(&str) -> Option<OsString> + 'a) -> Self {
        Self {
            lookup: Box::new(lookup),
            problems: Vec::new(),
            set: Vec::new(),
        }
    }

    /// The variables that were read so far and are set.
    pub(crate) fn set(&self) -> String {
        self.set.join(" ")
    }

    fn held(&mut self, name: &str) -> Option<OsString> {
        let held = (self.lookup)(name).filter(|held| !held.is_empty())?;
        self.set.push(format!("{name}={}", held.to_string_lossy()));
        Some(held)
    }

    /// `settings`, unless a variable was bad.
    pub(crate) fn finish<T>(self, settings: T) -> Result<T, Error> {
        if self.problems.is_empty() {
            Ok(settings)
        } else {
            Err(Error::Settings(self.problems))
        }
    }

    /// The variable `name` as `parse` reads it, `default` where it is unset. `expected` completes "is …, expected".
    pub(crate) fn get<T>(
        &mut self,
        name: &str,
        default: T,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        let Some(held) = self.held(name) else {
            return default;
        };
        held.to_str()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .and_then(parse)
            .unwrap_or_else(|| {
                let held = shown(name, &held.to_string_lossy());
                self.problems.push(Problem {
                    name: name.into(),
                    held,
                    expected: expected.into(),
                });
                default
            })
    }

    /// A problem that was found elsewhere.
    pub(crate) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// A switch, off where unset.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        self.get(name, false, "true or false", flag)
    }

    /// A time as `500ms`, `5s`, `2m`; a bare number is seconds.
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

    /// A list with commas.
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

    /// A path.
    pub(crate) fn path(&mut self, name: &str) -> Option<PathBuf> {
        self.held(name).map(Into::into)
    }
}

/// `true` or `false`, and other words for them.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The name of the program's file, without directory and extension: what its metrics and log lines are known by.
pub(crate) fn program() -> String {
    let path = env::current_exe().unwrap_or_default();
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    if name.is_empty() {
        "service".into()
    } else {
        name.into()
    }
}

/// `500ms`, `5s`, `2m`, `1.5s`; a bare number is seconds. At most a day.
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

    #[test]
    fn every_bad_variable_is_reported_at_once() {
        let mut environment = Environment::new(|name| match name {
            "DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE" => Some("404".into()),
            "DOCKERFLOW_HEARTBEAT_TTL" => Some("soon".into()),
            "DOCKERFLOW_ERROR_ENDPOINT" => Some("perhaps".into()),
            _ => None,
        });
        let settings = Settings::read(&mut environment);
        let text = environment
            .finish(settings)
            .expect_err("three are bad")
            .to_string();
        assert_eq!(
            text,
            "DOCKERFLOW_ERROR_ENDPOINT is \"perhaps\", expected true or false\n\
             DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE is \"404\", expected a status from 500 to 599\n\
             DOCKERFLOW_HEARTBEAT_TTL is \"soon\", expected a time such as 500ms or 5s"
        );
    }
}
