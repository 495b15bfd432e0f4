//! Conditions of the process itself: what a load balancer sees, and what the log has.

use std::{sync::OnceLock, time::Duration};

use actix_web::{App, get, rt::System, web};
use dockerflow::health::Liveness;
use tokio::time::sleep;

use super::served::{Served, serve};

fn pool() -> &'static Liveness {
    static POOL: OnceLock<Liveness> = OnceLock::new();
    POOL.get_or_init(|| Liveness::new("pool"))
}

#[get("/fail")]
async fn fail() -> &'static str {
    pool().fail("no connection for 60 s");
    ""
}

#[get("/recover")]
async fn recover() -> &'static str {
    pool().recover();
    ""
}

/// Starts a task that ends, and one that stops feeding its watchdog.
#[get("/die")]
async fn die() -> &'static str {
    let worker = Liveness::new("worker");
    actix_web::rt::spawn(async move {
        let _worker = worker;
    });
    ""
}

static WATCHDOG: OnceLock<Liveness> = OnceLock::new();

#[get("/watchdog/{action}")]
async fn watchdog(action: web::Path<String>) -> &'static str {
    let limit = Duration::from_millis(300);
    let watchdog = WATCHDOG.get_or_init(|| Liveness::watchdog("consumer", limit));
    match action.as_str() {
        "feed" => watchdog.feed(),
        _ => watchdog.clone().finish(),
    }
    ""
}

#[dockerflow::service(checks())]
fn app() -> App {
    App::new()
        .service(fail)
        .service(recover)
        .service(die)
        .service(watchdog)
}

pub(super) fn serve_one(name: &str) -> bool {
    let is_ours = name == "liveness";
    if is_ours {
        serve(app);
    }
    is_ours
}

async fn balancer(server: &Served) -> u16 {
    let probe = server.probe("/__lbheartbeat__").await;
    assert_eq!(probe.body, "");
    probe.status
}

#[test]
fn a_condition_that_fails_takes_the_instance_away_until_it_recovers() {
    System::new().block_on(async {
        let server = Served::start("liveness", &[]);
        assert_eq!(balancer(&server).await, 200);
        server.probe("/fail").await;
        for _ in 0..5 {
            assert_eq!(balancer(&server).await, 503);
        }
        assert_eq!(server.heartbeat().await.status, 200, "it is not a check");
        server.probe("/recover").await;
        assert_eq!(balancer(&server).await, 200);
        let log = server.log_with("no longer fails /__lbheartbeat__").await;
        let failed = "/__lbheartbeat__ fails because of \"pool\": no connection for 60 s";
        assert_eq!(log.matches(failed).count(), 1, "{log}");
    });
}

#[test]
fn a_watchdog_that_is_not_fed_and_a_task_that_ended_take_the_instance_away() {
    System::new().block_on(async {
        let server = Served::start("liveness", &[]);
        server.probe("/watchdog/feed").await;
        assert_eq!(balancer(&server).await, 200);
        sleep(Duration::from_millis(400)).await;
        assert_eq!(balancer(&server).await, 503);
        server.probe("/watchdog/feed").await;
        assert_eq!(balancer(&server).await, 200);
        server.probe("/watchdog/finish").await;
        sleep(Duration::from_millis(400)).await;
        assert_eq!(balancer(&server).await, 200);
        server.probe("/die").await;
        sleep(Duration::from_millis(100)).await;
        assert_eq!(balancer(&server).await, 503);
        server
            .log_with("because of \"worker\": its last handle was dropped")
            .await;
    });
}
