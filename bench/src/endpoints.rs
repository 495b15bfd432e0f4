//! The three endpoints, ours beside the same written by hand as routes, and what a run of the heartbeat costs.

use actix_web::{App, HttpResponse, body::BoxBody, http::header, web};
use dockerflow::health_check;
use dockerflow_bench::peers::Factory;

use crate::scenario::{QUIET, requests};

/// Every request runs the checks.
const EACH_RUNS: &str = "LOG_LEVEL=off DOCKERFLOW_HEARTBEAT_TTL=1ms";

/// No request does, but the first.
const FRESH: &str = "LOG_LEVEL=off DOCKERFLOW_HEARTBEAT_TTL=1h";

requests! {
    "lbheartbeat, ours", QUIET => ours(), "/__lbheartbeat__";
    "lbheartbeat, by hand", QUIET => by_hand(), "/__lbheartbeat__";
    "version, ours", QUIET => ours(), "/__version__";
    "version, by hand", QUIET => by_hand(), "/__version__";
    "heartbeat with a fresh report, ours", FRESH => ours(), "/__heartbeat__";
    "heartbeat that checks nothing, by hand", QUIET => by_hand(), "/__heartbeat__";
    "heartbeat that runs 1 check", EACH_RUNS => ours(), "/__heartbeat__";
    "heartbeat that runs 11 checks", EACH_RUNS => of_eleven(), "/__heartbeat__";
}

#[health_check]
async fn database(_pool: web::Data<()>) {}

#[dockerflow::service(checks(database))]
fn ours() -> App {
    App::new().app_data(web::Data::new(()))
}

/// Ten more checks, each as `database` is.
macro_rules! more_checks {
    ($($name:ident)*) => {
        $(#[health_check]
        async fn $name(_pool: web::Data<()>) {})*

        #[dockerflow::service(checks(database, $($name),*))]
        fn of_eleven() -> App {
            App::new().app_data(web::Data::new(()))
        }
    };
}
more_checks! { one two three four five six seven eight nine ten }

const VERSION: &str = r#"{"source":"https://github.com/mozilla-services/dockerflow-rs","version":"0.1.0","commit":"0123456789012345678901234567890123456789","build":"https://app.circleci.com/pipelines/workflows/1"}"#;

async fn version() -> HttpResponse {
    json(VERSION)
}

async fn heartbeat() -> HttpResponse {
    json(r#"{"status":"ok","checks":{"database":"ok"},"details":{}}"#)
}

async fn lbheartbeat() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

fn json(body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(body)
}

fn by_hand() -> App<impl Factory<Body = BoxBody>> {
    App::new()
        .route("/__version__", web::get().to(version))
        .route("/__heartbeat__", web::get().to(heartbeat))
        .route("/__lbheartbeat__", web::get().to(lbheartbeat))
}
