//! A service whose errors are reported: by dockerflow where `SENTRY_DSN` is set, by Sentry's own crates where `OWN_DSN` is and
//! where `MIDDLEWARE` is.

use std::{
    env,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use actix_web::{
    App, HttpResponse, Responder,
    error::{ErrorInternalServerError, ErrorNotFound},
    get,
    middleware::Condition,
    web,
};
use dockerflow::{Error, Server, Summary};

static BROKEN: AtomicBool = AtomicBool::new(false);

#[dockerflow::health_check]
async fn backend() -> Result<(), String> {
    assert!(
        !BROKEN.load(Ordering::Relaxed),
        "a check that panics instead of failing"
    );
    Ok(())
}

#[get("/break")]
async fn breaks() -> impl Responder {
    BROKEN.store(true, Ordering::Relaxed);
    "broken"
}

#[get("/fails/{id}")]
async fn fails(id: web::Path<u64>) -> Result<String, actix_web::Error> {
    Err(ErrorInternalServerError(format!("it fails with {id}")))
}

#[get("/panics/{id}")]
async fn panics(id: web::Path<u64>) -> String {
    panic!("it panics with {id}");
}

#[get("/missing")]
async fn missing() -> Result<String, actix_web::Error> {
    Err(ErrorNotFound("it is not there"))
}

/// A response of 500 that no error is behind.
#[get("/status")]
async fn status() -> HttpResponse {
    HttpResponse::InternalServerError().finish()
}

#[get("/slow")]
async fn slow() -> impl Responder {
    actix_web::rt::time::sleep(Duration::from_secs(60)).await;
    "slow"
}

/// Two requests that come together: each writes to its scope before and after the other does, and fails.
#[get("/interleaved/{id}")]
async fn interleaved(id: web::Path<String>, summary: Summary) -> Result<String, actix_web::Error> {
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    summary.skip();
    for step in 1..=3 {
        sentry::configure_scope(|scope| scope.set_tag(&format!("step{step}"), &id));
        sentry::add_breadcrumb(sentry::Breadcrumb {
            message: Some(format!("step {step} of {id}")),
            ..Default::default()
        });
        STEPS.fetch_add(1, Ordering::Relaxed);
        while STEPS.load(Ordering::Relaxed) < 2 * step {
            actix_web::rt::task::yield_now().await;
        }
    }
    Err(ErrorInternalServerError(format!("{id} fails")))
}

/// An error that the app reports itself, and then returns.
#[get("/told")]
async fn told() -> Result<String, actix_web::Error> {
    sentry::capture_error(&std::io::Error::other("it was told"));
    Err(ErrorInternalServerError("it was told"))
}

#[dockerflow::service]
fn app() -> App {
    let app = App::new().service(breaks).service(fails).service(panics);
    let app = app.service(missing).service(status).service(slow);
    let app = app.service(interleaved).service(told);
    let middleware = env::var_os("MIDDLEWARE").is_some();
    app.wrap(Condition::new(middleware, sentry_actix::Sentry::new()))
}

fn main() -> std::process::ExitCode {
    let own = env::var("OWN_DSN").ok().map(|dsn| {
        let options = sentry::ClientOptions::new().release("the-apps-own@9");
        sentry::init((dsn, options))
    });
    if own.is_some() {
        sentry::configure_scope(|scope| {
            scope.set_tag("team", "shop");
            scope.set_user(Some(sentry::User {
                id: Some("the apps".into()),
                ..Default::default()
            }));
        });
    }
    dockerflow::Program::new(dockerflow::version!())
        .run(async |server: Server| -> Result<(), Error> { server.run(app).await })
}
