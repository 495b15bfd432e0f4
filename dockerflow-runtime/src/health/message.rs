//! What a check reports: messages with data.

use std::{
    borrow::Cow,
    fmt::{Debug, Display},
};

use serde::Serialize;
use serde_json::Value;

use super::level::Level;

/// What a check reports: a text at a level, under an id by which operations can silence it, and data.
///
/// ```
/// use dockerflow::{Message, health::Level, health_check};
/// # fn waiting_jobs() -> Result<u32, std::io::Error> { Ok(4711) }
///
/// #[health_check]
/// fn queue() -> Message {
///     match waiting_jobs() {
///         Ok(0) => Message::debug("queue.idle", "no job is waiting"),
///         Ok(jobs @ ..100) => Message::ok().with("jobs", jobs),
///         Ok(jobs @ ..1_000) => Message::info("queue.busy", format!("{jobs} jobs are waiting")),
///         Ok(jobs @ ..9_000) => Message::warning("queue.long", format!("{jobs} jobs are waiting")),
///         Ok(jobs) => Message::error("queue.full", format!("{jobs} jobs are waiting")),
///         Err(error) => Message::critical("queue.lost", error.to_string()),
///     }
/// }
///
/// // A check is an ordinary function, which a test can call.
/// let message = queue();
/// assert_eq!(message.level(), Level::Warning);
/// assert_eq!(message.id(), "queue.long");
/// assert_eq!(message.text(), "4711 jobs are waiting");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a message counts only if a check returns it"]
pub struct Message {
    pub(crate) level: Level,
    pub(crate) id: Cow<'static, str>,
    pub(crate) text: String,
    /// An error's `Debug` form, which has its sources even if `Display` leaves them out. For the log only.
    pub(crate) cause: Option<String>,
    pub(crate) data: Vec<(Cow<'static, str>, Value)>,
}

impl Message {
    /// Makes a message of a check that is well, for its [data](Self::with). It has no id and no text, and is not logged.
    pub fn ok() -> Self {
        Self::new(Level::Ok, "", "")
    }

    /// Makes a message at [`Level::Debug`]: the check stays healthy.
    pub fn debug(id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self::new(Level::Debug, id, text)
    }

    /// Makes a message at [`Level::Info`]: the check stays healthy.
    pub fn info(id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self::new(Level::Info, id, text)
    }

    /// Makes a message at [`Level::Warning`]: the check is degraded, but healthy.
    pub fn warning(id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self::new(Level::Warning, id, text)
    }

    /// Makes a message at [`Level::Error`]: the check, and so the service, is unhealthy.
    pub fn error(id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self::new(Level::Error, id, text)
    }

    /// Makes a message at [`Level::Critical`]: the check, and so the service, is unhealthy.
    pub fn critical(id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self::new(Level::Critical, id, text)
    }

    fn new(level: Level, id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self {
            level,
            id: id.into(),
            text: text.into(),
            cause: None,
            data: Vec::new(),
        }
    }

    /// Adds a value to the check's `data` in the heartbeat's `details`, under `key`. A second value
    /// of the same key replaces the first.
    ///
    /// Data are shown only if `DOCKERFLOW_HEARTBEAT_DETAILS` is set, as texts are, and change no
    /// level. A value that JSON cannot hold becomes the text of the error.
    pub fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Serialize) -> Self {
        let key = key.into();
        let value = serde_json::to_value(value).unwrap_or_else(|error| error.to_string().into());
        self.data.retain(|(earlier, _)| *earlier != key);
        self.data.push((key, value));
        self
    }

    /// Keeps an error for the log.
    pub(crate) fn caused_by(mut self, error: &impl Debug) -> Self {
        self.cause = Some(format!("{error:?}"));
        self
    }

