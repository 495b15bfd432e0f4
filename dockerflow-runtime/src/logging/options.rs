//! The variables of the log: which records are logged, and in which format.

use std::{
    io::{self, IsTerminal},
    num::NonZeroU32,
};

use super::{filter::Filter, line::Format};
use crate::environment::Environment;

/// The settings of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogOptions {
    /// `LOG_LEVEL`.
    pub(super) filter: Filter,
    /// `LOG_FORMAT`; where that is unset, text on a terminal, else mozlog.
    format: Option<Named>,
    /// Whether `NO_COLOR` is set.
    no_color: bool,
    /// `LOG_REPEAT_LIMIT`: how many lines a second one place may log; `None` is no limit.
    pub(super) repeat_limit: Option<NonZeroU32>,
    /// `GOOGLE_CLOUD_PROJECT`: the project that traces belong to.
    pub(super) project: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Named {
    Mozlog,
    Gcp,
    Json,
    Text,
}

impl LogOptions {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            filter: filter(environment),
            format: environment.get("LOG_FORMAT", None, "mozlog, json, gcp or text", |text| {
                Some(Some(match text.to_ascii_lowercase().as_str() {
                    "mozlog" => Named::Mozlog,
                    "gcp" => Named::Gcp,
                    "json" => Named::Json,
                    "text" => Named::Text,
                    _ => return None,
                }))
            }),
            no_color: environment.optional("NO_COLOR").is_some(),
            repeat_limit: environment.get(
                "LOG_REPEAT_LIMIT",
                None,
                "a number of lines a second, 1 or more",
                |text| text.parse().ok().map(Some),
            ),
            project: environment.get(
                "GOOGLE_CLOUD_PROJECT",
                None,
                "the id of a project",
                |text| Some(Some(text.to_owned())),
            ),
        }
    }

    /// Returns the options of a log with every record.
    pub(super) fn everything() -> Self {
        Self {
            filter: Filter::parse("trace").unwrap_or_default(),
            ..Self::default()
        }
    }

    pub(super) fn format(&self) -> Format {
        let terminal = io::stdout().is_terminal();
        let text = Format::Text {
            coloured: terminal && !self.no_color,
        };
        match self.format {
            Some(Named::Gcp) => Format::Gcp,
            Some(Named::Json) => Format::Json,
            Some(Named::Text) => text,
            None if terminal => text,
            Some(Named::Mozlog) | None => Format::Mozlog,
        }
    }
}

/// Reads `LOG_LEVEL` or, if that is unset, `RUST_LOG`. The latter is also for other programs, so it is never an error.
fn filter(environment: &mut Environment<'_>) -> Filter {
    let filter = environment.get("LOG_LEVEL", None, Filter::EXPECTED, |text| {
        Filter::parse(text).map(Some)
    });
    let mut warnings = Vec::new();
    let filter = filter.unwrap_or_else(|| {
        let text = environment.optional("RUST_LOG").unwrap_or_default();
        let (filter, unread) = Filter::parse_rust_log(&text);
        warnings.extend(unread.iter().map(|part| {
            format!("RUST_LOG: {part:?} is ignored: it is not a target, a level or target=level")
        }));
        filter
    });
    warnings.extend(
        filter
            .unfit()
            .map(|target| format!("LOG_LEVEL: no record has the target {target:?}")),
    );
    for warning in warnings {
        environment.warn(warning);
    }
    filter
}
