//! The metrics of a service, as an app uses them: an extractor that is a statsd client.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    io,
    ops::Deref,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::{Payload, ServiceRequest},
};
use cadence::{MetricSink, StatsdClient};

#[cfg(feature = "prometheus")]
use super::prometheus::Registry;
use super::{
    kept::{self, Nowhere},
    names::{Names, Ours},
    options::MetricsOptions,
    recorder::{Recorder, Sink},
    request::{RequestMetrics, Routes},
    state::State,
    statsd::{Outbox, Pace, Resolve, plain},
};
use crate::health::{HeartbeatObserver, Report};

/// The service's metrics, as an extractor: a [`cadence::StatsdClient`] whose names begin with the service's.
///
/// It never fails a request and never waits: each measurement goes to a queue, which a thread sends to statsd each second, or more
/// often under load, and at exit. With the feature `prometheus`, `/__metrics__` has the same counts. If neither `STATSD_HOST` nor
/// `DOCKERFLOW_METRICS_ENDPOINT` is set, and in an app without `#[service]`, it does nothing.
///
/// ```
/// use actix_web::{HttpResponse, Responder, post};
/// use dockerflow::{Metrics, metrics::cadence::prelude::*};
///
/// #[post("/orders")]
/// async fn order(metrics: Metrics) -> impl Responder {
///     metrics.incr_with_tags("orders").with_tag("kind", "book").send();
///     HttpResponse::Created()
/// }
/// ```
#[derive(Clone)]
pub struct Metrics {
    client: Arc<StatsdClient>,
    recorder: Option<Arc<Recorder>>,
}

