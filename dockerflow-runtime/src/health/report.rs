//! What did a run of the checks find, and how is it told? To probes as JSON, to an app that observes it as it is.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use super::check::{Check, Level, Message};

/// What a run of all health checks found. An app hears of it through [`HeartbeatObserver`].
#[derive(Clone, Debug)]
pub struct Report {
    checks: Vec<CheckReport>,
    duration: Duration,
}

impl Report {
    pub(crate) fn new(checks: Vec<CheckReport>, duration: Duration) -> Self {
        Self { checks, duration }
    }

    /// Whether the service is healthy: every check is below [`Level::Error`].
    #[must_use]
    pub fn passed(&self) -> bool {
        self.level() < Level::Error
    }

    /// The worst level of all checks.
    #[must_use]
    pub fn level(&self) -> Level {
        let levels = self.checks.iter().map(CheckReport::level);
        levels.max().unwrap_or(Level::Ok)
    }

    /// What each check found, by name.
    #[must_use]
    pub fn checks(&self) -> &[CheckReport] {
        &self.checks
    }

    /// How long the run took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The body of `/__heartbeat__`: python-dockerflow's keys. Error text can hold a password, so that it is in there only with
    /// `details`.
    pub(crate) fn body(&self, details: bool) -> String {
        let body = Body {
            status: self.level().as_str(),
            checks: Checks(&self.checks),
            details: Details(if details { &self.checks } else { &[] }),
        };
        serde_json::to_string(&body).expect("strings and numbers under strings are JSON")
    }
}

/// What one health check found.
#[derive(Clone, Debug)]
pub struct CheckReport {
    name: &'static str,
    level: Level,
    duration: Duration,
    messages: Vec<Message>,
    silenced: Vec<Message>,
    omitted: usize,
}

impl CheckReport {
    /// Messages that are kept; of more than these, the worst.
    const MESSAGES: usize = 100;

    pub(crate) fn new(
        check: &Check,
        duration: Duration,
        mut messages: Vec<Message>,
        silenced: &[String],
    ) -> Self {
        for message in &mut messages {
            message.level = message.level.min(check.worst);
        }
        let (mut silenced, mut messages): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .partition(|message| silenced.iter().any(|id| *id == message.id));
        let level = messages.iter().map(Message::level).max();
        let omitted = keep_worst(&mut messages) + keep_worst(&mut silenced);
        Self {
            name: check.name,
            level: level.unwrap_or(Level::Ok),
            duration,
            messages,
            silenced,
            omitted,
        }
    }

    /// The check's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The worst level of the messages that count: at most what the check may be.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// How long the check took, from the start of the run.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// What it said: at most 100 messages, the worst, without those that `DOCKERFLOW_SILENCED_CHECKS` silences.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Every message that was kept, and whether it is silenced.
    pub(crate) fn said(&self) -> impl Iterator<Item = (&Message, bool)> {
        let counted = self.messages.iter().map(|message| (message, false));
        counted.chain(self.silenced.iter().map(|message| (message, true)))
    }

    /// How many messages were not kept.
    pub(crate) fn omitted(&self) -> usize {
        self.omitted
    }
}

/// Leaves at most [`CheckReport::MESSAGES`], and says how many are gone.
fn keep_worst(messages: &mut Vec<Message>) -> usize {
    let omitted = messages.len().saturating_sub(CheckReport::MESSAGES);
    if omitted > 0 {
        messages.sort_by_key(|message| std::cmp::Reverse(message.level));
        messages.truncate(CheckReport::MESSAGES);
    }
    omitted
}

/// App data that is called after each run of the health checks: to count passes and failures, to time the checks, to raise an
/// alarm.
///
/// It is called on the thread that the checks run on, so it must be quick. Probes that are answered with a report that is still
/// fresh are no runs. A panic in it is logged.
///
/// ```
/// use actix_web::App;
/// use dockerflow::health::HeartbeatObserver;
///
/// let app = App::new().app_data(HeartbeatObserver::new(|report| {
///     if !report.passed() {
///         for finding in report.checks() {
///             println!("{} is {} after {:?}", finding.name(), finding.level(), finding.duration());
///         }
///     }
/// }));
/// # drop(app);
/// ```
#[derive(Clone)]
pub struct HeartbeatObserver(Arc<dyn Fn(&Report) + Send + Sync>);

impl HeartbeatObserver {
    /// App data that calls `observer`.
    pub fn new(observer: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observer))
    }

    pub(crate) fn call(&self, report: &Report) {
        (self.0)(report);
    }
}

impl fmt::Debug for HeartbeatObserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HeartbeatObserver")
            .finish_non_exhaustive()
    }
}

struct Body<'a> {
    status: &'a str,
    checks: Checks<'a>,
    details: Details<'a>,
}

// By hand: without a derive, a service that has none of its own need not compile serde's macros.
impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("Body", 3)?;
        body.serialize_field("status", self.status)?;
        body.serialize_field("checks", &self.checks)?;
        body.serialize_field("details", &self.details)?;
        body.end()
    }
}

struct Checks<'a>(&'a [CheckReport]);

impl Serialize for Checks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let checks = self.0.iter();
        serializer.collect_map(checks.map(|finding| (finding.name, finding.level.as_str())))
    }
}

