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
/// # use dockerflow::Message;
/// # let jobs = 4711;
/// let message = match jobs {
///     0..1000 => Message::ok().with("jobs", jobs),
///     _ => Message::warning("queue.long", format!("{jobs} jobs are waiting")).with("jobs", jobs),
/// };
/// assert_eq!(message.id(), "queue.long");
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

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident = $level:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
            Self { level: Level::$level, id: id.into(), text: text.into(), cause: None, data: Vec::new() }
        }
    )*};
}

impl Message {
    /// Makes a message of a check that is well, for its [data](Self::with). It has no id and no text, and is not logged.
    pub fn ok() -> Self {
        Self {
            level: Level::Ok,
            id: Cow::Borrowed(""),
            text: String::new(),
            cause: None,
            data: Vec::new(),
        }
    }

    constructors! {
        /// Makes a message at [`Level::Debug`]: the check stays healthy.
        debug = Debug;
        /// Makes a message at [`Level::Info`]: the check stays healthy.
        info = Info;
        /// Makes a message at [`Level::Warning`]: the check is degraded, but healthy.
        warning = Warning;
        /// Makes a message at [`Level::Error`]: the check, and so the service, is unhealthy.
        error = Error;
        /// Makes a message at [`Level::Critical`]: the check, and so the service, is unhealthy.
        critical = Critical;
    }

    /// Adds a value to the `data` that `details` has of the check, under `key`; a second value of the same key replaces the first.
    ///
    /// Data are shown only under `DOCKERFLOW_HEARTBEAT_DETAILS`, as texts are, and change no level. A value that JSON cannot hold
    /// becomes the text of the error.
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

    /// Returns the text. It is logged; the heartbeat's body has it only under `DOCKERFLOW_HEARTBEAT_DETAILS`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A type that a check may return: `()`, a [`Message`] or several, or a [`Result`] of these.
///
/// `Err` becomes a message at [`Level::Error`] with the id `<check>.failed`. Its text is the error's alternate form (`{:#}`), in
/// which `anyhow` and others show the causes; the log also has the `Debug` form.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a health check",
    label = "a health check returns `()`, `Result<(), E>`, `Message`, or several messages",
    note = "to drop a value: `.map(drop)`; to report one: `dockerflow::Message::warning(\"id\", \"text\")`",
    note = "the `E` of a `Result` is anything that is `Display` and `Debug`, as every error is"
)]
pub trait IntoMessages {
    /// Returns the messages of the check that is named `check`. No message means that all is well.
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
