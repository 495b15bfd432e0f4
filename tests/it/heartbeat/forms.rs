//! The report in other forms: one check of it, data, an app's own endpoint.

use actix_web::{App, HttpResponse, Responder, get};
use dockerflow::{
    Message,
    health::{Heartbeat, Level},
    health_check,
};
use serde_json::json;

use crate::support::{Running, exchange};

#[health_check(name = "the pool & more")]
async fn pool() -> Message {
    Message::ok().with("connections", 17)
}

#[health_check]
async fn broken() -> Result<(), &'static str> {
    Err("a secret")
}

/// Another path for the same answer.
#[get("/health")]
async fn health(heartbeat: Heartbeat) -> impl Responder {
    heartbeat.response().await
}

/// A form of the app's own.
#[get("/status")]
async fn status(heartbeat: Heartbeat) -> impl Responder {
    let report = heartbeat.report().await;
    let failing = report.checks().iter();
    let failing = failing.filter(|check| check.level() >= Level::Error);
    let names: Vec<_> = failing.map(|check| check.name().to_owned()).collect();
    HttpResponse::Ok().json(names)
}

#[dockerflow::service(checks(pool, broken))]
fn app() -> App {
    App::new().service(health).service(status)
}

fn without_service() -> App<impl crate::support::Service<actix_web::body::BoxBody>> {
    App::new().service(health)
}

#[test]
fn one_check_is_answered_with_its_own_status_and_part_of_the_report() {
    let server = Running::start(2, app);
    let whole = server.get("/__heartbeat__");
    assert_eq!(whole.status, 503);
    let ok = json!({"status": "ok", "checks": {"the pool & more": "ok"}, "details": {}});
    for name in ["the%20pool%20%26%20more", "the+pool+%26+more"] {
        let one = server.get(&format!("/__heartbeat__?check={name}"));
        assert_eq!((one.status, one.json()), (200, ok.clone()), "{name}");
    }
    let one = server.get("/__heartbeat__?check=broken");
    let error = json!({"status": "error", "checks": {"broken": "error"}, "details": {}});
    assert_eq!((one.status, one.json()), (503, error));
    let both = server.get("/__heartbeat__?check=broken&x=y&check=the+pool+%26+more");
    assert_eq!((both.status, both.body), (503, whole.body));
}

#[test]
fn an_unknown_check_is_404_without_an_echo_of_its_name() {
    let server = Running::start(1, app);
    for query in [
        "check=nobody",
        "check=broken&check=nobody",
        "check=",
        "check=%3Cscript%3E",
        "check=BROKEN",
        "check=%ff",
    ] {
        let unknown = server.get(&format!("/__heartbeat__?{query}"));
        assert_eq!(
            (unknown.status, unknown.body.as_str()),
            (404, ""),
            "{query}"
        );
        assert_eq!(unknown.header("cache-control"), Some("no-store"), "{query}");
    }
    for query in ["chec=broken", "", "&&", "=", "%"] {
        let whole = server.get(&format!("/__heartbeat__?{query}"));
        assert_eq!(whole.status, 503, "{query}");
    }
}

#[test]
fn data_of_a_check_that_is_well_are_not_public() {
    let server = Running::start(1, app);
    let body = server.get("/__heartbeat__?check=the+pool+%26+more").json();
    assert_eq!(
        (&body["status"], &body["details"]),
        (&json!("ok"), &json!({}))
    );
}

#[test]
fn an_app_serves_the_report_under_other_paths_and_in_other_forms() {
    let server = Running::start(2, app);
    let ours = server.get("/__heartbeat__");
    let alias = server.get("/health");
    assert_eq!((alias.status, &alias.body), (503, &ours.body));
    assert_eq!(alias.header("content-type"), Some("application/json"));
    assert_eq!(server.get("/status").body, r#"["broken"]"#);
}

#[test]
fn the_extractor_fails_in_an_app_that_is_not_a_service() {
    let server = Running::start(1, without_service);
    assert_eq!(server.get("/health").status, 500);
}

#[test]
fn every_form_of_the_heartbeat_varies_by_accept() {
    let server = Running::start(1, app);
    for path in [
        "/__heartbeat__",
        "/__heartbeat__?check=broken",
        "/__heartbeat__?check=x",
    ] {
        for accept in ["*/*", "text/html"] {
            let headers = format!("Accept: {accept}\r\n");
            let response = exchange(server.address, "GET", path, &headers, "").expect("it answers");
            assert_eq!(response.header("vary"), Some("Accept"), "{path} {accept}");
        }
    }
}

#[test]
fn the_checks_of_a_program_can_be_listed() {
    let registered = dockerflow::health::registered();
    let broken = registered.iter().find(|check| check.name() == "broken");
    let broken = broken.expect("it is registered");
    assert!(broken.file().ends_with("forms.rs"), "{broken:?}");
    assert_eq!((broken.level(), broken.timeout()), (Level::Critical, None));
    assert!(broken.to_string().starts_with("broken ("), "{broken}");
    let names: Vec<_> = registered
        .iter()
        .map(dockerflow::health::RegisteredCheck::name)
        .collect();
    assert!(names.is_sorted(), "{names:?}");
}
