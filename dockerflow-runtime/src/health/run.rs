//! How are the checks run? All at once, each with its deadline, and never two instances of one check.

use std::{
    cell::Cell,
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    future::{FutureExt as _, join_all, ready},
    stream::{FuturesUnordered, StreamExt as _},
};
use tokio::{
    sync::oneshot,
    task::{JoinHandle, spawn_blocking, spawn_local},
    time::{timeout, timeout_at},
};

use super::{
    blocking::{Polled, Timed},
    changes::Changes,
    check::{Check, Job, Work},
    extract::Arguments,
    faults::{not_extracted, panicked, running, timed_out},
    message::Message,
    observer::HeartbeatObserver,
    promise::Promise,
    records::{TARGET, milliseconds},
    report::Report,
    state::HealthState,
};
use crate::{lock::lock, logging};

/// Checks that are polled together, which costs less than to poll each by itself, and more if they wake up one after the other.
const CHUNK: usize = 16;

/// A run of all checks, to be done on the health thread.
pub(super) struct Run {
    pub(super) promise: Promise,
    /// For each check its arguments, which are being extracted on a worker.
    pub(super) arguments: Vec<oneshot::Receiver<Arguments>>,
    pub(super) observers: Vec<HeartbeatObserver>,
}

/// What the health thread keeps from one run to the next.
pub(super) struct Runner {
    instances: Instances,
    changes: Changes,
}

impl Runner {
    pub(super) fn new(state: Arc<HealthState>) -> Self {
        let checks = state.checks.iter();
        Self {
            changes: Changes::new(checks.clone().map(|check| state.limit(check))),
            instances: Instances {
                each: checks.map(|_| Instance::default()).collect(),
                state,
            },
        }
    }
}

impl Run {
    pub(super) async fn complete(self, runner: &mut Runner) {
        let Self {
            promise,
            arguments,
            observers,
        } = self;
        let chunks = arguments.len().div_ceil(CHUNK);
        let each = arguments.into_iter().enumerate();
        let mut each = each.map(|(index, one)| runner.instances.check(&promise, index, one));
        // A check that wakes up causes a poll of its own chunk only.
        let chunks = (0..chunks).map(|_| join_all(each.by_ref().take(CHUNK)));
        chunks
            .collect::<FuturesUnordered<_>>()
            .for_each(|_| ready(()))
            .await;
        let reports = lock(&promise.progress).iter().cloned().collect();
        let Some(checks) = reports else {
            log::warn!(
                target: TARGET,
                "a run of the checks was lost: the worker that extracted their arguments has stopped"
            );
            return;
        };
        let duration = promise.began.elapsed();
        let report = promise.keep(Report::new(checks, duration));
        runner.changes.log(&report);
        for observer in observers {
            if let Err(panic) = logging::contain_call(|| observer.call(&report)) {
                log::error!(target: TARGET, "an observer of the heartbeat {panic}");
            }
        }
    }
}

/// The checks that are running, at most one instance of each. An instance may outlive its run.
struct Instances {
    each: Rc<[Instance]>,
    state: Arc<HealthState>,
}

#[derive(Default)]
struct Instance {
    /// When the instance that is running began.
    since: Cell<Option<Instant>>,
    /// Whether the log has that an instance ended late, and that one was given up; until one is in time.
    late: Cell<bool>,
    given_up: Cell<bool>,
}

/// What came of a check in a run.
enum Found {
    /// Its last instance is still running, or an argument could not be extracted.
    NotStarted(Message),
    /// It ended, after this time.
    Ended(Vec<Message>, Duration),
}

impl Instances {
    /// Waits for the arguments of a check, and then for the check, by its deadline. The promise gets its report, unless the arguments
    /// were lost.
    async fn check(
        &self,
        promise: &Promise,
        index: usize,
        arguments: oneshot::Receiver<Arguments>,
    ) {
        let (check, began) = (&self.state.checks[index], promise.began);
        let instance = &self.each[index];
        let limit = self.state.limit(check);
        let is_extracted = Cell::new(false);
        // It is large. Pinned here, it is not moved into the timeout.
        let found = pin!(async {
            if let Some(since) = instance.since.get() {
                is_extracted.set(true);
                return Some(Found::NotStarted(running(check, since.elapsed())));
            }
            match arguments.await.ok()? {
                Ok(job) => {
                    is_extracted.set(true);
                    let (messages, duration) = self.start(index, began, job).await;
                    Some(Found::Ended(messages, duration))
                }
                Err(message) => Some(Found::NotStarted(message)),
            }
        });
        let (messages, duration) = match timeout_at((began + limit).into(), found).await {
            Ok(None) => return,
            Ok(Some(Found::NotStarted(message))) => (vec![message], began.elapsed()),
            // Another check blocked the thread, so the timer could not fire: the check is late all the same.
            Ok(Some(Found::Ended(messages, duration))) if duration > limit => {
                instance.log_late(check, limit, duration, &messages);
                (vec![timed_out(check, limit)], duration)
            }
            Ok(Some(Found::Ended(messages, duration))) => {
                instance.late.set(false);
                instance.given_up.set(false);
                (messages, duration)
            }
            Err(_) if is_extracted.get() => (vec![timed_out(check, limit)], began.elapsed()),
            Err(_) => (vec![not_extracted(check, limit)], began.elapsed()),
        };
        let report = self.state.check_report(check, duration, messages);
        lock(&promise.progress)[index] = Some(report);
    }

