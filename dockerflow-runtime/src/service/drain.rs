//! The drain: how an app learns that its server is about to stop, and how it makes the stop wait.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// The drain of a server: whether it is about to stop, for connections and tasks that outlast a request.
///
/// It is an extractor; outside requests, [`Server::drain`](crate::Server::drain) returns it. On SIGTERM a server first goes on
/// accepting for `DOCKERFLOW_DRAIN_DELAY`; [`is_draining`](Drain::is_draining) is true from then on. Then its listener closes,
/// [`closed`](Drain::closed) completes, and whatever is still open has `DOCKERFLOW_SHUTDOWN_TIMEOUT` to end. A websocket or an
/// event stream should end after [`closed`](Drain::closed): a client that is cut off earlier comes back to the same instance.
///
/// ```
/// use std::time::Duration;
///
/// use actix_web::{HttpResponse, get, rt::time::interval, web::Bytes};
/// use dockerflow::Drain;
/// use futures_util::{StreamExt, stream};
///
/// /// An event stream that ends when the server stops. Ten thousand of them end over five seconds, not all at once.
/// #[get("/events")]
/// async fn events(drain: Drain) -> HttpResponse {
///     let ticks = stream::unfold(interval(Duration::from_secs(1)), |mut interval| async {
///         interval.tick().await;
///         Some((Ok::<_, std::io::Error>(Bytes::from_static(b"data: tick\n\n")), interval))
///     });
///     let ended = async move { drain.closed_within(Duration::from_secs(5)).await };
///     HttpResponse::Ok()
///         .content_type("text/event-stream")
///         .streaming(Box::pin(ticks.take_until(Box::pin(ended))))
/// }
/// ```
///
/// In an app that has no [`Server`](crate::Server), as in a unit test or in an `HttpServer` of its own, a drain begins when
/// [`Drain::start`] is called, and the listener counts as open.
#[derive(Clone, Debug)]
pub struct Drain {
    state: Arc<State>,
    /// The fraction of a spread that this value waits.
    place: u32,
}

#[derive(Debug)]
struct State {
    /// A copy of `phase`: each response reads it, and an atomic load is cheaper than a lock.
    draining: AtomicBool,
    phase: watch::Sender<Phase>,
    /// Whether the app has asked for the drain.
    asked: watch::Sender<bool>,
    holds: watch::Sender<()>,
    places: AtomicU32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    Draining,
    Closed(Instant),
}

/// Keeps a server that stops from ending before this is dropped, for at most `DOCKERFLOW_SHUTDOWN_TIMEOUT`.
///
/// [`Drain::hold`] returns one. It may be kept in a value, whose end then ends the wait:
///
/// ```
/// use dockerflow::{Drain, Hold};
///
/// struct Upload {
///     path: String,
///     _hold: Hold,
/// }
///
/// impl Upload {
///     fn new(path: String, drain: &Drain) -> Self {
///         Self { path, _hold: drain.hold() }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Hold(#[expect(dead_code, reason = "its end is what counts")] watch::Receiver<()>);

