//! Which records count: `LOG_LEVEL`.

use slog::Level;

/// Levels by target, as `LOG_LEVEL` gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The lowest level that counts anywhere: a record below it costs this comparison.
    most: Option<Level>,
    /// Where no directive fits.
    default: Option<Level>,
    /// The longest target first, so that the first that fits is the closest.
    directives: Vec<(String, Option<Level>)>,
}

impl Default for Filter {
    fn default() -> Self {
        Self::new(Some(Level::Info), Vec::new())
    }
}

impl Filter {
    /// What [`Filter::parse`] reads, as an error message says it.
    pub(crate) const EXPECTED: &str = "off, critical, error, warning, info, debug or trace, \
         or such levels by target as in info,sqlx=warn";

    fn new(default: Option<Level>, mut directives: Vec<(String, Option<Level>)>) -> Self {
        directives.sort_by_key(|(target, _)| usize::MAX - target.len());
        let levels = directives.iter().map(|(_, level)| *level);
        let most = levels
            .chain([default])
            .flatten()
            .max_by_key(|level| level.as_usize());
        Self {
            most,
            default,
            directives,
        }
    }

    /// Reads `info`, `sqlx=debug`, `info,sqlx=warn,my_app::db=trace`; of two for one target the last.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut default = Some(Level::Info);
        let mut directives: Vec<(String, _)> = Vec::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match part.split_once('=') {
                None => default = level(part)?,
                Some((target, name)) => {
                    let target = target.trim();
                    if target.is_empty() {
                        return None;
                    }
                    directives.retain(|(earlier, _)| earlier != target);
                    directives.push((target.to_owned(), level(name.trim())?));
                }
            }
        }
        Some(Self::new(default, directives))
    }

    /// Whether a record counts.
    #[inline]
    pub(crate) fn allows(&self, level: Level, target: &str) -> bool {
        reaches(self.most, level) && (self.directives.is_empty() || self.allows_here(level, target))
    }

    fn allows_here(&self, level: Level, target: &str) -> bool {
        let directive = self
            .directives
            .iter()
            .find(|(prefix, _)| is_inside(target, prefix));
        reaches(directive.map_or(self.default, |(_, level)| *level), level)
    }

    /// The lowest level that counts anywhere.
    pub(crate) fn most(&self) -> Option<Level> {
        self.most
    }
}

#[inline]
fn reaches(most: Option<Level>, level: Level) -> bool {
    most.is_some_and(|most| level.as_usize() <= most.as_usize())
}

/// `sqlx` holds `sqlx` and `sqlx::query`, not `sqlx_extra`; `request` holds `request.summary`.
fn is_inside(target: &str, prefix: &str) -> bool {
    target
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('.'))
}

fn level(name: &str) -> Option<Option<Level>> {
    Some(Some(match name.to_ascii_lowercase().as_str() {
        "off" | "none" => return Some(None),
        "critical" | "fatal" => Level::Critical,
        "error" => Level::Error,
        "warn" | "warning" => Level::Warning,
        "info" => Level::Info,
        "debug" => Level::Debug,
        "trace" => Level::Trace,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_directive_decides_and_the_ceiling_follows() {
        let filter =
            Filter::parse("warn, sqlx=debug ,sqlx::query=off,request.summary=error").expect("good");
        for (target, level, allowed) in [
            ("my_app", Level::Warning, true),
            ("my_app", Level::Info, false),
            ("sqlx", Level::Debug, true),
            ("sqlx::pool::inner", Level::Debug, true),
            ("sqlx::pool", Level::Trace, false),
            ("sqlx::query", Level::Critical, false),
            ("sqlx_extra", Level::Info, false),
            ("request.summary", Level::Info, false),
            ("request.summary", Level::Error, true),
        ] {
            assert_eq!(filter.allows(level, target), allowed, "{target} {level}");
        }
        assert_eq!(filter.most(), Some(Level::Debug));
        assert_eq!(Filter::parse("off").map(|filter| filter.most()), Some(None));
        assert_eq!(
            Filter::parse("sqlx=trace").map(|filter| filter.allows(Level::Debug, "x")),
            Some(false)
        );
    }

    #[test]
    fn of_two_for_one_target_the_last_counts() {
        let filter = Filter::parse("a=debug,error,a=warn,INFO").expect("good");
        assert_eq!(filter, Filter::parse("info,a=warning").expect("good"));
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for text in [
            "loud",
            "info,sqlx",
            "sqlx=",
            "=info",
            "info=loud",
            "info;debug",
            "6",
        ] {
            assert_eq!(Filter::parse(text), None, "{text}");
        }
    }
}
