//! The three endpoints, ours beside the same written by hand as routes, and what our middleware adds to a route of the app.

use actix_web::{
    App, HttpResponse,
    dev::ServiceFactory,
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    web,
};
use dockerflow::health_check;

use crate::scenario::scenarios;

scenarios! {
    "lbheartbeat, ours" => ours(), "/__lbheartbeat__";
    "lbheartbeat, by hand" => by_hand(), "/__lbheartbeat__";
    "version, ours" => ours(), "/__version__";
    "version, by hand" => by_hand(), "/__version__";
    "heartbeat with a fresh report, ours" => ours(), "/__heartbeat__";
    "heartbeat that checks nothing, by hand" => by_hand(), "/__heartbeat__";
    "a route of the app, ours" => ours(), "/hello";
    "a route of the app, ours, with statsd" => ours(), "/hello";
    "a route of the app, bare" => bare(), "/hello";
}

async fn hello() -> &'static str {
    "hello"
}

#[health_check]
async fn database(_pool: web::Data<()>) {}

#[dockerflow::service]
fn ours() -> App {
    bare()
}

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

fn by_hand() -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .route("/__version__", web::get().to(version))
        .route("/__heartbeat__", web::get().to(heartbeat))
        .route("/__lbheartbeat__", web::get().to(lbheartbeat))
}

fn bare() -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(web::Data::new(()))
        .route("/hello", web::get().to(hello))
}
