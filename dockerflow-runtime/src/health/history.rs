//! The last runs of each check, for the page.

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

use super::{level::Level, report::Report};

/// How many runs are kept.
pub(crate) const RUNS: usize = 60;

/// The last runs of one check.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckHistory {
    runs: VecDeque<(Level, Duration)>,
    /// When the level last changed; `None` if it has been the same since the first run.
    pub(crate) changed: Option<SystemTime>,
    /// Whether a run has found the check below [`Level::Error`].
    pub(crate) was_well: bool,
}

impl CheckHistory {
    /// Returns the level and the duration of each run that is kept, the oldest first.
    pub(crate) fn runs(&self) -> impl ExactSizeIterator<Item = (Level, Duration)> {
        self.runs.iter().copied()
    }

    fn add(&mut self, level: Level, duration: Duration) {
        if self.runs.back().is_some_and(|(last, _)| *last != level) {
            self.changed = Some(SystemTime::now());
        }
        if self.runs.len() == RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back((level, duration));
        self.was_well |= level < Level::Error;
    }
}

/// The last runs of all checks, in the order of their names.
#[derive(Debug)]
pub(crate) struct History(Vec<CheckHistory>);

impl History {
    pub(super) fn new(checks: usize) -> Self {
        Self(vec![CheckHistory::default(); checks])
    }

    pub(super) fn add(&mut self, report: &Report) {
        for (history, check) in self.0.iter_mut().zip(report.checks()) {
            history.add(check.level(), check.duration());
        }
    }

    pub(super) fn of(&self, index: usize) -> CheckHistory {
        self.0[index].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sixty_runs_are_kept_and_when_the_level_changed() {
        let mut history = CheckHistory::default();
        for number in 0..100 {
            history.add(Level::Error, Duration::from_millis(number));
        }
        let last = history.runs().last().expect("there are runs");
        assert_eq!((history.runs().len(), last.1.as_millis()), (RUNS, 99));
        assert_eq!((history.changed, history.was_well), (None, false));
        history.add(Level::Ok, Duration::ZERO);
        assert!(history.changed.is_some() && history.was_well);
    }
}