impl Drain {
    /// Returns whether the server is about to stop: true from SIGTERM on.
    ///
    /// ```
    /// use actix_web::{HttpResponse, post};
    /// use dockerflow::Drain;
    ///
    /// /// Starts a long import, unless it would be cut off.
    /// #[post("/imports")]
    /// async fn import(drain: Drain) -> HttpResponse {
    ///     if drain.is_draining() {
    ///         return HttpResponse::ServiceUnavailable().body("try again in a minute");
    ///     }
    ///     HttpResponse::Accepted().finish()
    /// }
    /// ```
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.state.draining.load(Ordering::Relaxed)
    }

    /// Completes when the drain begins: on SIGTERM, while the server still accepts connections.
    ///
    /// ```
    /// use dockerflow::Drain;
    /// # struct Registry;
    /// # impl Registry { async fn leave(&self) {} }
    ///
    /// /// Leaves a registry of instances at once, so that others stop calling this one.
    /// async fn leave(drain: Drain, registry: Registry) {
    ///     drain.started().await;
    ///     registry.leave().await;
    /// }
    /// ```
    pub async fn started(&self) {
        self.reached(|phase| *phase != Phase::Serving).await;
    }

    /// Completes when the listener has closed, so that a client that comes back reaches another instance.
    ///
    /// ```
    /// use actix_web::rt::time::timeout;
    /// use dockerflow::Drain;
    ///
    /// /// Answers when something is new, after 30 s, or when the server stops: a long poll.
    /// async fn wait_for_news(drain: Drain) -> &'static str {
    ///     # let news = std::future::pending::<()>();
    ///     let news = timeout(std::time::Duration::from_secs(30), news);
    ///     tokio::select! {
    ///         Ok(()) = news => "news",
    ///         () = drain.closed() => "ask again",
    ///         else => "nothing new",
    ///     }
    /// }
    /// ```
    pub async fn closed(&self) {
        self.reached(|phase| matches!(phase, Phase::Closed(_)))
            .await;
    }

    /// Completes at some time within `spread` after [`Drain::closed`]: the drains of many requests complete evenly over that time,
    /// so that their clients do not all come back at once.
    ///
    /// `spread` should be well below `DOCKERFLOW_SHUTDOWN_TIMEOUT`. The moment is the same for each call on one value and its
    /// clones: a `select!` in a loop may call it anew.
    pub async fn closed_within(&self, spread: Duration) {
        let phase = self.reached(|phase| matches!(phase, Phase::Closed(_)));
        if let Phase::Closed(when) = phase.await {
            let part = f64::from(self.place) / f64::from(u32::MAX);
            sleep_until(when + spread.mul_f64(part)).await;
        }
    }

    /// Begins the drain, as SIGTERM does: for a route or a task that stops the service.
    ///
    /// ```
    /// use dockerflow::Drain;
    /// # async fn next_lease() -> Option<()> { None }
    ///
    /// /// Stops an instance that has lost its lease, so that the platform starts another one.
    /// async fn keep_lease(drain: Drain) {
    ///     while next_lease().await.is_some() {}
    ///     log::error!("the lease is lost");
    ///     drain.start();
    /// }
    /// ```
    pub fn start(&self) {
        self.begin();
        self.state.asked.send_replace(true);
    }

    /// Makes the stop wait until the returned value is dropped, as it waits for requests in flight.
    ///
    /// ```
    /// # use dockerflow::Drain;
    /// # struct Queue;
    /// # impl Queue { async fn next(&mut self) {} async fn save(self) {} }
    /// /// A background task, started with `rt::spawn(work(server.drain(), queue))`, that finishes its work before the process ends.
    /// async fn work(drain: Drain, mut queue: Queue) {
    ///     let _hold = drain.hold();
    ///     while !drain.is_draining() {
    ///         tokio::select! {
    ///             () = queue.next() => {}
    ///             () = drain.started() => {}
    ///         }
    ///     }
    ///     queue.save().await;
    /// }
    /// ```
    #[must_use = "the stop waits until it is dropped"]
    pub fn hold(&self) -> Hold {
        Hold(self.state.holds.subscribe())
    }

    /// Returns a drain that nothing has begun yet.
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::new(State {
                draining: AtomicBool::new(false),
                phase: watch::Sender::new(Phase::Serving),
                asked: watch::Sender::new(false),
                holds: watch::Sender::new(()),
                places: AtomicU32::new(0),
            }),
            place: 0,
        }
    }

    /// Returns the same drain with the next fraction of a spread. Multiples of the golden ratio fill it evenly, whatever their number.
    pub(crate) fn next(&self) -> Self {
        const GOLDEN: u32 = 0x9E37_79B9;
        let number = self.state.places.fetch_add(1, Ordering::Relaxed);
        Self {
            state: self.state.clone(),
            place: number.wrapping_mul(GOLDEN),
        }
    }

    /// Marks the beginning of the drain.
    pub(crate) fn begin(&self) {
        self.state.draining.store(true, Ordering::Relaxed);
        self.state.phase.send_if_modified(|phase| {
            let serving = *phase == Phase::Serving;
            if serving {
                *phase = Phase::Draining;
            }
            serving
        });
    }

    /// Marks that the listener has closed.
    pub(crate) fn close(&self) {
        self.state.draining.store(true, Ordering::Relaxed);
        self.state.phase.send_replace(Phase::Closed(Instant::now()));
    }

    /// Completes when the app asks for the drain.
    pub(crate) async fn asked(&self) {
        let mut asked = self.state.asked.subscribe();
        // The sender lives as long as `self`.
        let _ = asked.wait_for(|asked| *asked).await;
    }

    /// Completes when nothing holds the stop any more.
    pub(crate) async fn released(&self) {
        self.state.holds.closed().await;
    }

    async fn reached(&self, condition: impl FnMut(&Phase) -> bool) -> Phase {
        let mut phase = self.state.phase.subscribe();
        let reached = phase.wait_for(condition).await;
        // The sender lives as long as `self`.
        reached.map_or(Phase::Serving, |phase| *phase)
    }
}

impl FromRequest for Drain {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let drain = request.app_data().map_or_else(Self::new, Self::next);
        ready(Ok(drain))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::join_all};

    use super::*;

    #[actix_web::test]
    async fn a_future_completes_with_its_phase_and_not_before() {
        let drain = Drain::new();
        assert!(!drain.is_draining());
        assert!(drain.started().now_or_never().is_none());
        drain.begin();
        assert!(drain.is_draining());
        assert!(drain.started().now_or_never().is_some());
        assert!(drain.closed().now_or_never().is_none());
        assert!(drain.asked().now_or_never().is_none());
        drain.close();
        assert!(drain.closed().now_or_never().is_some());
        drain.begin();
        assert!(
            drain.closed().now_or_never().is_some(),
            "a phase has no way back"
        );
    }

    #[actix_web::test]
    async fn the_app_may_begin_the_drain_itself() {
        let drain = Drain::new();
        drain.start();
        assert!(drain.is_draining());
        assert!(drain.asked().now_or_never().is_some());
    }

    #[actix_web::test]
    async fn the_end_waits_for_each_hold() {
        let drain = Drain::new();
        assert!(drain.released().now_or_never().is_some());
        let holds = [drain.hold(), drain.clone().hold()];
        assert!(drain.released().now_or_never().is_none());
        drop(holds);
        assert!(drain.released().now_or_never().is_some());
    }

    #[actix_web::test]
    async fn many_close_evenly_over_the_spread() {
        const COUNT: usize = 1000;
        let spread = Duration::from_millis(500);
        let drain = Drain::new();
        drain.close();
        let began = Instant::now();
        let all = (0..COUNT).map(|_| {
            let drain = drain.next();
            async move {
                drain.closed_within(spread).await;
                began.elapsed()
            }
        });
        let times = join_all(all).await;
        for tenth in 1..10 {
            let limit = spread * tenth / 10;
            let until = times.iter().filter(|time| **time <= limit).count();
            let expected = COUNT * tenth as usize / 10;
            // A busy machine may be late, never early.
            assert!(until <= expected + 20, "{until} of {expected} by {limit:?}");
        }
        assert!(times.iter().all(|time| *time < spread * 4));
    }
}
