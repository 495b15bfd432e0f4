//! Faults that an operator has to learn of from the log: each is named, once.

use std::{
    fs,
    future::{Ready, ready},
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::Duration,
};

use actix_web::{App, FromRequest, HttpRequest, dev::Payload};
use dockerflow::{Message, health_check};
use tokio::{join, time::sleep};

use super::{IN_TIME, on_a_thread};
use crate::{
    heartbeat::served::Served,
    process,
    support::{Process, command_of, get},
};

/// A fresh run for each probe, with the messages in its answer.
const EACH: &[(&str, &str)] = &[
    ("DOCKERFLOW_HEARTBEAT_TTL", "0"),
    ("DOCKERFLOW_HEARTBEAT_DETAILS", "true"),
];

/// An argument that blocks its worker for three seconds, the first time.
struct Blocks;

impl FromRequest for Blocks {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        static DONE: AtomicBool = AtomicBool::new(false);
        if !DONE.swap(true, SeqCst) {
            thread::sleep(Duration::from_secs(3));
        }
        ready(Ok(Self))
    }
}

#[health_check]
async fn has_an_argument_that_blocks(_argument: Blocks) {}

#[dockerflow::service(checks(has_an_argument_that_blocks))]
pub(super) fn with_blocking_argument() -> App {
    App::new()
}

pub(super) fn argument() -> String {
    on_a_thread(async {
        let server = Served::start("blocking argument", EACH);
        let leader = server.heartbeat();
        let follower = async {
            sleep(Duration::from_millis(200)).await;
            server.heartbeat().await
        };
        let (leader, follower) = join!(leader, follower);
        assert_eq!(follower.status, 503, "{follower:?}");
        assert!(follower.took < IN_TIME, "{follower:?}");
        let log = server.log_with("blocked a worker").await;
        let named = "an argument of the check \"has_an_argument_that_blocks\" blocked a worker";
        assert_eq!(log.matches(named).count(), 1, "{log}");
        let after = server.heartbeat().await;
        assert_eq!(after.status, 200, "{after:?}");
        format!(
            "its own probe after {:.1?}, one on another worker has 503 after {:.0?}; named in one warning; then 200",
            leader.took, follower.took
        )
    })
}

#[health_check]
async fn says_two_things() -> [Message; 2] {
    [
        Message::error("shop.stock", "the worst"),
        Message::info("shop.stock", "the last"),
    ]
}

#[dockerflow::service(checks(says_two_things))]
pub(super) fn with_two_messages() -> App {
    App::new()
}

pub(super) fn two_messages() -> String {
    on_a_thread(async {
        let probe = Served::start("two messages", EACH).heartbeat().await;
        let shown = &probe.json()["details"]["says_two_things"]["messages"]["shop.stock"];
        assert_eq!(
            (probe.status, shown.as_str()),
            (503, Some("the worst")),
            "{probe:?}"
        );
        format!("503, {shown}")
    })
}

#[health_check(timeout = "500ms")]
async fn is_almost_late() {
    sleep(Duration::from_millis(430)).await;
}

#[dockerflow::service(checks(is_almost_late))]
pub(super) fn with_almost_late() -> App {
    App::new()
}

/// <https://github.com/spring-projects/spring-boot/issues/31231>: which check makes the endpoint slow could not be seen.
pub(super) fn almost_late() -> String {
    on_a_thread(async {
        let server = Served::start("almost late", EACH);
        for _ in 0..3 {
            server.heartbeat().await;
        }
        let log = server.log();
        let text = "its deadline is 500ms: if it gets slower, it fails";
        let warnings: Vec<_> = log.lines().filter(|line| line.contains(text)).collect();
        assert_eq!(warnings.len(), 1, "{log}");
        assert!(warnings[0].starts_with("WARN "), "{log}");
        "3 × 200, one warning that names it".to_owned()
    })
}

/// The program whose one check fails while a file is there.
fn switched(file: &str) -> Process {
    let mut command = command_of("page");
    command.envs(EACH.iter().copied());
    command.envs([
        ("STATE", "switched"),
        ("SWITCH", file),
        ("PORT", "0"),
        ("HOST", "127.0.0.1"),
    ]);
    Process::start(command)
}

/// Ends a program, and returns those of its lines that have this text.
fn lines_of(process: Process, text: &str) -> Vec<String> {
    process.signal("TERM");
    let (status, lines) = process.end();
    assert_eq!(status.code(), Some(0), "{lines:?}");
    lines
        .into_iter()
        .filter(|line| line.contains(text))
        .collect()
}

pub(super) fn changes() -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("broken");
    let served = switched(file.to_str().expect("UTF-8"));
    let probe = |status| {
        for _ in 0..10 {
            assert_eq!(served.get("/__heartbeat__").status, status);
        }
    };
    probe(200);
    for _ in 0..2 {
        fs::write(&file, "").expect("a free disk");
        probe(503);
        fs::remove_file(&file).expect("it is there");
        probe(200);
    }
    let lines = lines_of(served, "request.summary");
    let summaries = lines.iter().filter(|line| line.contains("__heartbeat__"));
    let severities: Vec<_> = summaries
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            (line["Fields"]["code"].as_u64(), line["Severity"].as_u64())
        })
        .collect();
    let (failed, well) = ((Some(503), Some(3)), (Some(200), Some(6)));
    assert_eq!(severities, [failed, well, failed, well], "{lines:?}");
    "50 probes: one ERROR for each time that they began to fail, one INFO for each time that they stopped".to_owned()
}

pub(super) fn since_the_start() -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("broken");
    fs::write(&file, "").expect("a free disk");
    let served = switched(file.to_str().expect("UTF-8"));
    let page = crate::support::exchange(
        served.address(),
        "GET",
        "/__heartbeat__",
        "Accept: text/html\r\n",
        "",
    );
    let page = page.expect("it serves").body;
    assert!(page.contains("never well since the start"), "{page}");
    fs::remove_file(&file).expect("it is there");
    assert_eq!(served.get("/__heartbeat__").status, 200);
    fs::write(&file, "").expect("a free disk");
    assert_eq!(served.get("/__heartbeat__").status, 503);
    let lines = lines_of(served, "switched.failed");
    let since_start: Vec<_> = lines
        .iter()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["Fields"]["since_start"].clone()
        })
        .collect();
    assert_eq!(since_start, [true, false], "{lines:?}");
    "`since_start` is true for the first failure and false after it was well; the page says \"never well since the start\"".to_owned()
}

pub(super) fn handler() -> String {
    let served = process::serve(&[("WORKERS", "2")]);
    let address = served.address();
    let blocked = thread::spawn(move || get(address, "/block/5000"));
    let named = served.line("has been blocked for");
    let answers = (0..8)
        .filter_map(|_| get(address, "/__lbheartbeat__").ok())
        .count();
    assert_eq!(
        blocked.join().expect("no panic").expect("it serves").status,
        200
    );
    served.line("answers again after");
    let line: serde_json::Value = serde_json::from_str(&named).expect("JSON");
    let thread = line["Fields"]["thread"]
        .as_str()
        .expect("a thread")
        .to_owned();
    let after = line["Fields"]["duration_ms"].as_u64().expect("a duration");
    assert!((3000..5000).contains(&after), "{named}");
    assert_eq!(answers, 8, "no probe is lost");
    format!(
        "{thread} is named after {after} ms, and again when it answers; 8 of 8 probes of lbheartbeat are answered"
    )
}
