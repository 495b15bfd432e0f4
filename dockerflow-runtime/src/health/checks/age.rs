//! Is something too old? A file, or the last success of a task.

use std::{
    fs,
    path::Path,
    sync::Mutex,
    time::{Duration, Instant, SystemTime},
};

use crate::{health::message::Message, lock::lock};

/// Reports an error if `path` was modified longer ago than `limit`, or cannot be read: for a
/// backup, an export, or a file that another process renews. The data have `age_seconds`. For a
/// check that is a plain `fn`.
///
/// ```
/// use std::time::Duration;
/// use dockerflow::{Message, health::checks, health_check};
///
/// #[health_check(level = warning)]
/// fn backup() -> Message {
///     checks::age::file("/var/backups/shop.dump", Duration::from_secs(26 * 3600))
/// }
/// ```
pub fn file(path: impl AsRef<Path>, limit: Duration) -> Message {
    let path = path.as_ref();
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    match modified {
        Ok(modified) => {
            // A file with a time in the future is new.
            let age = SystemTime::now()
                .duration_since(modified)
                .unwrap_or_default();
            older(&format!("{} was last modified", path.display()), age, limit)
        }
        Err(error) => {
            let text = format!("cannot find out how old {} is: {error}", path.display());
            Message::error("dockerflow.health.age", text).caused_by(&error)
        }
    }
}

/// When a task last succeeded: a static that the task and its check share.
///
/// ```
/// use std::time::Duration;
/// use dockerflow::{Message, health::checks::age::LastSuccess, health_check};
///
/// static IMPORT: LastSuccess = LastSuccess::never();
///
/// async fn import() {
///     // …
///     IMPORT.now();
/// }
///
/// #[health_check]
/// async fn import_is_recent() -> Message {
///     IMPORT.within(Duration::from_secs(600))
/// }
/// # drop(import());
/// ```
#[derive(Debug)]
pub struct LastSuccess(Mutex<Option<Instant>>);

impl LastSuccess {
    /// Returns the record of a task that has not succeeded yet.
    #[must_use]
    pub const fn never() -> Self {
        Self(Mutex::new(None))
    }

    /// Notes that the task has succeeded.
    pub fn now(&self) {
        *lock(&self.0) = Some(Instant::now());
    }

    /// Reports an error if the task succeeded longer ago than `limit`, with `age_seconds` as data.
    /// If it has never succeeded, that is a warning, because the process may just have started.
    pub fn within(&self, limit: Duration) -> Message {
        let last = *lock(&self.0);
        match last {
            Some(last) => older("the last success was", last.elapsed(), limit),
            None => Message::warning("dockerflow.health.age", "no success since the start"),
        }
    }
}

fn older(what: &str, age: Duration, limit: Duration) -> Message {
    let seconds = age.as_secs();
    let message = if age > limit {
        let text = format!("{what} {seconds} s ago, the limit is {} s", limit.as_secs());
        Message::error("dockerflow.health.age", text)
    } else {
        Message::ok()
    };
    message.with("age_seconds", seconds)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::health::level::Level;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_file_is_too_old_new_enough_or_missing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("backup");
        assert_eq!(file(&path, HOUR).level(), Level::Error);
        let written = File::create(&path).expect("a file");
        assert_eq!(file(&path, HOUR).level(), Level::Ok);
        let old = SystemTime::now() - HOUR * 2;
        written.set_modified(old).expect("its owner may");
        let message = file(&path, HOUR);
        assert_eq!(message.level(), Level::Error);
        assert!(
            message
                .text()
                .ends_with("was last modified 7200 s ago, the limit is 3600 s"),
            "{message:?}"
        );
        written
            .set_modified(SystemTime::now() + HOUR)
            .expect("its owner may");
        assert_eq!(file(&path, HOUR).level(), Level::Ok);
    }

    #[test]
    fn a_task_has_never_succeeded_recently_or_too_long_ago() {
        let last = LastSuccess::never();
        assert_eq!(last.within(HOUR).level(), Level::Warning);
        last.now();
        assert_eq!(last.within(HOUR).level(), Level::Ok);
        *lock(&last.0) = Instant::now().checked_sub(HOUR * 2);
        assert_eq!(last.within(HOUR).level(), Level::Error);
    }
}
