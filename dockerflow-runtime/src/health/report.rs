//! What a run of the checks found.

use std::{borrow::Cow, cmp::Reverse, time::Duration};

use serde_json::Value;

use super::{
    check::Check,
    level::Level,
    message::{IntoMessages, Message},
};

/// What a run of all health checks found.
///
/// The extractor [`Heartbeat`](super::Heartbeat) returns one, and a [`HeartbeatObserver`](super::HeartbeatObserver) is called with
/// one. A test makes its own:
///
/// ```
/// use std::time::Duration;
/// use dockerflow::{Message, health::{CheckReport, Level, Report}};
///
/// let slow = CheckReport::new("queue", Duration::from_millis(3), Message::warning("queue.long", "17 jobs"));
/// let well = CheckReport::new("disk", Duration::from_millis(1), ());
/// let report = Report::new(vec![slow, well], Duration::from_millis(4));
/// assert!(report.passed());
/// assert_eq!(report.level(), Level::Warning);
/// assert_eq!(report.check("queue").unwrap().messages()[0].text(), "17 jobs");
/// assert_eq!(report.checks().len(), 2);
/// assert_eq!(report.duration(), Duration::from_millis(4));
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    checks: Vec<CheckReport>,
    duration: Duration,
}

impl Report {
    /// Makes the report of a run that took `duration`. The checks are sorted by name.
    #[must_use]
    pub fn new(mut checks: Vec<CheckReport>, duration: Duration) -> Self {
        checks.sort_by_key(|check| check.name);
        Self { checks, duration }
    }

    /// Makes the report of an instance that is about to stop.
    pub(crate) fn draining() -> Self {
        let message = Message::error("draining", "this instance is about to stop");
        Self::new(
            vec![CheckReport::new("draining", Duration::ZERO, message)],
            Duration::ZERO,
        )
    }

    /// Returns whether the service is healthy: every check is below [`Level::Error`].
    #[must_use]
    pub fn passed(&self) -> bool {
        self.level() < Level::Error
    }

    /// Returns the worst level of all checks.
    #[must_use]
    pub fn level(&self) -> Level {
        let levels = self.checks.iter().map(CheckReport::level);
        levels.max().unwrap_or(Level::Ok)
    }

    /// Returns what each check found, by name.
    #[must_use]
    pub fn checks(&self) -> &[CheckReport] {
        &self.checks
    }

    /// Returns what the check that is named `name` found; `None` if there is no such check.
    #[must_use]
    pub fn check(&self, name: &str) -> Option<&CheckReport> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// Returns how long the run took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns the part of the report that is about the checks with these names; `None` if there is no check of one of the names.
    pub(crate) fn only<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut checks = Vec::new();
        for name in names {
            let check = self.check(name)?;
            if !checks.iter().any(|one: &CheckReport| one.name == name) {
                checks.push(check.clone());
            }
        }
        Some(Self::new(checks, self.duration))
    }
}

