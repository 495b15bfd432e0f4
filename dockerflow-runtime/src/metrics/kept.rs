//! The measurements of the test that runs on this thread.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use cadence::MetricSink;

use super::{
    names::Names,
    state::State,
    statsd::{Parts, accept},
};

/// Whether a test ever started to keep measurements. Without one, nothing is looked up.
static KEEPING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static TEST: RefCell<Option<Test>> = const { RefCell::new(None) };
}

/// The measurements of a test.
struct Test {
    /// For apps without a destination.
    state: Arc<State>,
    lines: Vec<String>,
}

/// A value that was measured.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) name: String,
    /// As statsd writes it: `c`, `g`, …
    pub(crate) kind: String,
    pub(crate) value: f64,
    pub(crate) rate: f64,
    pub(crate) tags: Vec<(String, String)>,
}

/// Starts or stops to keep the measurements of this thread.
pub(crate) fn keep_on_this_thread(on: bool) {
    KEEPING.store(true, Relaxed);
    let test = on.then(|| Test {
        state: Arc::new(State::new("", &[], Names::new("", &[]))),
        lines: Vec::new(),
    });
    TEST.set(test);
}

/// Returns the measurements of this thread's test until now. Registered gauges are read now and come last.
pub(crate) fn kept() -> Vec<Kept> {
    let Some((state, lines)) = TEST.with_borrow(|test| {
        let test = test.as_ref()?;
        Some((test.state.clone(), test.lines.clone()))
    }) else {
        return Vec::new();
    };
    let mut all: Vec<_> = lines.iter().flat_map(|line| values(line)).collect();
    state.gauges(|name, value| {
        all.extend(values(&format!("{name}:{value}|g")));
    });
    all
}

/// Whether a test of this thread keeps measurements.
#[inline]
pub(super) fn keeping() -> bool {
    KEEPING.load(Relaxed) && of_test().is_some()
}

/// Keeps a line for this thread's test, if there is one. `name` is the metric's without the service's prefix.
pub(super) fn keep(line: &str) {
    // A thread that ends has no thread-local any more.
    let _ = TEST.try_with(|test| {
        if let Ok(mut test) = test.try_borrow_mut()
            && let Some(test) = &mut *test
        {
            test.lines.push(line.to_owned());
        }
    });
}

/// Returns the names and gauges of this thread's test, if there is one.
#[inline]
pub(super) fn state() -> Option<Arc<State>> {
    if KEEPING.load(Relaxed) {
        of_test()
    } else {
        None
    }
}

#[cold]
fn of_test() -> Option<Arc<State>> {
    let state = TEST.try_with(|test| {
        let test = test.try_borrow().ok()?;
        Some(test.as_ref()?.state.clone())
    });
    state.ok().flatten()
}

/// Where a client without a destination writes to: nowhere, but for a test.
pub(super) struct Nowhere;

impl MetricSink for Nowhere {
    fn emit(&self, metric: &str) -> std::io::Result<usize> {
        if keeping()
            && let Ok(line) = accept(metric)
        {
            keep(&line);
        }
        Ok(metric.len())
    }
}

/// The values of a line, which may have several.
fn values(line: &str) -> Vec<Kept> {
    let Some(parts) = Parts::of(line) else {
        return Vec::new();
    };
    let tags = parts.tags.split(',').filter(|tag| !tag.is_empty());
    let tags: Vec<_> = tags
        .map(|tag| {
            let (key, value) = tag.split_once(':').unwrap_or((tag, ""));
            (key.to_owned(), value.to_owned())
        })
        .collect();
    let rate = parts.rate.and_then(|rate| rate.parse().ok());
    let values = parts.values.split(':');
    values
        .filter_map(|value| {
            Some(Kept {
                name: parts.name.to_owned(),
                kind: parts.kind.to_owned(),
                value: value.parse().ok()?,
                rate: rate.unwrap_or(1.0),
                tags: tags.clone(),
            })
        })
        .collect()
}
