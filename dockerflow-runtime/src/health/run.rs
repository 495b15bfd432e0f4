//! How are the checks run? All at once, each by its deadline, and never two of one.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::future::{LocalBoxFuture, join_all};
use tokio::{
    sync::oneshot,
    task::{spawn_blocking, spawn_local},
    time::{timeout, timeout_at},
};

use super::{
    changes::Changes,
    check::{Check, Job, Message, Work},
    flight::{Flight, Flights, Input, LOG, milliseconds, panicked, timed_out},
    report::{CheckReport, HeartbeatObserver, Report},
};
use crate::{lock::lock, logging};

/// A run of all checks, to be done on the health thread.
pub(super) struct Run {
    pub(super) flight: Flight,
    /// For each check, what it needs: it is being made on a worker.
    pub(super) inputs: Vec<oneshot::Receiver<Input>>,
    pub(super) observers: Vec<HeartbeatObserver>,
}

/// What the health thread knows from one run to the next.
pub(super) struct Bench {
    instances: Instances,
    changes: Changes,
}

impl Bench {
    pub(super) fn new(flights: Arc<Flights>) -> Self {
        Self {
            changes: Changes::new(flights.checks.len()),
            instances: Instances {
                since: flights.checks.iter().map(|_| Cell::new(None)).collect(),
                late: flights.checks.iter().map(|_| Cell::new(false)).collect(),
                flights,
            },
        }
    }
}

impl Run {
    pub(super) async fn complete(self, bench: &mut Bench) {
        let Self {
            flight,
            inputs,
            observers,
        } = self;
        let instances = &bench.instances;
        let flying = &flight;
        let each = inputs.into_iter().enumerate();
        let each = each.map(|(index, input)| instances.find(flying, index, input));
        let Some(findings) = join_all(each).await.into_iter().collect() else {
            log::warn!(target: LOG, "a run of the checks was lost: the worker that made their inputs has stopped");
            return;
        };
        let report = Report::new(findings, flight.began.elapsed());
        flight.land(&report);
        bench.changes.log(&report);
        for observer in observers {
            if let Err(panic) = logging::contain_call(|| observer.call(&report)) {
                log::error!(target: LOG, "an observer of the heartbeat {panic}");
            }
        }
    }
}

/// The checks that are under way, at most one instance of each; some for longer than a run.
struct Instances {
    since: Rc<[Cell<Option<Instant>>]>,
    /// For each check, whether the log says already that it answers after its deadline.
    late: Rc<[Cell<bool>]>,
    flights: Arc<Flights>,
}

impl Instances {
    /// What a check finds, by its deadline; `None` if its inputs were lost.
    async fn find(
        &self,
        flight: &Flight,
        index: usize,
        input: oneshot::Receiver<Input>,
    ) -> Option<CheckReport> {
        let (check, began) = (&self.flights.checks[index], flight.began);
        let limit = self.flights.limit(check);
        let answer = async {
            if let Some(since) = self.since[index].get() {
                return Some((vec![running(check, since.elapsed())], began.elapsed()));
            }
            match input.await.ok()? {
                Ok(job) => Some(self.start(index, began, job).await),
                Err(message) => Some((vec![message], began.elapsed())),
            }
        };
        let (messages, duration) = match timeout_at((began + limit).into(), answer).await {
            Ok(answer) => {
                let (messages, duration) = answer?;
                if duration <= limit {
                    let is_running = self.since[index].get().is_some();
                    self.late[index].set(is_running && self.late[index].get());
                    (messages, duration)
                } else {
                    // An answer may come late without a timer having had a chance: it counts as none.
                    log_late(&self.late[index], check, duration, &messages);
                    (vec![timed_out(check, limit)], duration)
                }
            }
            Err(_) => (vec![timed_out(check, limit)], began.elapsed()),
        };
        let finding = self.flights.finding(check, duration, messages);
        lock(&flight.progress)[index] = Some(finding.clone());
        Some(finding)
    }

    /// Starts a check. Who no longer awaits its answer does not end it: what was slow once may be fast, once it is done.
    async fn start(&self, index: usize, began: Instant, job: Job) -> (Vec<Message>, Duration) {
        let flights = self.flights.clone();
        let check = flights.checks[index].clone();
        let grace = (self.flights.limit(&check) * 10).max(self.flights.grace);
        let turn = Turn::begin(self.since.clone(), index);
        let late = self.late.clone();
        let (answer, answered) = oneshot::channel();
        spawn_local(async move {
            let answered = match job() {
                Work::Async(future) => {
                    let watched = Watched {
                        future,
                        index,
                        flights,
                    };
                    let contained = timeout(grace, logging::contain(watched)).await;
                    contained.map(|messages| (messages, began.elapsed())).ok()
                }
                Work::Blocking(function) => {
                    let contained = move || (logging::contain_call(function), began.elapsed());
                    let mut handle = spawn_blocking(contained);
                    if let Ok(answered) = timeout(grace, &mut handle).await {
                        answered.ok()
                    } else {
                        handle.abort(); // of use only where it has not begun
                        handle.await.ok()
                    }
                }
            };
            drop(turn);
            let Some((contained, duration)) = answered else {
                log::warn!(
                    target: LOG, check = check.name, duration_ms = milliseconds(grace);
                    "the check {:?} was given up after {grace:?}", check.name
                );
                return;
            };
            let messages = contained.unwrap_or_else(|panic| vec![panicked(&check, panic)]);
            if let Err((messages, duration)) = answer.send((messages, duration)) {
                log_late(&late[index], &check, duration, &messages);
            }
        });
        answered.await.unwrap_or_else(|_| {
            let panic = "panicked while it was dropped".to_owned();
            (
                vec![panicked(&self.flights.checks[index], panic)],
                began.elapsed(),
            )
        })
    }
}

fn running(check: &Check, since: Duration) -> Message {
    Message::error(
        format!("{}.running", check.name),
        format!("still running, for {since:.1?}"),
    )
}

/// Logs what a check says after its deadline, which may be why it is slow: once, until it has answered in time again.
fn log_late(late: &Cell<bool>, check: &Check, duration: Duration, messages: &[Message]) {
    if late.replace(true) {
        return;
    }
    let said: Vec<_> = messages.iter().take(3).map(Message::text).collect();
    log::info!(
        target: LOG, check = check.name, duration_ms = milliseconds(duration);
        "the check {:?} ended after its timeout, in {duration:.1?}: {said:?}", check.name
    );
}

/// An instance of a check, until it is dropped.
struct Turn {
    since: Rc<[Cell<Option<Instant>>]>,
    index: usize,
}

impl Turn {
    fn begin(since: Rc<[Cell<Option<Instant>>]>, index: usize) -> Self {
        since[index].set(Some(Instant::now()));
        Self { since, index }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.since[self.index].set(None);
    }
}

/// A check whose every poll is timed.
struct Watched {
    future: LocalBoxFuture<'static, Vec<Message>>,
    index: usize,
    flights: Arc<Flights>,
}

impl Future for Watched {
    type Output = Vec<Message>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        struct Timed<'a>(&'a Flights, usize, Instant);
        impl Drop for Timed<'_> {
            fn drop(&mut self) {
                *lock(&self.0.polled) = None;
                self.0.name_if_blocking(self.1, self.2.elapsed());
            }
        }
        let this = &mut *self;
        let began = Instant::now();
        *lock(&this.flights.polled) = Some((this.index, began));
        let _timed = Timed(&this.flights, this.index, began);
        this.future.as_mut().poll(context)
    }
}
