//! Every series that was measured, found without a lock by those who measured it before.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread::{self, ThreadId},
    time::Duration,
};

use tokio::runtime::Handle;

use super::{
    exposed::{self, Labels},
    value::{Kind, Value},
};
use crate::{
    lock::lock,
    metrics::{names::Ours, state::State, statsd::Parts},
};

const LOG: &str = "dockerflow.metrics";

/// The series of a process.
#[derive(Debug)]
pub(crate) struct Registry {
    number: usize,
    /// Replaced as a whole when a series is new, so that a scrape holds the lock only to copy a reference.
    families: Mutex<Arc<Families>>,
    seconds: Arc<[f64]>,
    numbers: Arc<[f64]>,
    /// What was measured for series that found no room.
    pub(super) overflow: AtomicU64,
    /// What has been warned of.
    warned: Mutex<Vec<String>>,
    /// `version` and `commit` of what runs.
    build: Mutex<Option<(String, String)>>,
    workers: Mutex<Vec<(ThreadId, Handle)>>,
}

pub(super) type Families = BTreeMap<String, Arc<Family>>;

/// All series of one name.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub(super) kind: Kind,
    pub(super) help: String,
    pub(super) series: Vec<(Arc<Labels>, Arc<Value>)>,
}

/// The series that this thread has measured.
#[derive(Default)]
struct Known {
    registry: usize,
    /// By the line without its value.
    lines: HashMap<String, Arc<Value>>,
    /// By route, each with its method and status.
    requests: HashMap<String, Vec<Answered>>,
}

/// A method, a class of status, and the series of the two.
type Answered = (&'static str, &'static str, Arc<Value>);

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

impl Registry {
    /// How many series there may be.
    const SERIES: usize = 5_000;

    pub(crate) fn new(buckets: &[f64]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let decades = (0..7).flat_map(|power| [1.0, 2.0, 5.0].map(|one| one * 10_f64.powi(power)));
        Self {
            number: NEXT.fetch_add(1, Relaxed),
            families: Mutex::default(),
            seconds: buckets.into(),
            numbers: decades.collect(),
            overflow: AtomicU64::new(0),
            warned: Mutex::default(),
            build: Mutex::default(),
            workers: Mutex::default(),
        }
    }

    /// Says what runs.
    pub(crate) fn set_build(&self, version: &str, commit: &str) {
        *lock(&self.build) = Some((version.to_owned(), commit.to_owned()));
    }

    pub(super) fn build(&self) -> Option<(String, String)> {
        lock(&self.build).clone()
    }

    /// This thread is a worker from now on.
    pub(crate) fn add_worker(&self) {
        if let Ok(handle) = Handle::try_current() {
            let thread = thread::current().id();
            let mut workers = lock(&self.workers);
            workers.retain(|(known, _)| *known != thread);
            workers.push((thread, handle));
        }
    }

    /// How many tasks are alive on each worker.
    pub(super) fn workers(&self) -> Vec<u64> {
        let workers = lock(&self.workers);
        let handles = workers.iter().map(|(_, handle)| handle);
        handles
            .map(|handle| handle.metrics().num_alive_tasks() as u64)
            .collect()
    }

    pub(super) fn families(&self) -> Arc<Families> {
        lock(&self.families).clone()
    }

    /// A request took so long.
    pub(in crate::metrics) fn request(
        &self,
        state: &State,
        took: Duration,
        method: &'static str,
        route: &str,
        status: &'static str,
    ) {
        self.with_known(|known| {
            let of_route = known.requests.get(route);
            let found = of_route.and_then(|values| {
                let mut values = values.iter();
                values.find(|(one, class, _)| *one == method && *class == status)
            });
            if let Some((_, _, value)) = found {
                return observe(value, took.as_secs_f64(), 1);
            }
            let Some(name) = state.name(Ours::Request) else {
                return;
            };
            let labels = [("method", method), ("route", route), ("status", status)];
            let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
            let labels = state.with_tags(labels.into());
            if let Some(value) = self.series(state, name, Kind::Timer, labels) {
                observe(&value, took.as_secs_f64(), 1);
                let values = known.requests.entry(route.to_owned()).or_default();
                values.push((method, status, value));
            }
        });
    }

