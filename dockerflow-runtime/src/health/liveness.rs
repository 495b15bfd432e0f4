//! Conditions of the process itself that an app may fail: `/__lbheartbeat__` is then 503.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::lock::lock;

const TARGET: &str = "dockerflow.liveness";

/// A condition of this process that makes `/__lbheartbeat__` answer 503 while it fails, so that the process is restarted: a worker
/// task that died, a loop that hangs.
///
/// A service has none unless it makes one. The endpoint recovers when every condition does. The log has each change that a probe
/// saw, with the reason.
///
/// **Never fail it for what other instances share**, such as a database: all of them would be restarted at the same moment, again
/// and again. If a cause can reach several instances (a leak, a poisoned message), add a random time to its limit, so that they are
/// not restarted together.
///
/// ```
/// use std::time::Duration;
/// use dockerflow::health::Liveness;
///
/// # async fn next_job() {}
/// # async fn consume() {
/// // Fails if it is not fed for a minute, and for good if the task panics.
/// let liveness = Liveness::watchdog("consumer", Duration::from_secs(60));
/// loop {
///     next_job().await;
///     liveness.feed();
/// }
/// # }
/// ```
///
/// A handle may be cloned. When the last is dropped without [`finish`](Self::finish), the condition fails for good: a task that holds
/// one and ends or panics is noticed.
///
/// A condition that the app decides itself, for as long as the task runs:
///
/// ```
/// use dockerflow::health::Liveness;
/// # async fn next_size() -> Option<u64> { None }
///
/// async fn watch_cache() {
///     let liveness = Liveness::new("cache");
///     while let Some(bytes) = next_size().await {
///         if bytes > 2 << 30 {
///             liveness.fail(format!("the cache has {bytes} bytes: it leaks"));
///         } else {
///             liveness.recover();
///         }
///     }
///     // The task has ended as it should.
///     liveness.finish();
/// }
/// # drop(watch_cache());
/// ```
#[derive(Clone, Debug)]
#[must_use = "the condition fails as soon as its last handle is dropped"]
pub struct Liveness(Arc<Handle>);

/// Fails the condition when it is dropped.
#[derive(Debug)]
struct Handle(Arc<Condition>);

#[derive(Debug)]
struct Condition {
    name: Cow<'static, str>,
    /// How long it may go without being fed.
    limit: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    fed: Instant,
    reason: Option<String>,
    /// Whether it has been logged that it fails.
    logged: bool,
}

/// Every condition of the process.
static CONDITIONS: Mutex<Vec<Arc<Condition>>> = Mutex::new(Vec::new());

/// Whether there has ever been one. Almost no service has any, and `/__lbheartbeat__` must be cheap.
static USED: AtomicBool = AtomicBool::new(false);

impl Liveness {
    /// Makes a condition that holds until [`fail`](Self::fail) is called. The log names it `name`.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self::register(name.into(), None)
    }

    /// Makes a condition that fails when [`feed`](Self::feed) has not been called for `limit`,
    /// beginning now, and recovers when it is called again.
    pub fn watchdog(name: impl Into<Cow<'static, str>>, limit: Duration) -> Self {
        Self::register(name.into(), Some(limit))
    }

    fn register(name: Cow<'static, str>, limit: Option<Duration>) -> Self {
        let condition = Arc::new(Condition {
            name,
            limit,
            state: Mutex::new(State {
                fed: Instant::now(),
                reason: None,
                logged: false,
            }),
        });
        lock(&CONDITIONS).push(condition.clone());
        USED.store(true, Ordering::Release);
        Self(Arc::new(Handle(condition)))
    }

    /// Restarts the time of a [watchdog](Self::watchdog). It has no effect on another condition.
    pub fn feed(&self) {
        lock(&self.0.0.state).fed = Instant::now();
    }

    /// Fails the condition until [`recover`](Self::recover) is called. The log has the reason.
    pub fn fail(&self, reason: impl Into<String>) {
        lock(&self.0.0.state).reason = Some(reason.into());
    }

    /// Ends the failure of the condition. It also restarts the time of a watchdog.
    pub fn recover(&self) {
        let mut state = lock(&self.0.0.state);
        state.reason = None;
        state.fed = Instant::now();
    }

    /// Removes the condition, for all its handles. Call it when the watched task has ended as it
    /// should.
    pub fn finish(self) {
        let finished = &self.0.0;
        lock(&CONDITIONS).retain(|one| !Arc::ptr_eq(one, finished));
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        lock(&self.0.state).reason =
            Some("its last handle was dropped, so its task has ended".into());
    }
}

