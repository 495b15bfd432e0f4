//! What a check is and what it can say. Nothing in this file knows actix-web.

use std::{
    borrow::Cow,
    fmt::{self, Debug, Display},
    time::Duration,
};

use futures_util::future::LocalBoxFuture;

/// How bad something is: python-dockerflow's names and numbers.
///
/// A check is as bad as its worst message, a service as bad as its worst check; from [`Level::Error`] on it is unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Level {
    /// 0: nothing to say.
    Ok = 0,
    /// 10: of use to somebody who looks for a fault.
    Debug = 10,
    /// 20: worth knowing.
    Info = 20,
    /// 30: degraded, and still healthy.
    Warning = 30,
    /// 40: unhealthy.
    Error = 40,
    /// 50: unhealthy, and it will not mend itself.
    Critical = 50,
}

impl Level {
    /// The level's name, as it stands in the heartbeat's body: `"ok"`, `"debug"`, `"info"`, `"warning"`, `"error"`, `"critical"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The level's number, from 0 to 50, as it stands in the heartbeat's details.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Something that a check has to say, at a level, under an id by which it can be silenced.
///
/// ```
/// # use dockerflow::Message;
/// let message = Message::warning("queue.long", "4,711 jobs are waiting");
/// assert_eq!(message.id(), "queue.long");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a message counts only where a check returns it"]
pub struct Message {
    pub(crate) level: Level,
    pub(crate) id: Cow<'static, str>,
    pub(crate) text: String,
    /// An error's `Debug` form, which holds its sources where `Display` leaves them out. For the log alone.
    pub(crate) cause: Option<String>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident = $level:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(id: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
            Self { level: Level::$level, id: id.into(), text: text.into(), cause: None }
        }
    )*};
}

impl Message {
    constructors! {
        /// A message at [`Level::Debug`]: the check stays healthy.
        debug = Debug;
        /// A message at [`Level::Info`]: the check stays healthy.
        info = Info;
        /// A message at [`Level::Warning`]: the check is degraded, and healthy.
        warning = Warning;
        /// A message at [`Level::Error`]: the check, and so the service, is unhealthy.
        error = Error;
        /// A message at [`Level::Critical`]: the check, and so the service, is unhealthy.
        critical = Critical;
    }

    /// Keeps an error for the log.
    #[cfg(any(feature = "redis", feature = "sqlx"))]
    pub(crate) fn caused_by(mut self, error: &impl Debug) -> Self {
        self.cause = Some(format!("{error:?}"));
        self
    }

    /// The level.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The id, by which `DOCKERFLOW_SILENCED_CHECKS` silences it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text. It is logged, and in the heartbeat's body only under `DOCKERFLOW_HEARTBEAT_DETAILS`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What a check may return: `()`, a [`Message`] or several, or a [`Result`] of these.
///
/// `Err` is a message at [`Level::Error`] with the id `<check>.failed`. Its text is the error's alternate form (`{:#}`), so that
/// an error that chains shows its causes; the log has its `Debug` form, too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` says nothing about health",
    label = "a health check returns `()`, `Result<(), E>`, `Message`, or several messages",
    note = "to drop a value: `.map(drop)`; to report one: `dockerflow::Message::warning(\"id\", \"text\")`",
    note = "the `E` of a `Result` is anything that is `Display` and `Debug`, as every error is"
)]
pub trait IntoMessages {
    /// What was found, in the check named `check`. Nothing means that all is well.
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

/// Where a check stands in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: &'static str,
    pub(crate) line: u32,
}

impl Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// What is known of a check before it runs.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    /// The worst that this check can be: what it says above that is lowered to it.
    pub(crate) worst: Level,
    /// Its own deadline; else the heartbeat's.
    pub(crate) timeout: Option<Duration>,
}

/// A check with its inputs, ready to go to the health thread. Calling it there starts it.
pub(crate) type Job = Box<dyn FnOnce() -> Work + Send>;

/// A check under way, on the thread that it will stay on.
pub(crate) enum Work {
    /// To be polled on the health thread.
    Async(LocalBoxFuture<'static, Vec<Message>>),
    /// To be called on the blocking pool.
    Blocking(Box<dyn FnOnce() -> Vec<Message> + Send>),
}

#[cfg(test)]
mod tests {
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
    fn messages_inside_ok_are_kept() {
        let outcome: Result<_, String> = Ok([Message::info("a", "1"), Message::critical("b", "2")]);
        let levels: Vec<_> = outcome
            .into_messages("x")
            .iter()
            .map(Message::level)
            .collect();
        assert_eq!(levels, [Level::Info, Level::Critical]);
    }

    #[test]
    fn levels_are_python_dockerflows() {
        let all = [
            Level::Ok,
            Level::Debug,
            Level::Info,
            Level::Warning,
            Level::Error,
            Level::Critical,
        ];
        let pairs: Vec<_> = all
            .iter()
            .map(|level| (level.as_str(), level.number()))
            .collect();
        let expected = [
            ("ok", 0),
            ("debug", 10),
            ("info", 20),
            ("warning", 30),
            ("error", 40),
            ("critical", 50),
        ];
        assert_eq!(pairs, expected);
    }
}
