//! Every series. A thread finds those that it has measured before without a lock.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, hash_map::Entry},
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
    clash::{RESERVED, clashes},
    exposed::{self, Labels},
    value::{SeriesKind, SeriesValue},
};
use crate::{
    lock::lock,
    metrics::{state::State, statsd::Parts},
};

/// The place that a warning names when a metric is refused here.
pub(super) const PLACE: &str = "in /__metrics__";

/// The series of a process.
#[derive(Debug)]
pub(crate) struct Registry {
    number: usize,
    /// Workers read and extend it. A scrape never reads it.
    index: Mutex<Index>,
    /// Replaced as a whole when a series is new, so that a scrape holds the lock only to copy a reference.
    families: Mutex<Arc<Families>>,
    seconds: Arc<[f64]>,
    numbers: Arc<[f64]>,
    /// The number of measurements for series beyond the limit.
    pub(super) overflow: AtomicU64,
    /// The version and the commit of the program.
    build: Mutex<Option<(String, String)>>,
    workers: Mutex<Vec<(ThreadId, Handle)>>,
}

/// All families by their names.
pub(super) type Families = BTreeMap<Arc<str>, Arc<Family>>;

/// All series of one name.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub(super) kind: SeriesKind,
    /// The name that statsd has.
    source: Arc<str>,
    pub(super) help: Arc<str>,
    pub(super) series: Vec<(Arc<Labels>, Arc<SeriesValue>)>,
}

/// Each series by the name of its family and its labels.
type Index = HashMap<(Arc<str>, Arc<Labels>), Arc<SeriesValue>>;

/// The series of lines that this thread has measured, each by the line without its value.
#[derive(Default)]
struct Known {
    registry: usize,
    lines: HashMap<String, Arc<SeriesValue>>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

impl Registry {
    /// The maximum number of series.
    const SERIES: usize = 5_000;

    pub(crate) fn new(buckets: &[f64]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let decades = (0..7).flat_map(|power| [1.0, 2.0, 5.0].map(|one| one * 10_f64.powi(power)));
        Self {
            number: NEXT.fetch_add(1, Relaxed),
            index: Mutex::default(),
            families: Mutex::default(),
            seconds: buckets.into(),
            numbers: decades.collect(),
            overflow: AtomicU64::new(0),
            build: Mutex::default(),
            workers: Mutex::default(),
        }
    }

    /// Sets the version and the commit of the program.
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

    /// The series of requests that were answered alike.
    pub(in crate::metrics) fn of_requests(
        &self,
        state: &State,
        name: &str,
        labels: [(&str, &str); 3],
    ) -> Option<Arc<SeriesValue>> {
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let labels = exposed::with_tags(labels.into(), &state.tags);
        self.series(state, name, SeriesKind::Timer, labels, true)
    }

    /// Records the time of a request. `series` is `None` if there was no room for it.
    pub(in crate::metrics) fn request(&self, series: Option<&SeriesValue>, took: Duration) {
        if let Some(SeriesValue::Histogram(histogram)) = series {
            histogram.observe(took.as_secs_f64(), 1);
        } else {
            self.overflow.fetch_add(1, Relaxed);
        }
    }

    /// A line of statsd was sent, of one of our metrics or of the app's.
    pub(in crate::metrics) fn line(&self, state: &State, line: &str, ours: bool) {
        let Some(parts) = Parts::of(line) else { return };
        let kind = match parts.kind {
            "c" => SeriesKind::Counter,
            "g" => SeriesKind::Gauge,
            "ms" => SeriesKind::Timer,
            "h" | "d" => SeriesKind::Histogram,
            _ => {
                let why = "sets and meters have no counterpart in Prometheus";
                return state.refused.warn(parts.name, PLACE, why);
            }
        };
        if kind == SeriesKind::Counter && parts.values.contains('-') {
            let why = "a counter of Prometheus cannot fall";
            return state.refused.warn(parts.name, PLACE, why);
        }
        let key = [parts.name, parts.kind, parts.tags].join("|");
        let known = self.with_known(|known| known.lines.get(&key).cloned());
        if let Some(value) = known.flatten() {
            return record(&value, &parts);
        }
        let labels = exposed::labels(parts.tags);
        if let Some(value) = self.series(state, parts.name, kind, labels, ours) {
            record(&value, &parts);
            self.with_known(|known| known.lines.insert(key, value));
        }
    }

