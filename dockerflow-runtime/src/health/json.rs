//! The report as `/__heartbeat__` answers it: JSON with python-dockerflow's keys.

use std::{borrow::Cow, collections::BTreeMap};

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::Value;

use super::{
    level::Level,
    records::milliseconds,
    report::{CheckReport, Report},
};
use crate::cut::cut;

impl Report {
    /// Returns the body of `/__heartbeat__`. An error's text can hold a password, so texts and data
    /// are in it only with `details`.
    ///
    /// ```
    /// use dockerflow::health::HeartbeatObserver;
    ///
    /// /// Keeps the last report in a file, for a host that forwards files to its monitoring.
    /// fn keep_last() -> HeartbeatObserver {
    ///     HeartbeatObserver::new(|report| {
    ///         if let Err(error) = std::fs::write("/run/shop/heartbeat.json", report.to_json(true)) {
    ///             log::warn!("the heartbeat was not kept: {error}");
    ///         }
    ///     })
    /// }
    /// # keep_last();
    /// ```
    #[must_use]
    #[allow(
        clippy::missing_panics_doc,
        reason = "it cannot happen: every key is a string"
    )]
    pub fn to_json(&self, details: bool) -> String {
        let body = Body {
            status: self.level().as_str(),
            checks: Checks(self.checks()),
            details: Details(if details { self.checks() } else { &[] }),
        };
        serde_json::to_string(&body)
            .expect("strings, numbers and JSON values under strings are JSON")
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
        serializer.collect_map(checks.map(|check| (check.name(), check.level().as_str())))
    }
}

struct Details<'a>(&'a [CheckReport]);

impl Details<'_> {
    /// Maximum bytes of all texts and data: a body is for people and dashboards, and the log has every text.
    const BYTES: usize = 256 * 1024;
    /// Maximum bytes of one text.
    const TEXT: usize = 1000;
}

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = || {
            let checks = self.0.iter();
            checks.filter(|check| check.level() > Level::Ok || check.data().next().is_some())
        };
        let share = Self::BYTES / shown().count().max(1);
        serializer.collect_map(shown().map(|check| (check.name(), Detail::of(check, share))))
    }
}

struct Detail<'a> {
    status: &'a str,
    level: u8,
    duration_ms: u64,
    messages: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// python-dockerflow has no such key, so it is written only if there are data.
    data: BTreeMap<&'a str, &'a Value>,
}

impl Serialize for Detail<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut detail = serializer.serialize_struct("Detail", 5)?;
        detail.serialize_field("status", self.status)?;
        detail.serialize_field("level", &self.level)?;
        detail.serialize_field("duration_ms", &self.duration_ms)?;
        detail.serialize_field("messages", &self.messages)?;
        if !self.data.is_empty() {
            detail.serialize_field("data", &self.data)?;
        }
        detail.end()
    }
}

impl<'a> Detail<'a> {
    fn of(check: &'a CheckReport, mut share: usize) -> Self {
        let mut messages = BTreeMap::new();
        let mut levels = BTreeMap::new();
        let mut omitted = check.omitted();
        for message in check.messages() {
            // If two messages have the same id, the worse is shown; at the same level, the last.
            if levels
                .get(message.id())
                .is_some_and(|level| *level > message.level())
            {
                continue;
            }
            let text = cut(message.text(), Details::TEXT);
            match share.checked_sub(message.id().len() + text.len()) {
                Some(rest) => {
                    share = rest;
                    levels.insert(message.id(), message.level());
                    messages.insert(Cow::Borrowed(message.id()), text);
                }
                None => omitted += 1,
            }
        }
        if omitted > 0 {
            let text = format!("{omitted} more in the log");
            messages.insert(format!("{}.more", check.name()).into(), text.into());
        }
        let mut data = BTreeMap::new();
        for (key, value) in check.data() {
            let length = key.len() + value.to_string().len();
            if let Some(rest) = share.checked_sub(length) {
                share = rest;
                data.insert(key, value);
            }
        }
        Self {
            status: check.level().as_str(),
            level: check.level().number(),
            duration_ms: milliseconds(check.duration()),
            messages,
            data,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::health::message::{IntoMessages, Message};

    fn check(name: &'static str, outcome: impl IntoMessages) -> CheckReport {
        CheckReport::new(name, Duration::from_millis(12), outcome)
    }

    fn shown(checks: Vec<CheckReport>, details: bool) -> Value {
        let body = Report::new(checks, Duration::ZERO).to_json(details);
        serde_json::from_str(&body).expect("JSON")
    }

    #[test]
    fn details_are_shown_only_if_allowed_and_only_of_checks_that_report_something() {
        let checks = || {
            vec![
                check("well", ()),
                check("one", Message::info("an.id", "a text")),
            ]
        };
        assert_eq!(shown(checks(), false)["details"], json!({}));
        let detail = json!({"status": "info", "level": 20, "duration_ms": 12, "messages": {"an.id": "a text"}});
        assert_eq!(shown(checks(), true)["details"], json!({"one": detail}));
    }

    #[test]
    fn data_are_in_the_details_alone() {
        let checks = || vec![check("one", Message::ok().with("connections", 17))];
        assert_eq!(shown(checks(), false)["details"], json!({}));
        let body = shown(checks(), true);
        let detail = json!({"status": "ok", "level": 0, "duration_ms": 12, "messages": {}, "data": {"connections": 17}});
        assert_eq!(body["status"], "ok");
        assert_eq!(body["details"], json!({"one": detail}));
    }

    #[test]
    fn of_two_messages_with_one_id_the_worse_is_shown() {
        let both = [
            Message::critical("id", "the worst"),
            Message::info("id", "the last"),
        ];
        let body = shown(vec![check("one", both)], true);
        assert_eq!(
            body["details"]["one"]["messages"],
            json!({"id": "the worst"})
        );
        let body = shown(
            vec![check(
                "one",
                [Message::info("id", "1"), Message::info("id", "2")],
            )],
            true,
        );
        assert_eq!(body["details"]["one"]["messages"], json!({"id": "2"}));
    }

    #[test]
    fn a_body_is_bounded_however_many_checks_report_however_much() {
        let text = "\u{1f600}".repeat(400);
        let many = (0..1000).map(|_| {
            let messages = (0..20)
                .map(|one| Message::error(format!("an.id.{one}"), &text).with("data", &text));
            check("one", messages.collect::<Vec<_>>())
        });
        let body = Report::new(many.collect(), Duration::ZERO).to_json(true);
        assert!(body.len() < 512 * 1024, "{}", body.len());
        serde_json::from_str::<Value>(&body).expect("JSON");
    }
}