    /// Returns the level.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Returns the id, by which `DOCKERFLOW_SILENCED_CHECKS` silences the message.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the text. It is logged; the heartbeat's body has it only if
    /// `DOCKERFLOW_HEARTBEAT_DETAILS` is set.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A type that a check may return: `()`, a [`Message`] or several, or a [`Result`] of these.
///
/// `Err` becomes a message at [`Level::Error`] with the id `<check>.failed`. Its text is the error's alternate form (`{:#}`), in
/// which `anyhow` and others show the causes; the log also has the `Debug` form.
///
/// Implement it for a type that several checks return:
///
/// ```
/// use std::time::Duration;
/// use dockerflow::{Message, health::IntoMessages, health_check};
/// # async fn replication_lag() -> std::io::Result<Duration> { Ok(Duration::ZERO) }
///
/// struct Lag(Duration);
///
/// impl IntoMessages for Lag {
///     fn into_messages(self, check: &str) -> Vec<Message> {
///         let late = self.0 > Duration::from_secs(10);
///         let message = || Message::warning(format!("{check}.late"), format!("{:?} behind", self.0));
///         late.then(message).into_messages(check)
///     }
/// }
///
/// #[health_check]
/// async fn replica() -> std::io::Result<Lag> {
///     replication_lag().await.map(Lag)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a health check",
    label = "a health check returns `()`, `Result<(), E>`, `Message`, or several messages",
    note = "to drop a value: `.map(drop)`; to report one: `dockerflow::Message::warning(\"id\", \"text\")`",
    note = "the `E` of a `Result` is anything that is `Display` and `Debug`, as every error is"
)]
pub trait IntoMessages {
    /// Returns the messages of the check that is named `check`. If it returns none, the check is
    /// well.
    fn into_messages(self, check: &str) -> Vec<Message>;
}

impl IntoMessages for () {
    fn into_messages(self, _check: &str) -> Vec<Message> {
        Vec::new()
    }
}

impl IntoMessages for Message {
    fn into_messages(self, _check: &str) -> Vec<Message> {
        vec![self]
    }
}

impl IntoMessages for Option<Message> {
    fn into_messages(self, _check: &str) -> Vec<Message> {
        self.into_iter().collect()
    }
}

impl IntoMessages for Vec<Message> {
    fn into_messages(self, _check: &str) -> Vec<Message> {
        self
    }
}

impl<const N: usize> IntoMessages for [Message; N] {
    fn into_messages(self, _check: &str) -> Vec<Message> {
        self.into()
    }
}

impl<T: IntoMessages, E: Display + Debug> IntoMessages for Result<T, E> {
    fn into_messages(self, check: &str) -> Vec<Message> {
        match self {
            Ok(outcome) => outcome.into_messages(check),
            Err(error) => {
                let mut message = Message::error(format!("{check}.failed"), format!("{error:#}"));
                message.cause = Some(format!("{error:?}"));
                vec![message]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fmt};

    use super::*;

    #[test]
    fn an_error_is_shown_with_its_chain_and_kept_with_its_debug_form() {
        #[derive(Debug)]
        struct Chained;
        impl Display for Chained {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(if formatter.alternate() {
                    "outer: inner"
                } else {
                    "outer"
                })
            }
        }
        let messages = Err::<(), _>(Chained).into_messages("database");
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].id(), "database.failed");
        assert_eq!(messages[0].text(), "outer: inner");
        assert_eq!(messages[0].cause.as_deref(), Some("Chained"));
    }

    #[test]
    fn data_have_one_value_a_key_and_one_that_json_cannot_hold_is_a_text() {
        let keys = BTreeMap::from([((1, 2), 3)]);
        let message = Message::ok()
            .with("jobs", 1)
            .with("jobs", 2)
            .with("bad", &keys);
        assert_eq!(message.data[0], ("jobs".into(), 2.into()));
        assert!(message.data[1].1.is_string(), "{message:?}");
    }

    #[test]
    fn messages_inside_ok_are_kept() {
        let outcome: Result<_, String> = Ok([Message::info("a", "1"), Message::critical("b", "2")]);
        let levels: Vec<_> = outcome
            .into_messages("x")
            .iter()
            .map(Message::level)
            .collect();
        assert_eq!(levels, [Level::Info, Level::Critical]);
    }
}
