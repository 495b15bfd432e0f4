//! Which records are logged: `LOG_LEVEL`, or else `RUST_LOG`.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use slog::Level;

use crate::fingerprint::fingerprint;

/// Levels by target, as `LOG_LEVEL` gives them. A level is slog's number, from 1 for critical to 6 for trace; 0 is off.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// The lowest level that is logged for any target: a record below it costs only this comparison.
    most: usize,
    /// The level for a target that no directive matches.
    default: usize,
    /// The longest target first, so that the first that fits is the closest. Modules are separated by dots.
    directives: Vec<(String, usize)>,
    /// Distinguishes the decisions of this filter from those of another. It is random: nobody can choose targets that have one
    /// key, and by chance two of a program have one less often than once in 2^50 processes.
    number: u64,
}

impl Default for Filter {
    fn default() -> Self {
        Self::new(Level::Info.as_usize(), Vec::new())
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        (self.default, &self.directives) == (other.default, &other.directives)
    }
}

/// How many decisions are remembered.
const REMEMBERED: usize = 256;

/// The bits of a decision that are its level.
const LEVEL: u64 = 0b111;

/// What was decided for targets: a program has few, and logs with each very often. A decision is the key of filter and target, whose
/// last bits are replaced by the level; 0 is none.
static DECISIONS: [AtomicU64; REMEMBERED] = [const { AtomicU64::new(0) }; REMEMBERED];

/// Returns the level that was decided for a key.
#[inline]
fn remembered(key: u64) -> Option<usize> {
    let key = without_level(key);
    let decision = DECISIONS[place(key)].load(Relaxed);
    ((decision ^ key) <= LEVEL).then_some((decision & LEVEL) as usize)
}

#[cold]
fn remember(key: u64, level: usize) {
    let key = without_level(key);
    DECISIONS[place(key)].store(key | level as u64, Relaxed);
}

/// Clears the bits that the level will take, and sets the highest, so that no key is 0.
#[inline]
fn without_level(key: u64) -> u64 {
    (key | 1 << 63) & !LEVEL
}

/// Where the decision with this key is kept. Two keys that share a place in one process may have two places in the next.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the bits that are left are a place"
)]
fn place(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - REMEMBERED.ilog2())) as usize
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
            number: RandomState::new().hash_one(0),
        }
    }

    /// Reads `info`, `sqlx=debug`, `info,sqlx=warn,my_app::db=trace`; of two for one target the last. Modules are separated by
    /// `::`, as in Rust, or by dots, as the log prints them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut directives = Directives::default();
        for part in parts(text) {
            match part.split_once('=') {
                None => directives.default = level(part)?,
                Some((target, name)) => {
                    let target = target.trim();
                    if target.is_empty() {
                        return None;
                    }
                    directives.add(target, level(name.trim())?);
                }
            }
        }
        Some(directives.finish())
    }

    /// Reads what `env_logger` and `tracing-subscriber` take in `RUST_LOG`, as far as it is about targets. Returns also what could
    /// not be read.
    pub(crate) fn parse_rust_log(text: &str) -> (Self, Vec<&str>) {
        let mut directives = Directives::default();
        let mut unread = Vec::new();
        // `env_logger` takes a pattern for messages after a slash.
        let (text, pattern) = match text.split_once('/') {
            Some((text, pattern)) => (text, Some(pattern)),
            None => (text, None),
        };
        for part in parts(text) {
            let (target, name) = part.split_once('=').map_or((part, None), |(target, name)| {
                (target.trim(), Some(name.trim()))
            });
            match name.map_or(Some(Level::Trace.as_usize()), rust_level) {
                _ if target.is_empty() || !can_fit(target) => unread.push(part),
                None => unread.push(part),
                Some(_) if name.is_none() && rust_level(part).is_some() => {
                    directives.default = rust_level(part).unwrap_or(directives.default);
                }
                Some(level) => directives.add(target, level),
            }
        }
        unread.extend(pattern);
        (directives.finish(), unread)
    }

    /// Returns the same filter with every level at `least`, but for the targets that are off.
    pub(crate) fn raised(&self, least: Level) -> Self {
        let least = least.as_usize();
        let directives = self.directives.iter().map(|(target, level)| {
            let level = if *level == 0 { 0 } else { least.max(*level) };
            (target.clone(), level)
        });
        Self::new(least.max(self.default), directives.collect())
    }

    /// Returns the targets of the directives that no record can match.
    pub(crate) fn unfit(&self) -> impl Iterator<Item = &str> {
        let targets = self.directives.iter().map(|(target, _)| target.as_str());
        targets.filter(|target| !can_fit(target))
    }

    /// Whether a record is logged.
    #[inline]
    pub(crate) fn allows(&self, level: Level, target: &str) -> bool {
        let level = level.as_usize();
        let key = || fingerprint(self.number, target.as_bytes());
        level <= self.most && (self.directives.is_empty() || level <= self.level_of(target, key()))
    }

    /// As [`Filter::allows`], for a target that is a constant of the program, as almost every one is. `None` if that has to be
    /// decided: by [`Filter::allows_constant`].
    #[inline]
    pub(crate) fn at_once(&self, level: Level, target: &'static str) -> Option<bool> {
        let level = level.as_usize();
        if level > self.most {
            return Some(false);
        }
        if self.directives.is_empty() {
            return Some(true);
        }
        remembered(self.key_of_constant(target)).map(|most| level <= most)
    }

    /// Whether a record is logged whose target is a constant.
    pub(crate) fn allows_constant(&self, level: Level, target: &'static str) -> bool {
        let level = level.as_usize();
        level <= self.most && level <= self.level_of(target, self.key_of_constant(target))
    }

    /// The key of a constant: its address and length identify it.
    #[inline]
    fn key_of_constant(&self, target: &'static str) -> u64 {
        self.number ^ (target.as_ptr().addr() as u64) << 3 ^ (target.len() as u64) << 51
    }

    /// The level of a target whose decision has this key.
    #[inline]
    fn level_of(&self, target: &str, key: u64) -> usize {
        remembered(key).unwrap_or_else(|| {
            let level = self.decide(target);
            remember(key, level);
            level
        })
    }

    #[cold]
    fn decide(&self, target: &str) -> usize {
        let target = with_dots(target);
        let mut directives = self.directives.iter();
        let directive = directives.find(|(prefix, _)| is_inside(&target, prefix));
        directive.map_or(self.default, |(_, level)| *level)
    }

    /// The lowest level that is logged for any target; `None` if nothing is logged.
    pub(crate) fn most(&self) -> Option<Level> {
        Level::from_usize(self.most)
    }
}

