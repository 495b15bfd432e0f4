//! Where everything that is measured goes: to statsd, to Prometheus, or to both.

use std::{io, sync::Arc, time::Duration};

use cadence::MetricSink;

#[cfg(feature = "prometheus")]
use super::prometheus::{self, Registry};
use super::{
    names::Ours,
    state::State,
    statsd::{Outbox, clean, milliseconds, plain_into},
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
    /// A request was answered. `route` is `None` if none matched.
    pub(super) fn request(
        &self,
        took: Duration,
        method: &'static str,
        route: Option<&str>,
        status: &'static str,
    ) {
        let Some(name) = self.state.name(Ours::Request) else {
            return;
        };
        let route = route.unwrap_or("unmatched");
        if let Some(statsd) = &self.statsd {
            statsd.push(|line| {
                line.extend_from_slice(name.as_bytes());
                line.push(b':');
                milliseconds(line, took);
                line.extend_from_slice(b"|ms|#method:");
                line.extend_from_slice(method.as_bytes());
                line.extend_from_slice(b",route:");
                plain_into(line, route);
                line.extend_from_slice(b",status:");
                line.extend_from_slice(status.as_bytes());
                line.extend_from_slice(self.state.tags.as_bytes());
            });
        }
        #[cfg(feature = "prometheus")]
        if let Some(registry) = &self.registry {
            registry.request(&self.state, took, method, route, status);
        }
    }

    /// Counts one of our events.
    pub(super) fn count(&self, metric: Ours) {
        if let Some(name) = self.state.name(metric) {
            self.emit(&format!("{name}:1|c{}", self.state.lone_tags()));
        }
    }

    /// A health check took so long in a run.
    pub(super) fn check(&self, check: &str, status: &str, took: Duration) {
        if let Some(name) = self.state.name(Ours::HealthCheck) {
            let mut line = format!("{name}:").into_bytes();
            milliseconds(&mut line, took);
            line.extend_from_slice(b"|ms|#check:");
            plain_into(&mut line, check);
            line.extend_from_slice(b",status:");
            plain_into(&mut line, status);
            line.extend_from_slice(self.state.tags.as_bytes());
            self.emit(&String::from_utf8_lossy(&line));
        }
    }

    /// Records a whole line, which is clean.
    fn emit(&self, line: &str) {
        if let Some(statsd) = &self.statsd {
            statsd.push(|into| into.extend_from_slice(line.as_bytes()));
        }
        #[cfg(feature = "prometheus")]
        if let Some(registry) = &self.registry {
            registry.line(&self.state, line);
        }
    }

    /// The text for Prometheus, if it is asked for.
    #[cfg(feature = "prometheus")]
    pub(super) fn text(&self) -> Option<String> {
        Some(prometheus::text(self.registry.as_ref()?, &self.state))
    }

    pub(super) fn flush(&self) {
        if let Some(statsd) = &self.statsd {
            statsd.flush();
        }
    }
}

/// The recorder as cadence sees it.
pub(super) struct Sink(pub(super) Arc<Recorder>);

impl MetricSink for Sink {
    fn emit(&self, metric: &str) -> io::Result<usize> {
        self.0.emit(&clean(metric));
        Ok(metric.len())
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush();
        Ok(())
    }
}
