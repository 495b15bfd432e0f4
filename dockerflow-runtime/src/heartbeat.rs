//! When do the checks run, and who learns what they found? One run at a time, its report fresh for a while.

mod changes;
mod panics;
mod run;
#[cfg(test)]
mod tests;
mod thread;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::{HttpRequest, web::Bytes};
use futures_util::future::{Either, join_all, select};
use tokio::{
    sync::{oneshot, watch},
    time::timeout_at,
};

use crate::{
    check::{Check, Job, Message},
    definition::Definition,
    report::{Finding, OnHeartbeat, Report},
    settings::Settings,
};
use run::Run;
use thread::Thread;

/// What the runtime's records of the heartbeat are filed under.
const LOG: &str = "dockerflow::heartbeat";

/// A prober's patience is a second; the whole may take this much longer than the slowest check.
const SLACK: Duration = Duration::from_millis(100);

/// The checks of a server, and what is known of their last run.
pub(crate) struct Heartbeat {
    definitions: Arc<[Definition]>,
    flights: Arc<Flights>,
    thread: Thread,
    draining: AtomicBool,
}

/// The answer to a probe.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// Whether the service is healthy, or degraded at worst.
    pub(crate) healthy: bool,
    /// The body of the response.
    pub(crate) body: Bytes,
}

impl Heartbeat {
    /// No check runs, and no thread starts, before the first probe.
    pub(crate) fn new(definitions: Vec<Definition>, settings: &Settings) -> Self {
        let checks = definitions.iter().map(|one| one.check.clone()).collect();
        Self::with(definitions, Flights::new(checks, settings))
    }

    fn with(definitions: Vec<Definition>, flights: Flights) -> Self {
        let flights = Arc::new(flights);
        Self {
            thread: Thread::new(flights.clone()),
            definitions: definitions.into(),
            flights,
            draining: AtomicBool::new(false),
        }
    }

    /// From now on every probe is told that this server goes away.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// The checks, by name.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let checks = self.flights.checks.iter();
        checks.map(|check| check.name).collect()
    }

    /// Whether this server goes away.
    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Calls `observer` after each run.
    pub(crate) fn observe(&self, observer: OnHeartbeat) {
        lock(&self.flights.observers).push(observer);
    }

    /// The verdict, where it can be had without waiting. The way of almost every probe: it must cost next to nothing.
    pub(crate) fn fresh(&self) -> Option<Verdict> {
        if self.draining.load(Ordering::Acquire) {
            return Some(Verdict {
                healthy: false,
                body: Bytes::from_static(
                    br#"{"status":"error","checks":{"draining":"error"},"details":{}}"#,
                ),
            });
        }
        self.flights.fresh(&lock(&self.flights.state))
    }

    /// The verdict: of the last run if it is fresh, else of the run under way, else of a new one whose inputs come from
    /// `request`. Takes at most the longest timeout of a check and [`SLACK`].
    ///
    /// Whether the caller stays to hear it matters to nobody else: a run belongs to the server.
    pub(crate) async fn verdict(&self, request: &HttpRequest) -> Verdict {
        let deadline = Instant::now() + self.flights.whole;
        let mut waiter = match self.join(request) {
            Ok(waiter) => waiter,
            Err(verdict) => return verdict,
        };
        let mut landed = timeout_at(deadline.into(), waiter.landed()).await;
        if let Ok(None) = landed {
            // The worker that made the inputs has stopped. This one has not.
            waiter = match self.join(request) {
                Ok(waiter) => waiter,
                Err(verdict) => return verdict,
            };
            landed = timeout_at(deadline.into(), waiter.landed()).await;
        }
        match landed {
            Ok(Some(verdict)) => verdict,
            Ok(None) | Err(_) => self.flights.overdue(&waiter.progress),
        }
    }

    /// A place in the run under way or a new one; or a verdict, where there is one by now.
    fn join(&self, request: &HttpRequest) -> Result<Waiter, Verdict> {
        let (flight, waiter) = {
            let mut state = lock(&self.flights.state);
            if let Some(fresh) = self.flights.fresh(&state) {
                return Err(fresh);
            }
            if let Some(waiter) = &state.current {
                return Ok(waiter.clone());
            }
            let (landing, landed) = watch::channel(None);
            let waiter = Waiter {
                landed,
                progress: Arc::new(Mutex::new(vec![None; self.flights.checks.len()])),
            };
            state.current = Some(waiter.clone());
            let flight = Flight {
                flights: self.flights.clone(),
                landing,
                landed: false,
                progress: waiter.progress.clone(),
                began: Instant::now(),
            };
            (flight, waiter)
        };
        let (senders, inputs) = self
            .definitions
            .iter()
            .map(|_| oneshot::channel())
            .unzip::<_, _, Vec<_>, Vec<_>>();
        let mut observers = lock(&self.flights.observers).clone();
        observers.extend(request.app_data::<OnHeartbeat>().cloned());
        let run = Run {
            flight,
            inputs,
            observers,
        };
        if let Err(error) = self.thread.send(run) {
            log::error!(target: LOG, "the health thread cannot start: {error}");
            return Err(self.flights.overdue(&waiter.progress));
        }
        // Detached, so that the run outlives the connection of the client that happened to come first.
        actix_web::rt::spawn(extract(self.definitions.clone(), request.clone(), senders));
        Ok(waiter)
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Heartbeat")
            .field("checks", &self.definitions)
            .field("draining", &self.draining)
            .finish_non_exhaustive()
    }
}

/// A check's inputs in a job, or why there are none.
type Input = Result<Job, Message>;

