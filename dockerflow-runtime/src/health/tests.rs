//! Cases that take too long over TCP, or cannot be caused there: grace periods, lost runs, the end of a server.

use std::{
    future::{Pending, Ready, pending, ready},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    rt::{System, time::sleep},
    test::TestRequest,
};
use futures_util::future::{Either, LocalBoxFuture};

use super::{
    checker::HealthChecker, definition::Definition, inputs::input, level::Level, message::Message,
    observer::HeartbeatObserver, options::HealthOptions, state::HealthState,
    written::WrittenReport,
};
use crate::{environment::Environment, lock::lock};

const HOUR: Duration = Duration::from_secs(3600);

/// Returns a checker of these checks, with reports that are fresh for `ttl` and a grace period of 100 ms.
fn heartbeat(ttl: Duration, checks: impl IntoIterator<Item = Definition>) -> Arc<HealthChecker> {
    let mut options = HealthOptions::read(&mut Environment::new(|_| None));
    options.ttl = ttl;
    let definitions: Vec<_> = checks.into_iter().collect();
    let checks = definitions.iter().map(|one| one.check.clone()).collect();
    let mut state = HealthState::new(checks, &options);
    state.grace = Duration::from_millis(100);
    Arc::new(HealthChecker::with(definitions, state, ttl))
}

async fn probe(heartbeat: &HealthChecker) -> WrittenReport {
    let request = TestRequest::default().to_http_request();
    heartbeat.report(&request).await
}

/// Waits until `condition` holds, for at most ten seconds.
async fn until(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(10), "not {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A count of what lives, shared with what is counted.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn one(&self) -> One {
        self.0.fetch_add(1, SeqCst);
        One(self.clone())
    }

    fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

struct One(Count);

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}

#[actix_web::test]
async fn a_check_that_hangs_is_given_up_after_its_grace_and_started_afresh() {
    let started = Arc::new(AtomicUsize::new(0));
    let counted = started.clone();
    let hangs_once = move || -> LocalBoxFuture<'static, ()> {
        match counted.fetch_add(1, SeqCst) {
            0 => Box::pin(pending()),
            _ => Box::pin(ready(())),
        }
    };
    let check = Definition::asynchronous("hangs_once", (), hangs_once).timeout(20);
    let heartbeat = heartbeat(Duration::ZERO, [check]);
    let began = Instant::now();
    while !probe(&heartbeat).await.report.passed() {
        assert!(began.elapsed() < Duration::from_secs(10), "it stays down");
        sleep(Duration::from_millis(5)).await;
    }
    assert!(
        began.elapsed() >= Duration::from_millis(200),
        "ten times its timeout"
    );
    assert_eq!(started.load(SeqCst), 2);
}

#[actix_web::test]
async fn what_a_check_holds_is_dropped_with_the_server() {
    let held = Count::default();
    let counted = held.clone();
    let hangs = move || {
        let held = counted.one();
        async move {
            pending::<()>().await;
            drop(held);
        }
    };
    let check = Definition::asynchronous("hangs", (), hangs).timeout(20);
    let heartbeat = heartbeat(HOUR, [check]);
    assert!(!probe(&heartbeat).await.report.passed());
    assert_eq!(held.get(), 1);
    drop(heartbeat);
    until("dropped", || held.get() == 0).await;
}

/// An input that is never extracted for the first caller.
struct NeverAtFirst;

static ASKED: AtomicUsize = AtomicUsize::new(0);

impl FromRequest for NeverAtFirst {
    type Error = actix_web::Error;
    type Future = Either<Pending<Result<Self, Self::Error>>, Ready<Result<Self, Self::Error>>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        match ASKED.fetch_add(1, SeqCst) {
            0 => Either::Left(pending()),
            _ => Either::Right(ready(Ok(Self))),
        }
    }
}

#[test]
fn a_run_whose_worker_ends_is_lost_and_its_follower_starts_another() {
    let needs = |_: NeverAtFirst| async {};
    let check = Definition::asynchronous("needs", (input(),), needs).timeout(10_000);
    let heartbeat = heartbeat(HOUR, [check]);
    let leader = heartbeat.clone();
    let leader = thread::spawn(move || {
        // The runtime goes with this thread, and with it the task that makes the inputs.
        System::new().block_on(async {
            let impatient = tokio::time::timeout(Duration::from_millis(200), probe(&leader));
            assert!(impatient.await.is_err());
        });
    });
    System::new().block_on(async {
        until("asked", || ASKED.load(SeqCst) == 1).await;
        let follower = probe(&heartbeat).await;
        assert!(follower.report.passed(), "{follower:?}");
        assert_eq!(ASKED.load(SeqCst), 2);
    });
    leader.join().expect("it did not panic");
}

#[actix_web::test]
async fn a_probe_whose_time_is_over_is_told_what_is_known_and_that_is_not_kept() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let fine = Definition::asynchronous("a_fine_one", (), async || ()).timeout(20);
    let blocks = move || {
        let released = released.clone();
        async move {
            let _released = lock(&released).recv();
        }
    };
    let blocks = Definition::asynchronous("blocks", (), blocks).timeout(20);
    let heartbeat = heartbeat(HOUR, [fine, blocks]);
    let written = probe(&heartbeat).await;
    let told: serde_json::Value = serde_json::from_slice(&written.brief).expect("JSON");
    assert_eq!(told["checks"]["blocks"], "error");
    assert!(!written.report.passed());
    assert!(heartbeat.fresh().is_none(), "the run is still under way");
    drop(release);
    until("ended", || heartbeat.fresh().is_some()).await;
    assert!(
        !heartbeat.fresh().expect("it has ended").report.passed(),
        "late is not well"
    );
}

