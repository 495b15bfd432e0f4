//! Sends everything that is measured to statsd, to Prometheus, or to both.

use std::{io, sync::Arc, time::Duration};

use cadence::MetricSink;

#[cfg(feature = "prometheus")]
use super::prometheus::{self, Registry};
use super::{
    answers::{Answer, Answers, Recorded},
    kept,
    names::Ours,
    state::{OURS, State},
    statsd::{Outbox, accept, milliseconds, plain_into, spell_out, with_constant},
};

/// The metrics of a server.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) state: Arc<State>,
    pub(super) statsd: Option<Outbox>,
    #[cfg(feature = "prometheus")]
    pub(super) registry: Option<Arc<Registry>>,
}

impl Recorder {
    /// A recorder without a destination.
    pub(super) fn idle(state: Arc<State>) -> Self {
        Self {
            state,
            statsd: None,
            #[cfg(feature = "prometheus")]
            registry: None,
        }
    }

    /// A request was answered.
    #[inline]
    pub(super) fn request(&self, took: Duration, answer: &Answer<'_>, answers: &mut Answers) {
        let Some(recorded) = answers.of(answer, || self.recorded(answer)) else {
            return;
        };
        let write = |line: &mut Vec<u8>| {
            line.extend_from_slice(&recorded.head);
            milliseconds(line, took);
            line.extend_from_slice(&recorded.tail);
        };
        if let Some(statsd) = &self.statsd {
            statsd.push(write);
        }
        #[cfg(feature = "prometheus")]
        if let Some(registry) = &self.registry {
            registry.request(recorded.series.as_deref(), took);
        }
        if kept::keeping() {
            let mut line = Vec::new();
            write(&mut line);
            self.keep(&String::from_utf8_lossy(&line));
        }
    }

    /// Makes the record of such requests; `None` if they are not counted.
    #[cold]
    fn recorded(&self, answer: &Answer<'_>) -> Option<Recorded> {
        let name = self.state.name(Ours::Request)?;
        let head = format!("{name}:").into_bytes();
        let mut tail = format!("|ms|#method:{},route:", answer.kind.method()).into_bytes();
        plain_into(&mut tail, answer.route);
        tail.extend_from_slice(b",status:");
        tail.extend_from_slice(answer.kind.status().as_bytes());
        tail.extend_from_slice(self.state.tags.as_bytes());
        #[cfg_attr(not(feature = "prometheus"), expect(unused_mut))]
        let mut recorded = Recorded {
            head: head.into(),
            tail: tail.into(),
            #[cfg(feature = "prometheus")]
            series: None,
        };
        #[cfg(feature = "prometheus")]
        if let Some(registry) = &self.registry {
            recorded.series = registry.of_requests(
                &self.state,
                name,
                [
                    ("method", answer.kind.method()),
                    ("route", answer.route),
                    ("status", answer.kind.status()),
                ],
            );
        }
        Some(recorded)
    }

    /// Counts one of our events.
    pub(super) fn count(&self, metric: Ours) {
        if let Some(name) = self.state.name(metric) {
            self.record(&format!("{name}:1|c{}", self.state.lone_tags()), true);
        }
    }

    /// Records how long a health check took in a run.
    pub(super) fn check(&self, check: &str, status: &str, took: Duration) {
        if let Some(name) = self.state.name(Ours::HealthCheck) {
            let mut line = format!("{name}:").into_bytes();
            milliseconds(&mut line, took);
            line.extend_from_slice(b"|ms|#check:");
            plain_into(&mut line, check);
            line.extend_from_slice(b",status:");
            plain_into(&mut line, status);
            line.extend_from_slice(self.state.tags.as_bytes());
            self.record(&String::from_utf8_lossy(&line), true);
        }
    }

    /// Records a line of the app, or warns of it.
    fn accept(&self, line: &str) {
        let name = |line: &str| {
            let end = line.find([':', '|']).unwrap_or(line.len());
            line[..end].to_owned()
        };
        match accept(line).and_then(|clean| with_constant(clean, &self.state.tags)) {
            Ok(clean) if self.state.is_ours(&name(&clean)) => {
                self.state.refused.warn(&name(&clean), "sent", OURS);
            }
            Ok(clean) => self.record(&clean, false),
            Err(why) => self.state.refused.warn(&name(line), "sent", why),
        }
    }

    /// Records a whole line, which must be clean.
    fn record(&self, line: &str, ours: bool) {
        if let Some(statsd) = &self.statsd {
            statsd.push(|into| spell_out(line, into));
        }
        #[cfg(feature = "prometheus")]
        if let Some(registry) = &self.registry {
            registry.line(&self.state, line, ours);
        }
        #[cfg(not(feature = "prometheus"))]
        let _ = ours;
        if kept::keeping() {
            self.keep(line);
        }
    }

    /// Keeps a line for the test of this thread.
    #[cold]
    fn keep(&self, line: &str) {
        kept::keep(self.state.bare(line));
    }

    /// The text for Prometheus, if it is asked for.
    #[cfg(feature = "prometheus")]
    pub(super) fn text(&self) -> Option<String> {
        let lost = self.statsd.as_ref().map(Outbox::dropped);
        Some(prometheus::text(self.registry.as_ref()?, &self.state, lost))
    }

    pub(super) fn flush(&self) {
        if let Some(statsd) = &self.statsd {
            statsd.flush();
        }
    }
}

/// Returns what is sent of a line that an app's client wrote: nothing if it is refused.
#[cfg(fuzzing)]
pub(crate) fn sent(line: &str) -> Vec<u8> {
    let mut sent = Vec::new();
    if let Ok(line) = super::statsd::accept(line) {
        spell_out(&line, &mut sent);
    }
    sent
}

/// The recorder as cadence sees it.
pub(super) struct Sink(pub(super) Arc<Recorder>);

impl MetricSink for Sink {
    fn emit(&self, metric: &str) -> io::Result<usize> {
        self.0.accept(metric);
        Ok(metric.len())
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush();
        Ok(())
    }
}