/// Directives that are being read.
struct Directives {
    default: usize,
    all: Vec<(String, usize)>,
}

impl Default for Directives {
    fn default() -> Self {
        Self {
            default: Level::Info.as_usize(),
            all: Vec::new(),
        }
    }
}

impl Directives {
    fn add(&mut self, target: &str, level: usize) {
        let target = with_dots(target).trim_end_matches('.').to_owned();
        self.all.retain(|(earlier, _)| *earlier != target);
        self.all.push((target, level));
    }

    fn finish(self) -> Filter {
        Filter::new(self.default, self.all)
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(',').map(str::trim);
    parts.filter(|part| !part.is_empty())
}

fn with_dots(target: &str) -> String {
    target.replace("::", ".")
}

/// Whether a target of that text is one that a record may have: words with dots, colons or slashes between them.
fn can_fit(target: &str) -> bool {
    let word = |word: &str| {
        let plain = |letter: char| letter.is_alphanumeric() || "_-/".contains(letter);
        !word.is_empty() && word.chars().all(plain)
    };
    with_dots(target).split('.').all(word)
}

/// `sqlx` holds `sqlx` and `sqlx.query`, not `sqlx_extra`.
fn is_inside(target: &str, prefix: &str) -> bool {
    let rest = target.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Reads a level as in `RUST_LOG`: `tracing-subscriber` accepts numbers, too.
fn rust_level(name: &str) -> Option<usize> {
    let numbers = ["off", "error", "warn", "info", "debug", "trace"];
    let number = name
        .parse()
        .ok()
        .and_then(|number: usize| numbers.get(number));
    level(number.unwrap_or(&name))
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
    fn a_directive_fits_a_target_as_rust_writes_it_and_as_the_log_prints_it() {
        for directive in ["my_app.db=off", "my_app::db=off", "my_app::db::=off"] {
            let filter = Filter::parse(directive).expect("good");
            for target in [
                "my_app::db",
                "my_app.db",
                "my_app::db::pool",
                "my_app.db.pool",
            ] {
                // Twice: the second time it is remembered.
                for _ in 0..2 {
                    assert!(!filter.allows(Level::Error, target), "{directive} {target}");
                }
            }
            assert!(filter.allows(Level::Info, "my_app::dbx"), "{directive}");
        }
    }

    #[test]
    fn what_one_filter_decided_another_decides_itself_and_a_place_may_have_another_text() {
        let [all, none] = ["a=trace", "a=off"].map(|text| Filter::parse(text).expect("good"));
        let mut target = String::from("a");
        for _ in 0..2 {
            assert!(all.allows(Level::Trace, &target));
            assert!(!none.allows(Level::Error, &target));
        }
        // The same address and length.
        target.replace_range(.., "b");
        assert!(!all.allows(Level::Trace, &target));
        assert!(none.allows(Level::Error, &target));
        let long = "a.".repeat(1000);
        assert!(!none.allows(Level::Error, &long));
    }

    #[test]
    fn a_raised_filter_lets_more_through_and_leaves_off_what_is_off() {
        let raise = |text: &str| Filter::parse(text).expect("good").raised(Level::Debug);
        for (text, raised) in [
            ("info", "debug"),
            ("off", "debug"),
            ("trace,a=info", "trace,a=debug"),
            (
                "warn,a=trace,b=off,b.c=error",
                "debug,a=trace,b=off,b.c=debug",
            ),
        ] {
            assert_eq!(Some(raise(text)), Filter::parse(raised), "{text}");
        }
    }

    #[test]
    fn a_target_of_the_programs_text_is_decided_as_its_text_is() {
        let [all, none] =
            ["a=trace,ab=error", "a=off"].map(|text| Filter::parse(text).expect("good"));
        // Parts of one text begin at one place.
        let text = "abc::d";
        for _ in 0..2 {
            for end in 1..=text.len() {
                let target = &text[..end];
                for level in [Level::Error, Level::Info, Level::Trace] {
                    for filter in [&all, &none] {
                        let expected = filter.allows(level, target);
                        assert_eq!(filter.allows_constant(level, target), expected, "{target}");
                    }
                }
            }
        }
        assert!(all.allows_constant(Level::Trace, &text[..1]));
        assert!(!all.allows_constant(Level::Info, &text[..2]));
    }

    #[test]
    fn a_directive_that_can_fit_nothing_is_found() {
        let filter =
            Filter::parse("my app=debug,a::b*=info,a:b=info,sqlx=warn,request.summary=off");
        let filter = filter.expect("good");
        let mut unfit: Vec<_> = filter.unfit().collect();
        unfit.sort_unstable();
        assert_eq!(unfit, ["a.b*", "a:b", "my app"]);
    }

    #[test]
    fn rust_log_is_read_as_far_as_it_is_about_targets() {
        for (text, same, unread) in [
            ("warn,my_app=debug", "warn,my_app=debug", &[][..]),
            ("my_app", "my_app=trace", &[]),
            ("3,sqlx=2", "info,sqlx=warn", &[]),
            ("info,[span]=debug", "info", &["[span]=debug"]),
            ("a=loud,b=info/pattern", "b=info", &["a=loud", "pattern"]),
            ("=,,==", "info", &["=", "=="]),
        ] {
            let (filter, found) = Filter::parse_rust_log(text);
            assert_eq!(Some(filter), Filter::parse(same), "{text}");
            assert_eq!(found, unread, "{text}");
        }
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

    #[test]
    fn what_was_decided_for_a_constant_is_known_at_once_on_each_thread() {
        let text: &'static str = Box::leak("a::b,a::c".to_owned().into_boxed_str());
        let (off, on) = (&text[..4], &text[5..]);
        // Other tests may decide so much meanwhile that it is forgotten.
        let known = (0..20).any(|_| {
            let filter = Filter::parse("info,a.b=off").expect("good");
            assert_eq!(filter.at_once(Level::Trace, on), Some(false));
            assert_eq!(filter.at_once(Level::Info, off), None);
            assert!(!filter.allows_constant(Level::Info, off));
            assert!(filter.allows_constant(Level::Info, on));
            let at_once = || {
                [
                    filter.at_once(Level::Info, off),
                    filter.at_once(Level::Info, on),
                ]
            };
            let elsewhere = std::thread::scope(|scope| scope.spawn(at_once).join());
            elsewhere.is_ok_and(|known| known == [Some(false), Some(true)])
        });
        assert!(known);
        let simple = Filter::parse("info").expect("good");
        assert_eq!(simple.at_once(Level::Info, on), Some(true));
        assert_eq!(simple.at_once(Level::Debug, on), Some(false));
    }

    #[test]
    fn two_constants_at_like_addresses_do_not_always_take_each_others_place() {
        let text: &'static str = Box::leak("a".repeat(REMEMBERED + 4).into_boxed_str());
        let (one, other) = (&text[..4], &text[REMEMBERED..]);
        assert!((0..20).any(|_| {
            let filter = Filter::parse("info,b=debug").expect("good");
            filter.allows_constant(Level::Debug, one);
            filter.allows_constant(Level::Debug, other);
            filter.at_once(Level::Debug, one).is_some()
        }));
    }
}