#[actix_web::test]
async fn a_report_is_fresh_from_its_completion_and_not_longer() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let slow = move || {
        counted.fetch_add(1, SeqCst);
        sleep(Duration::from_millis(700))
    };
    let check = Definition::asynchronous("slow", (), slow);
    let heartbeat = heartbeat(Duration::from_millis(600), [check]);
    assert!(heartbeat.fresh().is_none());
    assert!(probe(&heartbeat).await.report.passed());
    assert!(
        heartbeat.fresh().is_some(),
        "it would be over, had it begun with the run"
    );
    until("stale", || heartbeat.fresh().is_none()).await;
    assert!(probe(&heartbeat).await.report.passed());
    assert_eq!(runs.load(SeqCst), 2);
}

#[actix_web::test]
async fn without_a_ttl_each_probe_has_a_run_and_probes_at_once_share_one() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let slow = move || {
        counted.fetch_add(1, SeqCst);
        sleep(Duration::from_millis(50))
    };
    let heartbeat = heartbeat(Duration::ZERO, [Definition::asynchronous("slow", (), slow)]);
    tokio::join!(probe(&heartbeat), probe(&heartbeat), probe(&heartbeat));
    assert_eq!(runs.load(SeqCst), 1);
    probe(&heartbeat).await;
    assert_eq!(runs.load(SeqCst), 2);
}

#[actix_web::test]
async fn each_run_is_observed_once_and_an_observer_that_panics_harms_nobody() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let slow = || sleep(Duration::from_millis(30));
    let failing = || -> Result<(), &str> { Err("down") };
    let heartbeat = heartbeat(
        HOUR,
        [
            Definition::blocking("failing", (), failing),
            Definition::asynchronous("slow", (), slow),
        ],
    );
    heartbeat.observe(HeartbeatObserver::new(|_| panic!("an observer")));
    let observer = HeartbeatObserver::new(move |report| {
        let each = report.checks().iter();
        let each = each.map(|one| (one.name(), one.level(), one.duration()));
        lock(&noted).push((report.passed(), each.collect::<Vec<_>>()));
    });
    let request = TestRequest::default().app_data(observer).to_http_request();
    for _ in 0..3 {
        heartbeat.report(&request).await;
    }
    until("observed", || !lock(&seen).is_empty()).await;
    let seen = lock(&seen);
    assert_eq!(seen.len(), 1, "two probes had a fresh report");
    let (passed, findings) = &seen[0];
    assert!(!passed);
    assert_eq!((findings[0].0, findings[0].1), ("failing", Level::Error));
    assert_eq!((findings[1].0, findings[1].1), ("slow", Level::Ok));
    assert!(findings[1].2 >= Duration::from_millis(30), "{findings:?}");
}

/// An input whose extraction panics.
struct Panics;

impl FromRequest for Panics {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        panic!("a secret")
    }
}

#[actix_web::test]
async fn a_panic_while_inputs_are_made_is_that_checks_and_no_others() {
    let panics = Definition::asynchronous("panics", (input(),), |_: Panics| async {});
    let fine = Definition::asynchronous("fine", (), async || ());
    let written = probe(&heartbeat(HOUR, [fine, panics])).await;
    let expected =
        r#"{"status":"critical","checks":{"fine":"ok","panics":"critical"},"details":{}}"#;
    assert_eq!(written.brief, expected);
}

#[actix_web::test]
async fn a_plain_fn_that_was_in_time_is_not_late_because_another_check_blocks_the_thread() {
    let blocks = async || thread::sleep(Duration::from_millis(400));
    let heartbeat = heartbeat(
        HOUR,
        [
            Definition::blocking("a_quick_one", (), || ()).timeout(200),
            Definition::asynchronous("blocks", (), blocks).timeout(10_000),
        ],
    );
    let written = probe(&heartbeat).await;
    assert!(written.report.passed(), "{written:?}");
}

#[actix_web::test]
async fn a_check_whose_arguments_come_too_late_says_so() {
    let needs = |_: NeverExtracted| async {};
    let check = Definition::asynchronous("needs", (input(),), needs).timeout(50);
    let written = probe(&heartbeat(HOUR, [check])).await;
    let messages = written.report.checks()[0].messages();
    let texts: Vec<_> = messages.iter().map(|one| (one.id(), one.text())).collect();
    let expected = "its arguments were not extracted within 50ms";
    assert_eq!(texts, [("needs.timeout", expected)]);
}

/// An argument that is never extracted.
struct NeverExtracted;

impl FromRequest for NeverExtracted {
    type Error = actix_web::Error;
    type Future = Pending<Result<Self, Self::Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        pending()
    }
}

#[actix_web::test]
async fn an_argument_that_cannot_be_extracted_is_named_with_the_reason() {
    let needs = |_: actix_web::web::Data<Arc<Vec<u8>>>| async {};
    let check = Definition::asynchronous("needs", (input(),), needs);
    let written = probe(&heartbeat(HOUR, [check])).await;
    let message: &Message = &written.report.checks()[0].messages()[0];
    assert_eq!(message.id(), "needs.unavailable");
    let text = message.text();
    assert!(text.starts_with("could not extract argument `"), "{text}");
}

#[actix_web::test]
async fn the_runs_of_each_check_are_kept_and_probes_with_a_fresh_report_add_none() {
    let check = Definition::blocking("failing", (), || Err::<(), _>("down"));
    let heartbeat = heartbeat(Duration::ZERO, [check]);
    for _ in 0..3 {
        probe(&heartbeat).await;
    }
    let history = heartbeat.history("failing");
    let levels: Vec<_> = history.runs().map(|(level, _)| level).collect();
    assert_eq!(levels, [Level::Error; 3]);
    assert!(!history.was_well);
    assert_eq!(heartbeat.history("unknown").runs().len(), 0);
}
