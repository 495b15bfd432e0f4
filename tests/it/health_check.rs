//! What a `#[health_check]` may be, and what each kind of failure becomes in the heartbeat.

use std::{collections::HashMap, io};

use actix_web::{App, HttpRequest, web};
use dockerflow::{Message, health_check};

use crate::support::Running;

struct Pool;
struct NeverProvided;

#[health_check]
async fn without_arguments() {}

#[health_check(name = "with an argument")]
async fn async_with_argument(_pool: web::Data<Pool>) -> Result<(), io::Error> {
    Ok(())
}

#[health_check]
#[allow(clippy::unnecessary_wraps, reason = "it shows that a result is taken")]
fn plain(
    _pool: web::Data<Pool>,
    _query: web::Query<HashMap<String, String>>,
) -> Result<(), String> {
    Ok(())
}

#[health_check(level = warning)]
async fn degraded() -> Result<(), io::Error> {
    Err(io::Error::other("postgres://user:secret@host refused"))
}

#[health_check]
async fn failing() -> Result<(), io::Error> {
    Err(io::Error::other("postgres://user:secret@host refused"))
}

#[health_check]
async fn talkative() -> [Message; 2] {
    [
        Message::info("talkative.one", "1"),
        Message::critical("talkative.two", "2"),
    ]
}

#[health_check]
async fn unprovided(_state: web::Data<NeverProvided>) {}

#[health_check]
async fn panics_first() {
    panic!("postgres://user:secret@host before the first await");
}

#[health_check]
async fn panics_later() {
    actix_web::rt::task::yield_now().await;
    panic!("postgres://user:secret@host after the first await");
}

#[health_check]
fn panics_plainly() {
    panic!("postgres://user:secret@host in a plain fn");
}

#[health_check(timeout = "20ms")]
async fn hangs() {
    std::future::pending::<()>().await;
}

#[health_check]
#[allow(clippy::too_many_arguments, reason = "it shows that sixteen are taken")]
#[rustfmt::skip]
fn sixteen(
    _: web::Data<Pool>, _: web::Data<Pool>, _: web::Data<Pool>, _: web::Data<Pool>,
    _: web::Data<Pool>, _: web::Data<Pool>, _: web::Data<Pool>, _: web::Data<Pool>,
    _: web::Data<Pool>, _: web::Data<Pool>, _: web::Data<Pool>, _: web::Data<Pool>,
    _: web::Data<Pool>, _: web::Data<Pool>, _: web::Data<Pool>, _: web::Data<Pool>,
) {}

#[dockerflow::service(checks(without_arguments, async_with_argument, plain, sixteen))]
fn healthy() -> App {
    App::new().app_data(web::Data::new(Pool))
}

#[dockerflow::service(checks(degraded, plain))]
fn warned() -> App {
    App::new().app_data(web::Data::new(Pool))
}

#[dockerflow::service(checks(
    plain,
    failing,
    talkative,
    unprovided,
    panics_first,
    panics_later,
    panics_plainly,
    hangs
))]
fn unhealthy() -> App {
    App::new().app_data(web::Data::new(Pool))
}

#[dockerflow::service]
fn with_all() -> App {
    App::new().app_data(web::Data::new(Pool))
}

#[test]
fn async_and_plain_functions_with_none_to_sixteen_extractors_are_checks() {
    let response = Running::start(1, healthy).get("/__heartbeat__");
    let expected = serde_json::json!({"plain": "ok", "sixteen": "ok", "with an argument": "ok", "without_arguments": "ok"});
    assert_eq!(
        (response.status, &response.json()["checks"]),
        (200, &expected)
    );
}

#[test]
fn a_check_at_warning_level_degrades_and_does_not_fail() {
    let response = Running::start(1, warned).get("/__heartbeat__");
    let expected = serde_json::json!({"status": "warning", "checks": {"degraded": "warning", "plain": "ok"}, "details": {}});
    assert_eq!((response.status, response.json()), (200, expected));
}

#[test]
fn every_kind_of_failure_is_named_and_none_hides_another_or_shows_its_text() {
    let response = Running::start(1, unhealthy).get("/__heartbeat__");
    let expected = serde_json::json!({
        "failing": "error", "hangs": "error", "panics_first": "critical", "panics_later": "critical", "panics_plainly": "critical",
        "plain": "ok", "talkative": "critical", "unprovided": "error",
    });
    assert_eq!(
        (response.status, &response.json()["checks"]),
        (503, &expected)
    );
    assert_eq!(response.json()["status"], "critical");
    assert!(!response.body.contains("secret"), "{response:?}");
}

#[test]
fn all_checks_of_the_program_are_registered_wherever_they_stand() {
    mod elsewhere {
        #[dockerflow::health_check]
        async fn inside_a_function_of_another_module() {}
    }
    let checks = Running::start(1, with_all).get("/__heartbeat__").json()["checks"].clone();
    for name in [
        "plain",
        "failing",
        "sixteen",
        "inside_a_function_of_another_module",
    ] {
        assert!(checks[name].is_string(), "{name} in {checks}");
    }
}

#[actix_web::test]
async fn a_check_stays_a_function_that_a_unit_test_calls() {
    without_arguments().await;
    assert!(async_with_argument(web::Data::new(Pool)).await.is_ok());
    assert!(failing().await.is_err());
    assert_eq!(talkative().await.len(), 2);
}

#[health_check]
async fn with_the_request_inside_a_send_extractor(path: web::Path<()>) {
    let () = path.into_inner();
}

/// An `HttpRequest` cannot go to another thread: what a check takes must be `Send`.
#[allow(dead_code, reason = "it is here to be compiled")]
fn a_handler_may_still_take_what_a_check_cannot(_: HttpRequest) {}
