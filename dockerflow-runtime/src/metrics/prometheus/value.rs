//! The values of series: numbers that workers change without a lock.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// The kind of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeriesKind {
    Counter,
    Gauge,
    /// A histogram of seconds.
    Timer,
    /// A histogram of numbers without a unit.
    Histogram,
}

/// The value of a series.
#[derive(Debug)]
pub(crate) enum SeriesValue {
    Counter(AtomicU64),
    Gauge(Float),
    Histogram(Histogram),
}

/// A number that several threads change.
#[derive(Debug, Default)]
pub(crate) struct Float(AtomicU64);

/// How many values fell into each bucket, and their sum.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: Arc<[f64]>,
    /// One for each bound, and one for what is above the last.
    counts: Box<[AtomicU64]>,
    sum: Float,
}

impl Float {
    pub(super) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    pub(super) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }

    pub(super) fn add(&self, value: f64) {
        let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
        // The closure always returns a number.
        let _ = self.0.fetch_update(Relaxed, Relaxed, add);
    }
}

impl Histogram {
    pub(super) fn new(bounds: Arc<[f64]>) -> Self {
        Self {
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: Float::default(),
            bounds,
        }
    }

    /// Counts a value `times` times.
    pub(super) fn observe(&self, value: f64, times: u64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound);
        self.counts[bucket.unwrap_or(self.bounds.len())].fetch_add(times, Relaxed);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate of sampling is no exact science"
        )]
        self.sum.add(value * times as f64);
    }

    /// The sum, the count, and the count of each bucket by its upper bound.
    pub(super) fn read(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        let buckets: Vec<_> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        (self.sum.get(), count, buckets)
    }
}

impl SeriesValue {
    pub(super) fn new(kind: SeriesKind, bounds: &Arc<[f64]>) -> Self {
        match kind {
            SeriesKind::Counter => Self::Counter(AtomicU64::new(0)),
            SeriesKind::Gauge => Self::Gauge(Float::default()),
            SeriesKind::Timer | SeriesKind::Histogram => {
                Self::Histogram(Histogram::new(bounds.clone()))
            }
        }
    }
}
