//! When do the checks run, and who learns what they found? One run at a time, its report fresh for a while.

use std::{fmt, sync::Arc, time::Instant};

use actix_web::HttpRequest;
use futures_util::future::{Either, join_all, select};
use tokio::{sync::oneshot, time::timeout_at};

use super::{
    definition::Definition,
    flight::{self, Flight, Flights, Input, LOG, Verdict, Waiter},
    options::HealthOptions,
    report::HeartbeatObserver,
    run::Run,
    thread::Thread,
};
use crate::{lock::lock, logging};

/// The checks of a server, and what is known of their last run.
pub(crate) struct Heartbeat {
    definitions: Arc<[Definition]>,
    flights: Arc<Flights>,
    thread: Thread,
}

impl Heartbeat {
    /// No check runs, and no thread starts, before the first probe.
    pub(crate) fn new(definitions: Vec<Definition>, options: &HealthOptions) -> Self {
        let checks = definitions.iter().map(|one| one.check.clone()).collect();
        Self::with(definitions, Flights::new(checks, options))
    }

    pub(super) fn with(definitions: Vec<Definition>, flights: Flights) -> Self {
        let flights = Arc::new(flights);
        Self {
            thread: Thread::new(flights.clone()),
            definitions: definitions.into(),
            flights,
        }
    }

    /// The checks, by name.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let checks = self.flights.checks.iter();
        checks.map(|check| check.name).collect()
    }

    /// Calls `observer` after each run.
    pub(crate) fn observe(&self, observer: HeartbeatObserver) {
        lock(&self.flights.observers).push(observer);
    }

    /// The verdict, where it can be had without waiting. The way of almost every probe: it must cost next to nothing.
    pub(crate) fn fresh(&self) -> Option<Verdict> {
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
            let (flight, waiter) = Flight::begin(self.flights.clone());
            state.current = Some(waiter.clone());
            (flight, waiter)
        };
        let (senders, inputs) = self
            .definitions
            .iter()
            .map(|_| oneshot::channel())
            .unzip::<_, _, Vec<_>, Vec<_>>();
        let mut observers = lock(&self.flights.observers).clone();
        observers.extend(request.app_data::<HeartbeatObserver>().cloned());
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
            .finish_non_exhaustive()
    }
}

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
                let prepared = logging::contain(async { definition.prepare(request).await });
                let input = match select(Box::pin(prepared), Box::pin(sender.closed())).await {
                    Either::Left((Ok(input), _)) => input,
                    Either::Left((Err(panic), _)) => {
                        Err(flight::panicked(&definition.check, panic))
                    }
                    Either::Right(_) => return,
                };
                let _given_up = sender.send(input);
            }
        });
    join_all(each).await;
}