struct Details<'a>(&'a [CheckReport]);

impl Details<'_> {
    /// Bytes that all messages may take: a body is for eyes and dashboards, the log has everything.
    const BYTES: usize = 256 * 1024;
    /// Bytes that one text may take.
    const TEXT: usize = 1000;
}

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let told = || self.0.iter().filter(|finding| finding.level > Level::Ok);
        let share = Self::BYTES / told().count().max(1);
        serializer.collect_map(told().map(|finding| (finding.name, Detail::of(finding, share))))
    }
}

struct Detail<'a> {
    status: &'a str,
    level: u8,
    duration_ms: u64,
    messages: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl Serialize for Detail<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut detail = serializer.serialize_struct("Detail", 4)?;
        detail.serialize_field("status", self.status)?;
        detail.serialize_field("level", &self.level)?;
        detail.serialize_field("duration_ms", &self.duration_ms)?;
        detail.serialize_field("messages", &self.messages)?;
        detail.end()
    }
}

impl<'a> Detail<'a> {
    fn of(finding: &'a CheckReport, mut share: usize) -> Self {
        let mut messages = BTreeMap::new();
        let mut omitted = finding.omitted;
        for message in &finding.messages {
            let text = cut(&message.text, Details::TEXT);
            match share.checked_sub(message.id.len() + text.len()) {
                Some(rest) => {
                    share = rest;
                    messages.insert(Cow::Borrowed(message.id()), text);
                }
                None => omitted += 1,
            }
        }
        if omitted > 0 {
            let text = format!("{omitted} more in the log");
            messages.insert(format!("{}.more", finding.name).into(), text.into());
        }
        Self {
            status: finding.level.as_str(),
            level: finding.level.number(),
            duration_ms: u64::try_from(finding.duration.as_millis()).unwrap_or(u64::MAX),
            messages,
        }
    }
}

/// At most `most` bytes of `text`, and a sign where that is not all.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
    format!("{}…", &text[..end.unwrap_or_default()]).into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::health::check::Place;

    fn finding(worst: Level, messages: Vec<Message>, silenced: &[&str]) -> CheckReport {
        let place = Place {
            file: file!(),
            line: line!(),
        };
        let check = Check {
            name: "one",
            place,
            worst,
            timeout: None,
        };
        let silenced: Vec<_> = silenced.iter().map(ToString::to_string).collect();
        CheckReport::new(&check, Duration::from_millis(12), messages, &silenced)
    }

    fn told(checks: Vec<CheckReport>, details: bool) -> Value {
        let body = Report::new(checks, Duration::ZERO).body(details);
        serde_json::from_str(&body).expect("JSON")
    }

    #[test]
    fn details_are_told_only_when_asked_for_and_only_of_what_has_something_to_say() {
        let checks = || {
            vec![
                finding(Level::Critical, Vec::new(), &[]),
                finding(Level::Critical, vec![Message::info("an.id", "a text")], &[]),
            ]
        };
        assert_eq!(told(checks(), false)["details"], json!({}));
        let detail = json!({"status": "info", "level": 20, "duration_ms": 12, "messages": {"an.id": "a text"}});
        assert_eq!(told(checks(), true)["details"], json!({"one": detail}));
    }

    #[test]
    fn a_check_is_at_most_as_bad_as_it_may_be() {
        let messages = vec![Message::critical("a", ""), Message::info("b", "")];
        let finding = finding(Level::Warning, messages, &[]);
        let levels: Vec<_> = finding.messages().iter().map(Message::level).collect();
        assert_eq!(finding.level(), Level::Warning);
        assert_eq!(levels, [Level::Warning, Level::Info]);
    }

    #[test]
    fn what_is_silenced_does_not_count_and_is_still_there_for_the_log() {
        let messages = vec![Message::error("loud", ""), Message::info("other", "")];
        let finding = finding(Level::Critical, messages, &["loud", "nobody"]);
        assert_eq!(finding.level(), Level::Info);
        let said: Vec<_> = finding
            .said()
            .map(|(one, silenced)| (one.id(), silenced))
            .collect();
        assert_eq!(said, [("other", false), ("loud", true)]);
    }

    #[test]
    fn of_too_many_messages_the_worst_are_kept() {
        let mut messages: Vec<_> = (0..5000)
            .map(|one| Message::debug(one.to_string(), ""))
            .collect();
        messages.push(Message::error("the last", ""));
        let finding = finding(Level::Critical, messages, &[]);
        assert_eq!(finding.messages()[0].id(), "the last");
        assert_eq!((finding.messages().len(), finding.omitted()), (100, 4901));
    }

    #[test]
    fn a_body_is_bounded_however_many_checks_say_however_much() {
        let text = "\u{1f600}".repeat(400);
        let many = (0..1000).map(|_| {
            let messages = (0..20).map(|one| Message::error(format!("an.id.{one}"), &text));
            finding(Level::Critical, messages.collect(), &[])
        });
        let body = Report::new(many.collect(), Duration::ZERO).body(true);
        assert!(body.len() < 512 * 1024, "{}", body.len());
        serde_json::from_str::<Value>(&body).expect("JSON");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("a\u{1f600}b", 3), "a…");
        assert_eq!(cut("a\u{1f600}b", 5), "a\u{1f600}…");
    }
}