impl Metrics {
    /// Returns metrics whose lines go to `sink`, with names that begin with `prefix`: for a test, or for a client that an app
    /// has already.
    ///
    /// ```
    /// use dockerflow::{Metrics, metrics::cadence::{SpyMetricSink, prelude::*}};
    ///
    /// let (lines, sink) = SpyMetricSink::new();
    /// let metrics = Metrics::from_sink("shop", sink);
    /// metrics.incr("orders")?;
    /// assert_eq!(lines.recv()?, b"shop.orders:1|c");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_sink(
        prefix: &str,
        sink: impl MetricSink + Sync + Send + UnwindSafe + RefUnwindSafe + 'static,
    ) -> Self {
        Self::from(Arc::new(StatsdClient::from_sink(prefix, sink)))
    }

    /// Starts the metrics of a server whose program has this name. If the options name no destination, they do nothing.
    pub(crate) fn start(options: &MetricsOptions, program: &str) -> io::Result<Self> {
        let address = options.statsd.clone();
        let destination = address.map(|address| -> (String, Arc<Resolve>) {
            (address.to_string(), Arc::new(move || address.resolve()))
        });
        #[cfg(feature = "prometheus")]
        let registry = options
            .endpoint
            .then(|| Arc::new(Registry::new(&options.buckets)));
        #[cfg(not(feature = "prometheus"))]
        if options.endpoint {
            log::warn!(
                target: "dockerflow.metrics",
                "DOCKERFLOW_METRICS_ENDPOINT is set, and this program is built without the feature prometheus of dockerflow"
            );
        }
        Self::with(
            options,
            program,
            destination,
            Pace::default(),
            #[cfg(feature = "prometheus")]
            registry,
        )
    }

    /// Metrics of a server that a test resolves.
    #[cfg(test)]
    pub(super) fn for_test(
        options: &MetricsOptions,
        program: &str,
        resolve: Arc<Resolve>,
        pace: Pace,
    ) -> io::Result<Self> {
        let destination = Some(("host".to_owned(), resolve));
        Self::with(
            options,
            program,
            destination,
            pace,
            #[cfg(feature = "prometheus")]
            None,
        )
    }

    fn with(
        options: &MetricsOptions,
        program: &str,
        destination: Option<(String, Arc<Resolve>)>,
        pace: Pace,
        #[cfg(feature = "prometheus")] registry: Option<Arc<Registry>>,
    ) -> io::Result<Self> {
        #[cfg(feature = "prometheus")]
        let unread = registry.is_none();
        #[cfg(not(feature = "prometheus"))]
        let unread = true;
        if destination.is_none() && unread {
            return Ok(Self::default());
        }
        let prefix = options.prefix.clone().unwrap_or_else(|| plain(program));
        let names = Names::new(&prefix, &options.renames);
        let state = Arc::new(State::new(&prefix, &options.tags, names));
        let statsd = destination
            .map(|(name, resolve)| Outbox::start(name, resolve, state.clone(), pace))
            .transpose()?;
        let recorder = Arc::new(Recorder {
            state,
            statsd,
            #[cfg(feature = "prometheus")]
            registry,
        });
        let client = StatsdClient::from_sink(&prefix, Sink(recorder.clone()));
        Ok(Self {
            client: Arc::new(client),
            recorder: Some(recorder),
        })
    }

    /// Returns the statsd client itself, for a library that takes one.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use dockerflow::{Server, metrics::cadence::StatsdClient};
    ///
    /// /// A library's cache, which counts its hits.
    /// struct Cache { statsd: Arc<StatsdClient> }
    ///
    /// fn cache(server: &Server) -> Cache {
    ///     Cache { statsd: server.metrics().client() }
    /// }
    /// ```
    #[must_use]
    pub fn client(&self) -> Arc<StatsdClient> {
        self.client.clone()
    }

    /// Sends all measurements until now. Takes at most half a second, whatever the network does.
    ///
    /// A [`Server`](crate::Server) and a [`Program`](crate::Program) do this when they end. A
    /// program that ends in another way:
    ///
    /// ```no_run
    /// use dockerflow::metrics::cadence::prelude::*;
    ///
    /// let metrics = dockerflow::shared_metrics()?;
    /// metrics.count("imported", 4711)?;
    /// metrics.flush();
    /// std::process::exit(3);
    /// # #[allow(unreachable_code)] Ok::<(), dockerflow::Error>(())
    /// ```
    pub fn flush(&self) {
        match &self.recorder {
            Some(recorder) => recorder.flush(),
            // The sink belongs to the app.
            None => drop(StatsdClient::flush(&self.client)),
        }
    }

    /// Returns the recorder. Without a destination, it is that of the test that runs on this thread.
    #[inline]
    pub(super) fn recorder(&self) -> Option<Arc<Recorder>> {
        let of_test = || Some(Arc::new(Recorder::idle(kept::state()?)));
        self.recorder.clone().or_else(of_test)
    }

    /// Returns the body of `/__metrics__`, if that is switched on.
    #[cfg_attr(
        not(feature = "prometheus"),
        expect(clippy::unused_self, reason = "there is no registry")
    )]
    pub(crate) fn scrape(&self) -> Option<String> {
        #[cfg(feature = "prometheus")]
        return self.recorder.as_ref()?.text();
        #[cfg(not(feature = "prometheus"))]
        None
    }

    /// Adds this thread to the workers.
    #[cfg_attr(
        not(feature = "prometheus"),
        expect(clippy::unused_self, reason = "there is no registry")
    )]
    pub(crate) fn add_worker(&self) {
        #[cfg(feature = "prometheus")]
        if let Some(recorder) = &self.recorder
            && let Some(registry) = &recorder.registry
        {
            registry.add_worker();
        }
    }

    /// Sets the version and the commit of the program.
    #[cfg_attr(
        not(feature = "prometheus"),
        expect(clippy::unused_self, reason = "there is no registry")
    )]
    pub(crate) fn set_build(&self, version: &str, commit: &str) {
        #[cfg(feature = "prometheus")]
        if let Some(recorder) = &self.recorder
            && let Some(registry) = &recorder.registry
        {
            registry.set_build(version, commit);
        }
        #[cfg(not(feature = "prometheus"))]
        let _ = (version, commit);
    }

    /// Begins to measure a request.
    #[inline]
    pub(crate) fn request(
        &self,
        request: &ServiceRequest,
        routes: &Routes,
    ) -> Option<RequestMetrics> {
        let recorder = self.recorder()?;
        Some(RequestMetrics::begin(recorder, request, routes))
    }

    /// Returns an observer that counts passes and failures of the heartbeat and times its checks.
    pub(crate) fn heartbeat_observer(&self) -> Option<HeartbeatObserver> {
        self.recorder.as_ref()?;
        let metrics = self.clone();
        Some(HeartbeatObserver::new(move |report| {
            metrics.heartbeat(report);
        }))
    }

    fn heartbeat(&self, report: &Report) {
        let Some(recorder) = &self.recorder else {
            return;
        };
        let run = if report.passed() {
            Ours::HeartbeatPass
        } else {
            Ours::HeartbeatFail
        };
        recorder.count(run);
        for check in report.checks() {
            recorder.check(check.name(), check.level().as_str(), check.duration());
        }
    }
}

/// Metrics that do nothing, but for a test that has [`Telemetry`](crate::testing::Telemetry).
impl Default for Metrics {
    fn default() -> Self {
        Self::from_sink("", Nowhere)
    }
}

/// An app's own client, as an extractor.
impl From<Arc<StatsdClient>> for Metrics {
    fn from(client: Arc<StatsdClient>) -> Self {
        Self {
            client,
            recorder: None,
        }
    }
}

impl Deref for Metrics {
    type Target = StatsdClient;

    fn deref(&self) -> &StatsdClient {
        &self.client
    }
}

impl FromRequest for Metrics {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.app_data().cloned().unwrap_or_default()))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Metrics")
            .field("recorder", &self.recorder)
            .finish_non_exhaustive()
    }
}
