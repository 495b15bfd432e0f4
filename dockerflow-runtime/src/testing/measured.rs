//! What the code of one test has measured.

use std::time::Duration;

use crate::metrics::{Kept, kept};

/// All that was measured on this thread.
pub(super) fn all() -> Vec<Measured> {
    kept().into_iter().filter_map(Measured::read).collect()
}

/// What was measured of `kind` under `name`, with all of these tags.
pub(super) fn of(kind: MeasuredKind, name: &str, tags: &[(&str, &str)]) -> Vec<Measured> {
    let mut all = all();
    all.retain(|one| {
        let mut tags = tags.iter();
        let has = |(key, value): &(&str, &str)| one.tag(key) == Some(*value);
        one.kind == kind && one.name == name && tags.all(has)
    });
    all
}

/// What counters were counted up and down by. What was sampled counts as often as its rate says.
pub(super) fn sum(counted: &[Measured]) -> i64 {
    let sum: f64 = counted.iter().map(|one| one.value / one.rate).sum();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a counter is a number of events"
    )]
    let sum = sum.round() as i64;
    sum
}

/// The times of timers.
pub(super) fn times(timed: &[Measured]) -> Vec<Duration> {
    let seconds = timed.iter().map(|one| one.value / 1000.0);
    let durations = seconds.map(Duration::try_from_secs_f64);
    durations.filter_map(Result::ok).collect()
}

/// A value that was measured.
///
/// ```
/// use dockerflow::{Metrics, metrics::cadence::prelude::*, testing::{MeasuredKind, Telemetry}};
///
/// let telemetry = Telemetry::start();
/// Metrics::default().histogram_with_tags("page.books", 17_u64).with_tag("page", "index").send();
///
/// let books = &telemetry.measured()[0];
/// assert_eq!(books.name(), "page.books");
/// assert_eq!(books.kind(), MeasuredKind::Histogram);
/// assert_eq!(books.value(), 17.0);
/// assert_eq!(books.tag("page"), Some("index"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    name: String,
    kind: MeasuredKind,
    value: f64,
    rate: f64,
    tags: Vec<(String, String)>,
}

/// The kind of a metric.
///
/// ```
/// use std::time::Duration;
/// use dockerflow::{Metrics, metrics::cadence::prelude::*, testing::{MeasuredKind, Telemetry}};
///
/// let telemetry = Telemetry::start();
/// let metrics = Metrics::default();
/// metrics.incr_with_tags("orders").send();
/// metrics.time_with_tags("payment", Duration::from_millis(3)).send();
///
/// let mut measured = telemetry.measured();
/// measured.retain(|one| one.kind() == MeasuredKind::Timer);
/// assert_eq!(measured.len(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeasuredKind {
    /// How often something has happened.
    Counter,
    /// The present value of something.
    Gauge,
    /// How long something took, in milliseconds.
    Timer,
    /// How large each of many things is, such as a request's body.
    Histogram,
    /// A histogram that the statsd server calculates over all instances.
    Distribution,
    /// How many different values there were, such as users.
    Set,
    /// How fast something happens.
    Meter,
}

impl Measured {
    fn read(kept: Kept) -> Option<Self> {
        let kind = match &*kept.kind {
            "c" => MeasuredKind::Counter,
            "g" => MeasuredKind::Gauge,
            "ms" => MeasuredKind::Timer,
            "h" => MeasuredKind::Histogram,
            "d" => MeasuredKind::Distribution,
            "s" => MeasuredKind::Set,
            "m" => MeasuredKind::Meter,
            _ => return None,
        };
        let Kept {
            name,
            value,
            rate,
            tags,
            ..
        } = kept;
        Some(Self {
            name,
            kind,
            value,
            rate,
            tags,
        })
    }

    /// Returns the name, without the service's prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the kind of the metric.
    #[must_use]
    pub fn kind(&self) -> MeasuredKind {
        self.kind
    }

    /// Returns the value; that of a timer is in milliseconds.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Returns the value of a tag: an empty one if the tag is a bare word, `None` if the metric
    /// does not have the tag.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        let (_, value) = self.tags.iter().find(|(own, _)| own == key)?;
        Some(value)
    }
}
