//! Warnings about metrics that are not sent, each logged once.

use std::{fmt::Write as _, sync::Mutex};

use crate::lock::lock;

/// The warnings that were logged.
#[derive(Debug, Default)]
pub(super) struct Refused(Mutex<Vec<String>>);

impl Refused {
    /// The most warnings that are logged, because names may come from clients.
    const MOST: usize = 100;
    /// The letters of a name that are shown.
    const SHOWN: usize = 80;

    /// Warns that the metric `name` is missing in `place`, unless this was said before.
    pub(super) fn warn(&self, name: &str, place: &str, why: &str) {
        let mut shown: String = name.chars().take(Self::SHOWN).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        let mut text = String::new();
        // A string takes all text.
        let _ = write!(text, "the metric {shown:?} is not {place}: {why}");
        let mut logged = lock(&self.0);
        if logged.len() < Self::MOST && !logged.contains(&text) {
            logged.push(text.clone());
            drop(logged);
            log::warn!(target: "dockerflow.metrics", "{text}");
        }
    }
}