    /// A line of statsd was sent.
    pub(in crate::metrics) fn line(&self, state: &State, line: &str) {
        let Some(parts) = Parts::of(line) else { return };
        let kind = match parts.kind {
            "c" => Kind::Counter,
            "g" => Kind::Gauge,
            "ms" => Kind::Timer,
            "h" | "d" => Kind::Histogram,
            _ => {
                let why = "sets and meters have no counterpart in Prometheus";
                return self.warn(parts.name, why);
            }
        };
        let key = [parts.name, parts.kind, parts.tags].join("|");
        self.with_known(|known| {
            if let Some(value) = known.lines.get(&key) {
                return self.record(value, &parts);
            }
            let labels = exposed::labels(parts.tags);
            if let Some(value) = self.series(state, parts.name, kind, labels) {
                self.record(&value, &parts);
                known.lines.insert(key, value);
            }
        });
    }

    fn record(&self, value: &Value, parts: &Parts<'_>) {
        let rate = parts.rate.and_then(|rate| rate.parse::<f64>().ok());
        let times = rate.filter(|rate| *rate > 0.0 && *rate <= 1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the rate is from above 0 to 1"
        )]
        let times = times.map_or(1, |rate| (1.0 / rate).round() as u64);
        for text in parts.values.split(':') {
            let Ok(number) = text.parse::<f64>() else {
                continue;
            };
            match value {
                Value::Counter(count) if number >= 0.0 => {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "it is not negative"
                    )]
                    count.fetch_add(number as u64 * times, Relaxed);
                }
                Value::Counter(_) => self.warn(parts.name, "a counter of Prometheus cannot fall"),
                // A sign makes it a difference, as in statsd.
                Value::Gauge(gauge) if text.starts_with(['+', '-']) => gauge.add(number),
                Value::Gauge(gauge) => gauge.set(number),
                Value::Histogram(histogram) => {
                    let number = if parts.kind == "ms" {
                        number / 1000.0
                    } else {
                        number
                    };
                    histogram.observe(number, times);
                }
            }
        }
    }

    fn with_known(&self, work: impl FnOnce(&mut Known)) {
        // A thread that ends has no thread-local any more.
        let _ = KNOWN.try_with(|known| {
            // A function of the app that is asked for gauges could measure, too.
            let Ok(mut known) = known.try_borrow_mut() else {
                return;
            };
            if known.registry != self.number || known.lines.len() > Self::SERIES {
                *known = Known {
                    registry: self.number,
                    ..Known::default()
                };
            }
            work(&mut known);
        });
    }

    /// The series of this name and these labels, which is made if it is new and there is room.
    fn series(&self, state: &State, name: &str, kind: Kind, labels: Labels) -> Option<Arc<Value>> {
        let own = exposed::name(name, kind);
        let mut families = lock(&self.families);
        let family = families.get(&own);
        if let Some(family) = family {
            if family.kind != kind {
                drop(families);
                let why = "another metric has this name and another type";
                self.warn(name, why);
                return None;
            }
            let mut series = family.series.iter();
            if let Some((_, value)) = series.find(|(known, _)| **known == labels) {
                return Some(value.clone());
            }
        }
        let count: usize = families.values().map(|family| family.series.len()).sum();
        if count >= Self::SERIES {
            drop(families);
            self.overflow.fetch_add(1, Relaxed);
            self.warn(
                "dockerflow",
                "there are too many series: what is measured for new ones is only counted, as dockerflow_metrics_overflow_total",
            );
            return None;
        }
        let mut family = family.map_or_else(
            || Family {
                kind,
                help: state.meaning(name).map_or_else(
                    || format!("{name}, as the application counts it"),
                    str::to_owned,
                ),
                series: Vec::new(),
            },
            |family| (**family).clone(),
        );
        let bounds = match kind {
            Kind::Histogram => &self.numbers,
            _ => &self.seconds,
        };
        let value = Arc::new(Value::new(kind, bounds));
        family.series.push((Arc::new(labels), value.clone()));
        let mut changed = (**families).clone();
        changed.insert(own, Arc::new(family));
        let old = mem::replace(&mut *families, Arc::new(changed));
        drop(families);
        drop(old);
        Some(value)
    }

    /// Warns once of each name.
    fn warn(&self, name: &str, why: &str) {
        let mut warned = lock(&self.warned);
        if warned.len() < 100 && !warned.iter().any(|earlier| earlier == name) {
            warned.push(name.to_owned());
            drop(warned);
            log::warn!(target: LOG, "the metric {name:?} is not in /__metrics__: {why}");
        }
    }
}

fn observe(value: &Value, number: f64, times: u64) {
    if let Value::Histogram(histogram) = value {
        histogram.observe(number, times);
    }
}
