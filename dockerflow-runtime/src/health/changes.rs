//! What of a run is worth a line in the log? What has changed; not every probe.

use std::{
    collections::BTreeSet,
    mem,
    time::{Duration, Instant},
};

use super::{
    check::{Level, Message},
    flight::{LOG, milliseconds},
    report::{CheckReport, Report},
};

/// How long the same trouble is left alone although its text differs.
const QUIET: Duration = Duration::from_secs(60);

/// What the log says of each check until now.
pub(super) struct Changes(Vec<Known>);

struct Known {
    ids: BTreeSet<(Level, String)>,
    texts: Vec<String>,
    /// Since when the check has said something.
    since: Instant,
    logged: Instant,
}

impl Changes {
    pub(super) fn new(checks: usize) -> Self {
        let now = Instant::now();
        let quiet = || Known {
            ids: BTreeSet::new(),
            texts: Vec::new(),
            since: now,
            logged: now,
        };
        Self((0..checks).map(|_| quiet()).collect())
    }

    pub(super) fn log(&mut self, report: &Report) {
        for (known, finding) in self.0.iter_mut().zip(report.checks()) {
            match known.update(finding) {
                News::None => {}
                News::Trouble => write_all(finding),
                News::Recovery(lasted) => log::info!(
                    target: LOG, check = finding.name(), duration_ms = milliseconds(lasted);
                    "the check {:?} is well again, after {lasted:.1?}", finding.name()
                ),
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum News {
    None,
    Trouble,
    /// After so long.
    Recovery(Duration),
}

impl Known {
    fn update(&mut self, finding: &CheckReport) -> News {
        let ids: BTreeSet<_> = finding.said().map(|(message, _)| state(message)).collect();
        let texts = || finding.said().map(|(message, _)| message.text());
        let changed = ids != self.ids;
        if !changed && (self.logged.elapsed() < QUIET || texts().eq(self.texts.iter())) {
            return News::None;
        }
        let before = mem::replace(&mut self.ids, ids);
        self.texts = texts().map(Into::into).collect();
        self.logged = Instant::now();
        if self.ids.is_empty() {
            return News::Recovery(self.since.elapsed());
        }
        if before.is_empty() {
            self.since = Instant::now();
        }
        News::Trouble
    }
}

fn write_all(finding: &CheckReport) {
    for (message, silenced) in finding.said() {
        write(finding, message, silenced);
    }
    if finding.omitted() > 0 {
        log::warn!(
            target: LOG, check = finding.name();
            "the check {:?} said {} more", finding.name(), finding.omitted()
        );
    }
}

/// A check that hangs times out in one run and is still running in the next: that is one trouble.
fn state(message: &Message) -> (Level, String) {
    let id = match message.id.strip_suffix(".running") {
        Some(check) => format!("{check}.timeout"),
        None => message.id.to_string(),
    };
    (message.level, id)
}

fn write(finding: &CheckReport, message: &Message, silenced: bool) {
    let level = match message.level {
        Level::Critical | Level::Error => log::Level::Error,
        Level::Warning => log::Level::Warn,
        Level::Info => log::Level::Info,
        Level::Debug | Level::Ok => log::Level::Debug,
    };
    let (check, id, text) = (finding.name(), message.id(), message.text());
    let duration_ms = milliseconds(finding.duration());
    match &message.cause {
        Some(cause) => log::log!(
            target: LOG, level, check, id, silenced, duration_ms, cause = cause.as_str(); "{id}: {text}"
        ),
        None => log::log!(target: LOG, level, check, id, silenced, duration_ms; "{id}: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::check::{Check, Place};

    fn finding(said: &[(&'static str, &str)]) -> CheckReport {
        let place = Place {
            file: file!(),
            line: line!(),
        };
        let check = Check {
            name: "one",
            place,
            worst: Level::Critical,
            timeout: None,
        };
        let said = said.iter().map(|(id, text)| Message::error(*id, *text));
        CheckReport::new(&check, Duration::ZERO, said.collect(), &[])
    }

    fn ago(time: Duration) -> Instant {
        let then = Instant::now().checked_sub(time);
        then.expect("the machine has been up for longer")
    }

    fn known() -> Known {
        let mut changes = Changes::new(1);
        changes.0.remove(0)
    }

    #[test]
    fn trouble_is_news_once_and_so_is_its_end() {
        let mut known = known();
        assert_eq!(known.update(&finding(&[])), News::None);
        assert_eq!(known.update(&finding(&[("one.failed", "")])), News::Trouble);
        assert_eq!(known.update(&finding(&[("one.failed", "")])), News::None);
        known.since = ago(Duration::from_secs(5));
        let News::Recovery(lasted) = known.update(&finding(&[])) else {
            panic!("it is well again");
        };
        assert!(lasted >= Duration::from_secs(5));
        assert_eq!(known.update(&finding(&[])), News::None);
    }

    #[test]
    fn a_check_that_hangs_is_one_trouble_whichever_way_it_shows() {
        let mut known = known();
        assert_eq!(
            known.update(&finding(&[("one.timeout", "")])),
            News::Trouble
        );
        assert_eq!(known.update(&finding(&[("one.running", "")])), News::None);
        assert_eq!(known.update(&finding(&[("one.timeout", "")])), News::None);
        assert_eq!(known.update(&finding(&[("one.failed", "")])), News::Trouble);
    }

    #[test]
    fn another_text_is_news_once_a_minute() {
        let mut known = known();
        assert_eq!(
            known.update(&finding(&[("one.failed", "refused")])),
            News::Trouble
        );
        assert_eq!(
            known.update(&finding(&[("one.failed", "password")])),
            News::None
        );
        known.logged = ago(QUIET);
        assert_eq!(
            known.update(&finding(&[("one.failed", "refused")])),
            News::None
        );
        assert_eq!(
            known.update(&finding(&[("one.failed", "password")])),
            News::Trouble
        );
    }
}
