//! Which lines does a report add to the log? One for each state that has changed, none for each probe.

use std::{
    collections::BTreeSet,
    mem,
    time::{Duration, Instant},
};

use super::{
    faults::state_id,
    level::Level,
    message::Message,
    records::{TARGET, milliseconds},
    report::{CheckReport, Report},
};

/// How long a state is not logged again if only its texts change.
const QUIET: Duration = Duration::from_secs(60);

/// What has been logged about each check so far.
pub(super) struct Changes(Vec<Logged>);

struct Logged {
    /// The check's deadline.
    limit: Duration,
    ids: BTreeSet<(Level, String)>,
    texts: Vec<String>,
    /// Since when the check has reported something.
    since: Instant,
    at: Instant,
    /// Whether a run has found the check below [`Level::Error`].
    was_well: bool,
    /// Whether it has been logged that the check is close to its deadline.
    slow: bool,
}

impl Changes {
    /// Takes the deadline of each check.
    pub(super) fn new(limits: impl Iterator<Item = Duration>) -> Self {
        let now = Instant::now();
        let logged = |limit| Logged {
            limit,
            ids: BTreeSet::new(),
            texts: Vec::new(),
            since: now,
            at: now,
            was_well: false,
            slow: false,
        };
        Self(limits.map(logged).collect())
    }