/// What one health check found.
///
/// ```
/// use actix_web::{Responder, get};
/// use dockerflow::health::{CheckReport, Heartbeat};
///
/// fn line(check: &CheckReport) -> String {
///     let mut line = format!("{}: {} after {:?}", check.name(), check.level(), check.duration());
///     for message in check.messages() {
///         line += &format!(", {}", message.id());
///     }
///     for (key, value) in check.data() {
///         line += &format!(", {key}={value}");
///     }
///     line
/// }
///
/// /// The heartbeat as text, for an old monitoring system.
/// #[get("/status")]
/// async fn status(heartbeat: Heartbeat) -> impl Responder {
///     let lines: Vec<_> = heartbeat.report().await.checks().iter().map(line).collect();
///     lines.join("\n")
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CheckReport {
    name: &'static str,
    level: Level,
    duration: Duration,
    messages: Vec<Message>,
    silenced: Vec<Message>,
    omitted: usize,
    data: Vec<(Cow<'static, str>, Value)>,
}

impl CheckReport {
    /// How many messages are kept. Of more, these are the worst.
    const MESSAGES: usize = 100;

    /// Makes the report of a check that took `duration` and returned `outcome`, for a test.
    ///
    /// ```
    /// use std::time::Duration;
    /// use dockerflow::health::{CheckReport, Level};
    ///
    /// let refused = Err::<(), _>("connection refused");
    /// let report = CheckReport::new("database", Duration::from_millis(3), refused);
    /// assert_eq!(report.level(), Level::Error);
    /// assert_eq!(report.messages()[0].id(), "database.failed");
    /// ```
    #[must_use]
    pub fn new(name: &'static str, duration: Duration, outcome: impl IntoMessages) -> Self {
        let messages = outcome.into_messages(name);
        Self::of(name, Level::Critical, duration, messages, &[])
    }

    /// Makes the report of `check`: its messages are lowered to the worst level that it may have, and those whose ids are silenced
    /// do not count.
    pub(crate) fn of_check(
        check: &Check,
        duration: Duration,
        messages: Vec<Message>,
        silenced: &[String],
    ) -> Self {
        Self::of(check.name, check.worst, duration, messages, silenced)
    }

    fn of(
        name: &'static str,
        worst: Level,
        duration: Duration,
        mut messages: Vec<Message>,
        silenced: &[String],
    ) -> Self {
        for message in &mut messages {
            message.level = message.level.min(worst);
        }
        let (mut silenced, mut messages): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .partition(|message| silenced.iter().any(|id| *id == message.id));
        let level = messages.iter().map(Message::level).max();
        let mut data: Vec<(Cow<'static, str>, Value)> = Vec::new();
        for (key, value) in messages.iter_mut().flat_map(|one| one.data.drain(..)) {
            data.retain(|(earlier, _)| *earlier != key);
            data.push((key, value));
        }
        messages.retain(|message| message.level > Level::Ok || !message.text.is_empty());
        let omitted = keep_worst(&mut messages) + keep_worst(&mut silenced);
        Self {
            name,
            level: level.unwrap_or(Level::Ok),
            duration,
            messages,
            silenced,
            omitted,
            data,
        }
    }

    /// Returns the check's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the worst level of the messages that count, at most the worst level that the check may have.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Returns how long the check took, from the start of the run.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns the messages that count: at most 100, the worst, without those that `DOCKERFLOW_SILENCED_CHECKS` silences.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Returns the data that the check added to its messages with [`Message::with`], in that order.
    pub fn data(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.data.iter().map(|(key, value)| (&**key, value))
    }

    /// Returns every message that was kept, and whether it is silenced.
    pub(crate) fn with_silenced(&self) -> impl Iterator<Item = (&Message, bool)> {
        let counted = self.messages.iter().map(|message| (message, false));
        counted.chain(self.silenced.iter().map(|message| (message, true)))
    }

    /// Returns how many messages were not kept.
    pub(crate) fn omitted(&self) -> usize {
        self.omitted
    }
}

/// Keeps at most [`CheckReport::MESSAGES`], and returns how many were removed.
fn keep_worst(messages: &mut Vec<Message>) -> usize {
    let omitted = messages.len().saturating_sub(CheckReport::MESSAGES);
    if omitted > 0 {
        messages.sort_by_key(|message| Reverse(message.level));
        messages.truncate(CheckReport::MESSAGES);
    }
    omitted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(worst: Level, messages: Vec<Message>, silenced: &[&str]) -> CheckReport {
        let silenced: Vec<_> = silenced.iter().map(ToString::to_string).collect();
        CheckReport::of("one", worst, Duration::from_millis(12), messages, &silenced)
    }

    #[test]
    fn a_check_is_at_most_as_bad_as_it_may_be() {
        let messages = vec![Message::critical("a", ""), Message::info("b", "")];
        let report = report(Level::Warning, messages, &[]);
        let levels: Vec<_> = report.messages().iter().map(Message::level).collect();
        assert_eq!(report.level(), Level::Warning);
        assert_eq!(levels, [Level::Warning, Level::Info]);
    }

    #[test]
    fn a_silenced_message_does_not_count_but_is_kept_for_the_log() {
        let messages = vec![Message::error("loud", ""), Message::info("other", "")];
        let report = report(Level::Critical, messages, &["loud", "nobody"]);
        assert_eq!(report.level(), Level::Info);
        let all: Vec<_> = report
            .with_silenced()
            .map(|(one, silenced)| (one.id(), silenced))
            .collect();
        assert_eq!(all, [("other", false), ("loud", true)]);
    }

    #[test]
    fn of_too_many_messages_the_worst_are_kept() {
        let mut messages: Vec<_> = (0..5000)
            .map(|one| Message::debug(one.to_string(), ""))
            .collect();
        messages.push(Message::error("the last", ""));
        let report = report(Level::Critical, messages, &[]);
        assert_eq!(report.messages()[0].id(), "the last");
        assert_eq!((report.messages().len(), report.omitted()), (100, 4901));
    }

    #[test]
    fn data_leave_a_check_ok_and_are_not_messages() {
        let report = CheckReport::new(
            "one",
            Duration::ZERO,
            Ok::<_, String>(Message::ok().with("jobs", 17)),
        );
        assert_eq!(report.level(), Level::Ok);
        assert!(report.messages().is_empty());
        assert_eq!(report.data().collect::<Vec<_>>(), [("jobs", &17.into())]);
    }

    #[test]
    fn a_part_of_a_report_has_the_checks_that_are_named_once_each() {
        let check = |name| CheckReport::new(name, Duration::ZERO, ());
        let report = Report::new(vec![check("b"), check("a")], Duration::ZERO);
        let part = report.only(["b", "b"]).expect("there is one");
        assert_eq!(part.checks().len(), 1);
        assert!(report.only(["a", "c"]).is_none());
    }
}