    /// Nothing that `work` calls may measure. A thread that ends knows nothing any more.
    fn with_known<T>(&self, work: impl FnOnce(&mut Known) -> T) -> Option<T> {
        let done = KNOWN.try_with(|known| {
            let mut known = known.borrow_mut();
            if known.registry != self.number || known.lines.len() > Self::SERIES {
                *known = Known {
                    registry: self.number,
                    ..Known::default()
                };
            }
            work(&mut known)
        });
        done.ok()
    }

    /// The series of this name and these labels, which is made if it is new and there is room.
    fn series(
        &self,
        state: &State,
        source: &str,
        kind: SeriesKind,
        labels: Labels,
        ours: bool,
    ) -> Option<Arc<SeriesValue>> {
        let name: Arc<str> = exposed::name(source, kind).into();
        // Workers that measure something for the first time wait for each other here, but never for a scrape.
        let mut index = lock(&self.index);
        let families = self.families();
        let family = families.get(&name);
        let fits = match family {
            Some(family) => family.kind == kind && *family.source == *source,
            None => ours || !self.clashes(state, &name, kind),
        };
        if !fits {
            drop(index);
            let why = "another metric has this name there";
            state.refused.warn(source, PLACE, why);
            return None;
        }
        let full = index.len() >= Self::SERIES;
        let entry = match index.entry((name.clone(), Arc::new(labels))) {
            Entry::Occupied(known) => return Some(known.get().clone()),
            Entry::Vacant(entry) => entry,
        };
        if full {
            drop(index);
            if self.overflow.fetch_add(1, Relaxed) == 0 {
                log::warn!(
                    target: "dockerflow.metrics",
                    "there are too many series: what is measured for new ones is only counted, as dockerflow_metrics_overflow_total"
                );
            }
            return None;
        }
        let mut family = family.map_or_else(
            || Family {
                kind,
                source: source.into(),
                help: exposed::help(state.meaning(source), source).into(),
                series: Vec::new(),
            },
            |family| (**family).clone(),
        );
        let bounds = match kind {
            SeriesKind::Histogram => &self.numbers,
            _ => &self.seconds,
        };
        let value = Arc::new(SeriesValue::new(kind, bounds));
        family.series.push((entry.key().1.clone(), value.clone()));
        entry.insert(value.clone());
        let mut changed = (*families).clone();
        changed.insert(name, Arc::new(family));
        let old = mem::replace(&mut *lock(&self.families), Arc::new(changed));
        drop(index);
        drop((old, families));
        Some(value)
    }

    /// Whether a family of the app cannot have this name beside those that there are, and those that there will be.
    pub(super) fn clashes(&self, state: &State, name: &str, kind: SeriesKind) -> bool {
        let families = self.families();
        let ours = state.names().all().map(|(row, name)| {
            let kind = match row.kind {
                "counter" => SeriesKind::Counter,
                "gauge" => SeriesKind::Gauge,
                _ => SeriesKind::Timer,
            };
            (exposed::name(name, kind), kind)
        });
        let ours: HashMap<String, SeriesKind> = ours.collect();
        clashes(name, kind, |other| {
            let family = families.get(other).map(|family| family.kind);
            let reserved = || RESERVED.iter().find(|(name, _)| *name == other);
            family
                .or_else(|| ours.get(other).copied())
                .or_else(|| reserved().map(|(_, kind)| *kind))
        })
    }
}

/// Adds the values of a line to its series.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "neither a counter nor a rate is negative, and what is too large becomes the largest"
)]
fn record(value: &SeriesValue, parts: &Parts<'_>) {
    let rate = parts.rate.and_then(|rate| rate.parse::<f64>().ok());
    let times = rate.map_or(1, |rate| (1.0 / rate).round() as u64);
    for text in parts.values.split(':') {
        let Ok(number) = text.parse::<f64>() else {
            continue;
        };
        match value {
            SeriesValue::Counter(count) => {
                // Not by way of a number with a point, which is exact only up to 2^53.
                let whole = text.parse::<u64>().unwrap_or(number as u64);
                count.fetch_add(whole.saturating_mul(times), Relaxed);
            }
            SeriesValue::Gauge(gauge) => gauge.set(number),
            SeriesValue::Histogram(histogram) if parts.kind == "ms" => {
                histogram.observe(number / 1000.0, times);
            }
            SeriesValue::Histogram(histogram) => histogram.observe(number, times),
        }
    }
}