    /// Starts a check and waits for its messages. It goes on if nobody waits any more: what was slow once, such as a first
    /// connection, may be fast when it is done.
    async fn start(&self, index: usize, began: Instant, job: Job) -> (Vec<Message>, Duration) {
        let turn = Turn::begin(self.each.clone(), index);
        let check = &self.state.checks[index];
        let ended = |contained: Result<Vec<Message>, String>| {
            contained.unwrap_or_else(|panic| vec![panicked(check, panic)])
        };
        let started = match job() {
            Work::Async(future) => {
                let mut future = Timed {
                    future,
                    index,
                    polled: Polled::Check,
                    blocking: self.state.blocking.clone(),
                };
                // A check that waits for nothing ends here, without a task and without a timer.
                let first = logging::contain_call(|| (&mut future).now_or_never());
                if let Some(contained) = first.transpose() {
                    let dropped = logging::contain_call(|| drop(future));
                    drop(turn); // the next instance may begin
                    return (ended(dropped.and(contained)), began.elapsed());
                }
                Started::Async(future)
            }
            // At once: the next check may block this thread.
            Work::Blocking(function) => Started::Blocking(spawn_blocking(move || {
                (logging::contain_call(function), began.elapsed())
            })),
        };
        let (sender, receiver) = oneshot::channel();
        spawn_local(go_on(self.state.clone(), turn, began, started, sender));
        receiver.await.unwrap_or_else(|_| {
            let panic = "panicked while it was dropped".to_owned();
            (ended(Err(panic)), began.elapsed())
        })
    }
}

/// A check that did not end when it was first polled, or that was handed to the blocking pool.
enum Started {
    Async(Timed<Vec<Message>>),
    Blocking(JoinHandle<(Result<Vec<Message>, String>, Duration)>),
}

/// Waits until a check ends or is given up, and sends its messages to the run that began it, or to the log.
async fn go_on(
    state: Arc<HealthState>,
    turn: Turn,
    began: Instant,
    started: Started,
    sender: oneshot::Sender<(Vec<Message>, Duration)>,
) {
    let check = &state.checks[turn.index];
    let limit = state.limit(check);
    let grace = (limit * 10).max(state.grace);
    let ended = match started {
        Started::Async(future) => {
            let contained = timeout(grace, logging::contain(future)).await;
            contained.map(|messages| (messages, began.elapsed())).ok()
        }
        Started::Blocking(mut handle) => {
            if let Ok(ended) = timeout(grace, &mut handle).await {
                ended.ok()
            } else {
                handle.abort(); // a function that has begun goes on
                handle.await.ok()
            }
        }
    };
    let (instances, index) = (turn.instances.clone(), turn.index);
    let instance = &instances[index];
    drop(turn); // the next instance may begin
    let Some((contained, duration)) = ended else {
        if !instance.given_up.replace(true) {
            log::warn!(
                target: TARGET, check = check.name, duration_ms = milliseconds(grace);
                "the check {:?} was given up after {grace:?}; the next run starts it again", check.name
            );
        }
        return;
    };
    let messages = contained.unwrap_or_else(|panic| vec![panicked(check, panic)]);
    if let Err((messages, duration)) = sender.send((messages, duration)) {
        instance.log_late(check, limit, duration, &messages);
    }
}

impl Instance {
    /// Logs what a check reported after its deadline, which may say why it was slow. Once, until the check is in time.
    fn log_late(&self, check: &Check, limit: Duration, took: Duration, messages: &[Message]) {
        if self.late.replace(true) {
            return;
        }
        let texts: Vec<_> = messages.iter().take(3).map(Message::text).collect();
        log::info!(
            target: TARGET, check = check.name, duration_ms = milliseconds(took);
            "the check {:?} ended after {took:.1?}, its deadline is {limit:?}; it reported {texts:?}", check.name
        );
    }
}

/// An instance of a check, until it is dropped.
struct Turn {
    instances: Rc<[Instance]>,
    index: usize,
}

impl Turn {
    fn begin(instances: Rc<[Instance]>, index: usize) -> Self {
        instances[index].since.set(Some(Instant::now()));
        Self { instances, index }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.instances[self.index].since.set(None);
    }
}