    pub(super) fn log(&mut self, report: &Report) {
        for (logged, check) in self.0.iter_mut().zip(report.checks()) {
            match logged.update(check) {
                News::None => {}
                News::State => logged.write(check),
                News::Recovery(lasted) => log::info!(
                    target: TARGET, check = check.name(), duration_ms = milliseconds(lasted);
                    "the check {:?} recovered after {lasted:.1?}", check.name()
                ),
            }
            if logged.is_newly_slow(check) {
                let (took, limit) = (check.duration(), logged.limit);
                log::warn!(
                    target: TARGET, check = check.name(), duration_ms = milliseconds(took);
                    "the check {:?} took {took:.0?}, its deadline is {limit:?}: if it gets slower, it fails", check.name()
                );
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum News {
    None,
    /// The check reports something else than before.
    State,
    /// The check has recovered after this time.
    Recovery(Duration),
}

impl Logged {
    fn update(&mut self, check: &CheckReport) -> News {
        let messages = || check.with_silenced().map(|(message, _)| message);
        // Well, as before: the case of almost every check.
        if self.ids.is_empty() && messages().next().is_none() {
            self.was_well = true;
            return News::None;
        }
        let ids: BTreeSet<_> = messages().map(|one| (one.level, state_id(one))).collect();
        let texts = || messages().map(Message::text);
        let changed = ids != self.ids;
        if !changed && (self.at.elapsed() < QUIET || texts().eq(self.texts.iter())) {
            self.was_well |= check.level() < Level::Error;
            return News::None;
        }
        let before = mem::replace(&mut self.ids, ids);
        self.texts = texts().map(Into::into).collect();
        self.at = Instant::now();
        self.was_well |= check.level() < Level::Error;
        if self.ids.is_empty() {
            return News::Recovery(self.since.elapsed());
        }
        if before.is_empty() {
            self.since = Instant::now();
        }
        News::State
    }

    /// Returns whether a check has just become slow: it took 80 % of its deadline or more. It counts as fast again below 60 %, so that a
    /// check close to the bound is not logged again and again.
    fn is_newly_slow(&mut self, check: &CheckReport) -> bool {
        let took = check.duration();
        if took < self.limit * 3 / 5 {
            self.slow = false;
        }
        let slow = took >= self.limit * 4 / 5 && took <= self.limit && check.level() < Level::Error;
        slow && !mem::replace(&mut self.slow, true)
    }

    fn write(&self, check: &CheckReport) {
        for (message, silenced) in check.with_silenced() {
            write(check, message, silenced, !self.was_well);
        }
        if check.omitted() > 0 {
            log::warn!(
                target: TARGET, check = check.name();
                "the check {:?} reported {} more messages", check.name(), check.omitted()
            );
        }
    }
}

/// `since_start`: whether the check has never been well.
fn write(check: &CheckReport, message: &Message, silenced: bool, since_start: bool) {
    let level = match message.level {
        Level::Critical | Level::Error => log::Level::Error,
        Level::Warning => log::Level::Warn,
        Level::Info => log::Level::Info,
        Level::Debug | Level::Ok => log::Level::Debug,
    };
    let (id, text) = (message.id(), message.text());
    let duration_ms = milliseconds(check.duration());
    let check = check.name();
    match &message.cause {
        Some(cause) => log::log!(
            target: TARGET, level, check, id, silenced, since_start, duration_ms, cause = cause.as_str(); "{id}: {text}"
        ),
        None => {
            log::log!(target: TARGET, level, check, id, silenced, since_start, duration_ms; "{id}: {text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(800);

    fn check(messages: &[(&'static str, &str)]) -> CheckReport {
        took(Duration::ZERO, messages)
    }

    fn took(duration: Duration, messages: &[(&'static str, &str)]) -> CheckReport {
        let messages = messages.iter().map(|(id, text)| Message::error(*id, *text));
        CheckReport::new("one", duration, messages.collect::<Vec<_>>())
    }

    fn ago(time: Duration) -> Instant {
        let then = Instant::now().checked_sub(time);
        then.expect("the machine has been up for longer")
    }

    fn logged() -> Logged {
        let mut changes = Changes::new([LIMIT].into_iter());
        changes.0.remove(0)
    }

    #[test]
    fn a_fault_is_news_once_and_so_is_its_end() {
        let mut logged = logged();
        assert_eq!(logged.update(&check(&[])), News::None);
        assert_eq!(logged.update(&check(&[("one.failed", "")])), News::State);
        assert_eq!(logged.update(&check(&[("one.failed", "")])), News::None);
        logged.since = ago(Duration::from_secs(5));
        let News::Recovery(lasted) = logged.update(&check(&[])) else {
            panic!("it recovered");
        };
        assert!(lasted >= Duration::from_secs(5));
        assert_eq!(logged.update(&check(&[])), News::None);
    }

    #[test]
    fn a_check_that_hangs_is_one_state_whether_it_timed_out_or_still_runs() {
        let mut logged = logged();
        assert_eq!(logged.update(&check(&[("one.timeout", "")])), News::State);
        assert_eq!(logged.update(&check(&[("one.running", "")])), News::None);
        assert_eq!(logged.update(&check(&[("one.timeout", "")])), News::None);
        assert_eq!(logged.update(&check(&[("one.failed", "")])), News::State);
    }

    #[test]
    fn another_text_is_news_once_a_minute() {
        let mut logged = logged();
        assert_eq!(
            logged.update(&check(&[("one.failed", "refused")])),
            News::State
        );
        assert_eq!(
            logged.update(&check(&[("one.failed", "password")])),
            News::None
        );
        logged.at = ago(QUIET);
        assert_eq!(
            logged.update(&check(&[("one.failed", "refused")])),
            News::None
        );
        assert_eq!(
            logged.update(&check(&[("one.failed", "password")])),
            News::State
        );
    }

    #[test]
    fn a_check_that_has_never_been_well_is_known_as_such() {
        let mut logged = logged();
        logged.update(&check(&[("one.failed", "")]));
        assert!(!logged.was_well);
        logged.update(&check(&[]));
        logged.update(&check(&[("one.failed", "")]));
        assert!(logged.was_well);
    }

    #[test]
    fn a_check_close_to_its_deadline_is_news_once_until_it_is_fast_again() {
        let mut logged = logged();
        let mut newly_slow =
            |milliseconds| logged.is_newly_slow(&took(Duration::from_millis(milliseconds), &[]));
        assert!(!newly_slow(639));
        assert!(newly_slow(790));
        assert!(!newly_slow(790));
        assert!(!newly_slow(600));
        assert!(!newly_slow(700));
        assert!(!newly_slow(10));
        assert!(newly_slow(640));
    }
}