impl Condition {
    fn reason(&self, state: &State) -> Option<String> {
        if state.reason.is_some() {
            return state.reason.clone();
        }
        let limit = self.limit?;
        let hungry = state.fed.elapsed();
        (hungry > limit).then(|| format!("not fed for {hungry:.1?}, its limit is {limit:?}"))
    }

    /// Returns whether the condition fails, and logs it if that has changed.
    fn fails(&self) -> bool {
        let mut state = lock(&self.state);
        let reason = self.reason(&state);
        let fails = reason.is_some();
        if state.logged != fails {
            state.logged = fails;
            drop(state);
            let name = &*self.name;
            match reason {
                Some(reason) => log::error!(
                    target: TARGET, condition = name;
                    "/__lbheartbeat__ fails because of {name:?}: {reason}"
                ),
                None => {
                    log::info!(target: TARGET, condition = name; "{name:?} no longer fails /__lbheartbeat__");
                }
            }
        }
        fails
    }
}

/// Returns whether a condition fails.
#[inline]
pub(crate) fn fails() -> bool {
    USED.load(Ordering::Acquire) && any_fails()
}

#[cold]
fn any_fails() -> bool {
    let conditions = lock(&CONDITIONS).clone();
    let failing = conditions.iter().filter(|condition| condition.fails());
    failing.count() > 0 // each is looked at, so that each is logged
}

/// A condition that fails.
pub(crate) struct LivenessFailure {
    pub(crate) name: String,
    pub(crate) reason: String,
}

impl fmt::Display for LivenessFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name, self.reason)
    }
}

/// Returns every condition that fails.
pub(crate) fn failures() -> Vec<LivenessFailure> {
    let conditions = lock(&CONDITIONS).clone();
    let failing = conditions.iter().filter_map(|condition| {
        let reason = condition.reason(&lock(&condition.state))?;
        let name = condition.name.to_string();
        Some(LivenessFailure { name, reason })
    });
    failing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reason of the condition with this name: the tests of this process share the list.
    fn reason(name: &str) -> Option<String> {
        let failing = failures().into_iter().find(|one| one.name == name);
        failing.map(|failing| failing.reason)
    }

    #[test]
    fn a_condition_fails_and_recovers_and_is_gone_when_it_is_finished() {
        let liveness = Liveness::new("pool");
        assert_eq!(reason("pool"), None);
        liveness.fail("no connection for 60 s");
        assert_eq!(reason("pool").as_deref(), Some("no connection for 60 s"));
        assert!(fails());
        liveness.recover();
        assert_eq!(reason("pool"), None);
        liveness.finish();
        assert!(lock(&CONDITIONS).iter().all(|one| one.name != "pool"));
    }

    #[test]
    fn a_watchdog_fails_while_it_is_not_fed() {
        let liveness = Liveness::watchdog("consumer", Duration::from_secs(60));
        assert_eq!(reason("consumer"), None);
        let long_ago = Instant::now().checked_sub(Duration::from_secs(61));
        lock(&liveness.0.0.state).fed = long_ago.expect("the machine has been up for longer");
        let text = reason("consumer").expect("it is hungry");
        assert_eq!(text, "not fed for 61.0s, its limit is 60s");
        liveness.feed();
        assert_eq!(reason("consumer"), None);
        liveness.finish();
    }

    #[test]
    fn a_condition_that_eight_threads_fail_and_let_recover_ends_as_it_was_left() {
        let liveness = Liveness::new("flapping");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for number in 0..1000 {
                        liveness.fail(format!("for the {number}th time"));
                        fails();
                        liveness.recover();
                    }
                });
            }
        });
        assert_eq!(reason("flapping"), None);
        liveness.fail("for good");
        assert_eq!(reason("flapping").as_deref(), Some("for good"));
        liveness.finish();
        assert_eq!(reason("flapping"), None);
    }

    #[test]
    fn a_task_that_panics_fails_its_condition() {
        let liveness = Liveness::new("worker");
        let clone = liveness.clone();
        let task = std::thread::spawn(move || {
            let _liveness = clone;
            panic!("the task dies");
        });
        assert!(task.join().is_err());
        assert_eq!(reason("worker"), None, "a handle is left");
        drop(liveness);
        let text = reason("worker").expect("no handle is left");
        assert_eq!(text, "its last handle was dropped, so its task has ended");
        lock(&CONDITIONS).retain(|one| one.name != "worker");
    }
}
