//! Which worker does a handler block? It answers nothing meanwhile, not even a probe, so another thread reports it.

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use actix_web::rt::time::{interval, sleep};

use super::target::TARGET;
use crate::lock::lock;

/// How often a worker shows that it is not blocked.
const TICK: Duration = Duration::from_secs(1);

/// A worker that has not done so for this long is blocked.
const BLOCKED_AFTER: Duration = Duration::from_secs(3);

/// The workers of a server.
#[derive(Debug)]
pub(crate) struct Workers {
    since: Instant,
    each: Mutex<Vec<Weak<Worker>>>,
}

#[derive(Debug)]
struct Worker {
    thread: String,
    /// When it last showed that it was not blocked, in milliseconds after `Workers::since`.
    ticked: AtomicU64,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            each: Mutex::default(),
        }
    }
}

impl Workers {
    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Watches the worker that this is called on, until it ends.
    pub(crate) fn add(self: &Arc<Self>) {
        let worker = Arc::new(Worker {
            thread: thread::current().name().unwrap_or("unnamed").to_owned(),
            ticked: AtomicU64::new(self.now()),
        });
        lock(&self.each).push(Arc::downgrade(&worker));
        let workers = self.clone();
        actix_web::rt::spawn(async move {
            let mut ticks = interval(TICK);
            loop {
                ticks.tick().await;
                worker.ticked.store(workers.now(), Ordering::Relaxed);
            }
        });
    }

    /// Logs each worker that is blocked, once, and its recovery. Never ends; runs on a thread that is not a worker.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut blocked: Vec<(Arc<Worker>, u64)> = Vec::new();
        loop {
            sleep(TICK).await;
            let now = self.now();
            let held = |worker: &Worker| {
                let milliseconds = now.saturating_sub(worker.ticked.load(Ordering::Relaxed));
                Duration::from_millis(milliseconds)
            };
            blocked.retain(|(worker, since)| {
                let is_blocked = held(worker) >= BLOCKED_AFTER;
                if !is_blocked {
                    let lasted = Duration::from_millis(now.saturating_sub(*since));
                    let thread = worker.thread.as_str();
                    log::info!(target: TARGET, thread; "the worker {thread:?} answers again after {lasted:.0?}");
                }
                is_blocked
            });
            let workers: Vec<_> = {
                let mut each = lock(&self.each);
                each.retain(|worker| worker.strong_count() > 0);
                each.iter().filter_map(Weak::upgrade).collect()
            };
            for worker in workers {
                let is_known = blocked.iter().any(|(known, _)| Arc::ptr_eq(known, &worker));
                let held = held(&worker);
                if held >= BLOCKED_AFTER && !is_known {
                    let thread = worker.thread.as_str();
                    log::warn!(
                        target: TARGET, thread, duration_ms = u64::try_from(held.as_millis()).unwrap_or(u64::MAX);
                        "the worker {thread:?} has been blocked for {held:.0?}: a handler does not await, so that neither its \
                         other requests nor probes are answered; move what blocks into `dockerflow::block`"
                    );
                    let since = worker.ticked.load(Ordering::Relaxed);
                    blocked.push((worker, since));
                }
            }
        }
    }
}