/// Hands each check its inputs. One that nobody waits for any more is given up.
async fn extract(
    definitions: Arc<[Definition]>,
    request: HttpRequest,
    senders: Vec<oneshot::Sender<Input>>,
) {
    let each = definitions
        .iter()
        .zip(senders)
        .map(|(definition, mut sender)| {
            let request = request.clone();
            async move {
                let prepared = panics::contain(async { definition.prepare(request).await });
                let input = match select(Box::pin(prepared), Box::pin(sender.closed())).await {
                    Either::Left((Ok(input), _)) => input,
                    Either::Left((Err(panic), _)) => Err(panicked(&definition.check, panic)),
                    Either::Right(_) => return,
                };
                let _given_up = sender.send(input);
            }
        });
    join_all(each).await;
}

fn panicked(check: &Check, panic: String) -> Message {
    Message::critical(format!("{}.panicked", check.name), panic)
}

fn timed_out(check: &Check, limit: Duration) -> Message {
    Message::error(
        format!("{}.timeout", check.name),
        format!("no answer within {limit:?}"),
    )
}

/// What the workers and the health thread share.
struct Flights {
    checks: Vec<Check>,
    /// The deadline of a check that names none.
    timeout: Duration,
    /// The deadline of a probe.
    whole: Duration,
    /// How long a report is fresh.
    ttl: Duration,
    /// How long a check may run on after its deadline, at least.
    grace: Duration,
    details: bool,
    silenced: Vec<String>,
    state: Mutex<State>,
    observers: Mutex<Vec<OnHeartbeat>>,
    /// The check that the health thread is in now, and since when.
    polled: Mutex<Option<(usize, Instant)>>,
    /// For each check, whether it has been named as one that blocks.
    named: Vec<AtomicBool>,
}

#[derive(Default)]
struct State {
    last: Option<(Instant, Verdict)>,
    current: Option<Waiter>,
}

/// What the checks of a run under way have found until now.
type Progress = Arc<Mutex<Vec<Option<Finding>>>>;

/// A probe's side of a run.
#[derive(Clone)]
struct Waiter {
    landed: watch::Receiver<Option<Verdict>>,
    progress: Progress,
}

impl Waiter {
    /// The verdict; `None` if the run was lost.
    async fn landed(&mut self) -> Option<Verdict> {
        self.landed.wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// A run's side of its waiters. Dropped before it lands, it tells them that it is lost, and makes room for another.
struct Flight {
    flights: Arc<Flights>,
    landing: watch::Sender<Option<Verdict>>,
    landed: bool,
    progress: Progress,
    began: Instant,
}

impl Flight {
    fn land(mut self, report: &Report) {
        let verdict = self.flights.verdict(report);
        self.landed = true;
        {
            let mut state = lock(&self.flights.state);
            state.last = Some((Instant::now(), verdict.clone()));
            state.current = None;
        }
        let _nobody_stayed = self.landing.send(Some(verdict));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.landed {
            lock(&self.flights.state).current = None;
        }
    }
}

impl Flights {
    fn new(checks: Vec<Check>, settings: &Settings) -> Self {
        let longest = checks.iter().filter_map(|check| check.timeout).max();
        Self {
            timeout: settings.timeout,
            whole: settings.timeout.max(longest.unwrap_or_default()) + SLACK,
            ttl: settings.ttl,
            grace: Duration::from_secs(30),
            details: settings.details,
            silenced: settings.silenced.clone(),
            state: Mutex::default(),
            observers: Mutex::default(),
            polled: Mutex::default(),
            named: checks.iter().map(|_| AtomicBool::new(false)).collect(),
            checks,
        }
    }

    fn fresh(&self, state: &State) -> Option<Verdict> {
        let (completed, verdict) = state.last.as_ref()?;
        (completed.elapsed() < self.ttl).then(|| verdict.clone())
    }

    fn limit(&self, check: &Check) -> Duration {
        check.timeout.unwrap_or(self.timeout)
    }

    fn finding(&self, check: &Check, duration: Duration, messages: Vec<Message>) -> Finding {
        Finding::new(check, duration, messages, &self.silenced)
    }

    fn verdict(&self, report: &Report) -> Verdict {
        Verdict {
            healthy: report.passed(),
            body: report.body(self.details).into(),
        }
    }

    /// What to tell a probe whose time is over before the run's: what is known by now. It is kept for nobody.
    fn overdue(&self, progress: &Progress) -> Verdict {
        let polled = *lock(&self.polled);
        if let Some((index, since)) = polled {
            self.name_if_blocking(index, since.elapsed());
        }
        let found = lock(progress).clone();
        let findings = self.checks.iter().zip(found);
        let findings = findings.map(|(check, finding)| {
            finding.unwrap_or_else(|| {
                self.finding(check, self.whole, vec![timed_out(check, self.whole)])
            })
        });
        self.verdict(&Report::new(findings.collect(), self.whole))
    }

    /// Says, once, that a check keeps the health thread from everything else.
    fn name_if_blocking(&self, index: usize, held: Duration) {
        const PATIENCE: Duration = Duration::from_millis(100);
        if held > PATIENCE && !self.named[index].swap(true, Ordering::Relaxed) {
            let check = &self.checks[index];
            log::warn!(
                target: LOG,
                check = check.name, place:% = check.place, duration_ms = milliseconds(held);
                "the check {:?} blocks its thread, for {held:.0?} so far: make it a plain `fn`, which runs on a blocking pool",
                check.name
            );
        }
    }
}

/// Of 584 million years, at most.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// No code panics while it holds one of these locks, and if it did, what they guard would still be whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
