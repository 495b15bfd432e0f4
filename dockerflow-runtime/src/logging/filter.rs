//! Which records count: `LOG_LEVEL`.

use slog::Level;

/// Levels by target, as `LOG_LEVEL` gives them. A level is slog's number, from 1 for critical to 6 for trace; 0 is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The lowest level that counts anywhere: a record below it costs this comparison.
    most: usize,
    /// Where no directive fits.
    default: usize,
    /// The longest target first, so that the first that fits is the closest.
    directives: Vec<(String, usize)>,
}

impl Default for Filter {
    fn default() -> Self {
        Self::new(Level::Info.as_usize(), Vec::new())
    }
}

impl Filter {
    /// What [`Filter::parse`] reads, as an error message says it.
    pub(crate) const EXPECTED: &str = "off, critical, error, warning, info, debug or trace, \
         or such levels by target as in info,sqlx=warn";

    fn new(default: usize, mut directives: Vec<(String, usize)>) -> Self {
        directives.sort_by_key(|(target, _)| usize::MAX - target.len());
        let levels = directives.iter().map(|(_, level)| *level);
        let most = levels.fold(default, usize::max);
        Self {
            most,
            default,
            directives,
        }
    }

    /// Reads `info`, `sqlx=debug`, `info,sqlx=warn,my_app::db=trace`; of two for one target the last.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut default = Level::Info.as_usize();
        let mut directives: Vec<(String, usize)> = Vec::new();
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
        let level = level.as_usize();
        level <= self.most && (self.directives.is_empty() || level <= self.level_of(target))
    }

    fn level_of(&self, target: &str) -> usize {
        let mut directives = self.directives.iter();
        let directive = directives.find(|(prefix, _)| is_inside(target, prefix));
        directive.map_or(self.default, |(_, level)| *level)
    }

    /// The lowest level that counts anywhere, if one does.
    pub(crate) fn most(&self) -> Option<Level> {
        Level::from_usize(self.most)
    }
}

/// `sqlx` holds `sqlx` and `sqlx::query`, not `sqlx_extra`; `request` holds `request.summary`.
fn is_inside(target: &str, prefix: &str) -> bool {
    target
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('.'))
}

fn level(name: &str) -> Option<usize> {
    let level = match name.to_ascii_lowercase().as_str() {
        "off" | "none" => return Some(0),
        "critical" | "fatal" => Level::Critical,
        "error" => Level::Error,
        "warn" | "warning" => Level::Warning,
        "info" => Level::Info,
        "debug" => Level::Debug,
        "trace" => Level::Trace,
        _ => return None,
    };
    Some(level.as_usize())
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
