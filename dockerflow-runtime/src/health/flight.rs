//! One run of the checks that many probes wait for: what it shares with them, and how it ends.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::web::Bytes;
use tokio::sync::watch;

use super::{
    check::{Check, Job, Message},
    options::HealthOptions,
    report::{CheckReport, HeartbeatObserver, Report},
};
use crate::lock::lock;

/// What the runtime's records of the heartbeat are filed under.
pub(super) const LOG: &str = "dockerflow::heartbeat";

/// A prober's patience is a second; the whole may take this much longer than the slowest check.
pub(super) const SLACK: Duration = Duration::from_millis(100);

/// The answer to a probe.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// Whether the service is healthy, or degraded at worst.
    pub(crate) healthy: bool,
    /// The body of the response.
    pub(crate) body: Bytes,
}

/// A check's inputs in a job, or why there are none.
pub(super) type Input = Result<Job, Message>;

pub(super) fn panicked(check: &Check, panic: String) -> Message {
    Message::critical(format!("{}.panicked", check.name), panic)
}

pub(super) fn timed_out(check: &Check, limit: Duration) -> Message {
    Message::error(
        format!("{}.timeout", check.name),
        format!("no answer within {limit:?}"),
    )
}

/// What the workers and the health thread share.
pub(super) struct Flights {
    pub(super) checks: Vec<Check>,
    /// The deadline of a check that names none.
    pub(super) timeout: Duration,
    /// The deadline of a probe.
    pub(super) whole: Duration,
    /// How long a report is fresh.
    pub(super) ttl: Duration,
    /// How long a check may run on after its deadline, at least.
    pub(super) grace: Duration,
    details: bool,
    pub(super) silenced: Vec<String>,
    pub(super) state: Mutex<State>,
    pub(super) observers: Mutex<Vec<HeartbeatObserver>>,
    /// The check that the health thread is in now, and since when.
    pub(super) polled: Mutex<Option<(usize, Instant)>>,
    /// For each check, whether it has been named as one that blocks.
    pub(super) named: Vec<AtomicBool>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) last: Option<(Instant, Verdict)>,
    pub(super) current: Option<Waiter>,
}

/// What the checks of a run under way have found until now.
pub(super) type Progress = Arc<Mutex<Vec<Option<CheckReport>>>>;

/// A probe's side of a run.
#[derive(Clone)]
pub(super) struct Waiter {
    landed: watch::Receiver<Option<Verdict>>,
    pub(super) progress: Progress,
}

impl Waiter {
    /// The verdict; `None` if the run was lost.
    pub(super) async fn landed(&mut self) -> Option<Verdict> {
        self.landed.wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// A run's side of its waiters. Dropped before it lands, it tells them that it is lost, and makes room for another.
pub(super) struct Flight {
    pub(super) flights: Arc<Flights>,
    landing: watch::Sender<Option<Verdict>>,
    landed: bool,
    pub(super) progress: Progress,
    pub(super) began: Instant,
}

impl Flight {
    /// Begins a run. The waiter is for the probes that want its verdict.
    pub(super) fn begin(flights: Arc<Flights>) -> (Self, Waiter) {
        let (landing, landed) = watch::channel(None);
        let waiter = Waiter {
            landed,
            progress: Arc::new(Mutex::new(vec![None; flights.checks.len()])),
        };
        let flight = Self {
            flights,
            landing,
            landed: false,
            progress: waiter.progress.clone(),
            began: Instant::now(),
        };
        (flight, waiter)
    }

    pub(super) fn land(mut self, report: &Report) {
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
    pub(super) fn new(checks: Vec<Check>, options: &HealthOptions) -> Self {
        let longest = checks.iter().filter_map(|check| check.timeout).max();
        Self {
            timeout: options.timeout,
            whole: options.timeout.max(longest.unwrap_or_default()) + SLACK,
            ttl: options.ttl,
            grace: Duration::from_secs(30),
            details: options.details,
            silenced: options.silenced.clone(),
            state: Mutex::default(),
            observers: Mutex::default(),
            polled: Mutex::default(),
            named: checks.iter().map(|_| AtomicBool::new(false)).collect(),
            checks,
        }
    }

    pub(super) fn fresh(&self, state: &State) -> Option<Verdict> {
        let (completed, verdict) = state.last.as_ref()?;
        (completed.elapsed() < self.ttl).then(|| verdict.clone())
    }

    pub(super) fn limit(&self, check: &Check) -> Duration {
        check.timeout.unwrap_or(self.timeout)
    }

    pub(super) fn finding(
        &self,
        check: &Check,
        duration: Duration,
        messages: Vec<Message>,
    ) -> CheckReport {
        CheckReport::new(check, duration, messages, &self.silenced)
    }

    pub(super) fn verdict(&self, report: &Report) -> Verdict {
        Verdict {
            healthy: report.passed(),
            body: report.body(self.details).into(),
        }
    }

    /// What to tell a probe whose time is over before the run's: what is known by now. It is kept for nobody.
    pub(super) fn overdue(&self, progress: &Progress) -> Verdict {
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
    pub(super) fn name_if_blocking(&self, index: usize, held: Duration) {
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
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
