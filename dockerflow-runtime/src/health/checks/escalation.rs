//! A warning that lasts becomes an error.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::{
    health::{level::Level, message::Message},
    lock::lock,
};

/// Turns a warning into an error once it has lasted for a while: a pool that is used up for a moment is busy, one that is used up
/// for minutes is broken.
///
/// ```
/// # #[cfg(feature = "sqlx-0_9")] {
/// use std::time::Duration;
/// use actix_web::web;
/// use dockerflow::{Message, health::checks::{self, Escalation}, health_check};
///
/// #[health_check]
/// async fn database(pool: web::Data<sqlx::PgPool>) -> Option<Message> {
///     static BUSY: Escalation = Escalation::after(Duration::from_secs(120));
///     BUSY.apply(checks::sqlx::usable(&pool).await)
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Escalation {
    after: Duration,
    /// Since when there has been a warning, or something worse.
    since: Mutex<Option<Instant>>,
}

impl Escalation {
    /// Makes an error of each warning that lasts for `after` or longer.
    #[must_use]
    pub const fn after(after: Duration) -> Self {
        Self {
            after,
            since: Mutex::new(None),
        }
    }

    /// Returns the message of a run: as an error if it is a warning and every run for that long has
    /// had a warning or worse.
    pub fn apply(&self, message: impl Into<Option<Message>>) -> Option<Message> {
        let mut message = message.into();
        let mut since = lock(&self.since);
        match &mut message {
            Some(message) if message.level >= Level::Warning => {
                let lasted = since.get_or_insert_with(Instant::now).elapsed();
                if message.level == Level::Warning && lasted >= self.after {
                    message.level = Level::Error;
                    message.text = format!("{}, for {lasted:.0?}", message.text);
                }
            }
            _ => *since = None,
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_that_lasts_becomes_an_error_and_one_that_ends_begins_anew() {
        let escalation = Escalation::after(Duration::from_secs(60));
        let busy = || Message::warning("pool", "busy");
        let level = |message| {
            escalation
                .apply(message)
                .map(|message: Message| message.level())
        };
        assert_eq!(level(Some(busy())), Some(Level::Warning));
        let long_ago = Instant::now().checked_sub(Duration::from_secs(61));
        *lock(&escalation.since) = long_ago;
        assert_eq!(level(Some(busy())), Some(Level::Error));
        assert_eq!(
            level(Some(Message::info("pool", "free"))),
            Some(Level::Info)
        );
        assert_eq!(level(Some(busy())), Some(Level::Warning));
        *lock(&escalation.since) = long_ago;
        assert_eq!(level(None), None);
        assert_eq!(level(Some(busy())), Some(Level::Warning));
    }
}
