//! A service with everything that its environment sets. The tests in `tests/it/process/` start and stop it.

use std::time::Duration;

use actix_web::{App, HttpResponse, get, rt::time::sleep, web};
use dockerflow::{Error, Metrics, Server, health_check, metrics::cadence::prelude::*};
use serde::Deserialize;

/// What an operator can choose: `GREETING`, `LIMITS__SLOWEST`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Settings {
    greeting: String,
    limits: Limits,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Limits {
    /// Milliseconds that a slow answer may take.
    slowest: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            greeting: "hello".into(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { slowest: 60_000 }
    }
}

#[health_check]
async fn always() {}

#[get("/")]
async fn index(settings: web::Data<Settings>) -> String {
    settings.greeting.clone()
}

#[get("/slow/{milliseconds}")]
async fn slow(milliseconds: web::Path<u64>, settings: web::Data<Settings>) -> HttpResponse {
    if *milliseconds > settings.limits.slowest {
        return HttpResponse::BadRequest().body("too slow");
    }
    sleep(Duration::from_millis(*milliseconds)).await;
    HttpResponse::Ok().body(format!("{milliseconds} ms later"))
}

/// Blocks its worker, as a handler must not.
#[get("/block/{milliseconds}")]
async fn block(milliseconds: web::Path<u64>) -> &'static str {
    std::thread::sleep(Duration::from_millis(*milliseconds));
    "blocked"
}

#[get("/count/{what}")]
async fn count(what: web::Path<String>, metrics: Metrics) -> &'static str {
    metrics
        .incr_with_tags("counted")
        .with_tag("what", &what)
        .send();
    "counted"
}

#[dockerflow::service]
fn app(settings: web::Data<Settings>) -> App {
    App::new()
        .app_data(settings)
        .service(index)
        .service(slow)
        .service(block)
        .service(count)
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    let settings = web::Data::new(server.settings::<Settings>()?);
    server.run(move || app(settings.clone())).await
}
