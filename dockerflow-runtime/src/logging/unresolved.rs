//! How many panics are not logged yet, because their back-trace is still being resolved.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Instant,
};

use crate::lock::lock;

static UNRESOLVED: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

pub(super) fn begin() {
    *lock(&UNRESOLVED.0) += 1;
}

pub(super) fn end() {
    *lock(&UNRESOLVED.0) -= 1;
    UNRESOLVED.1.notify_all();
}

/// Waits until every panic so far is logged and reported, at most until `deadline`.
pub(crate) fn wait(deadline: Instant) {
    let mut unresolved = lock(&UNRESOLVED.0);
    while *unresolved > 0 {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        let waited = UNRESOLVED.1.wait_timeout(unresolved, left);
        unresolved = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}
