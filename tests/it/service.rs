//! What a `#[service]` may be.

#![deny(impl_trait_redundant_captures)] // in a user's code, a lint that fires at what the attribute wrote

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    App, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    get,
    http::StatusCode,
    middleware, web,
};

#[get("/")]
async fn index(greeting: web::Data<String>) -> String {
    greeting.to_string()
}

macro_rules! answer {
    ($app:expr, $path:expr) => {{
        let app = actix_web::test::init_service($app).await;
        let request = actix_web::test::TestRequest::get().uri($path).to_request();
        let response = actix_web::test::call_service(&app, request).await;
        let status = response.status();
        let body = actix_web::test::read_body(response).await;
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }};
}

/// Documented.
#[dockerflow::service(checks())]
fn bare(greeting: web::Data<String>) -> App {
    App::new().app_data(greeting).service(index)
}

#[actix_web::test]
async fn an_app_is_tested_as_any_app_and_has_its_endpoints() {
    let greeting = || web::Data::new("hello".to_owned());
    assert_eq!(
        answer!(bare(greeting()), "/"),
        (StatusCode::OK, "hello".to_owned())
    );
    assert_eq!(
        answer!(bare(greeting()), "/__lbheartbeat__"),
        (StatusCode::OK, String::new())
    );
    assert_eq!(
        answer!(bare(greeting()), "/missing").0,
        StatusCode::NOT_FOUND
    );
}

#[dockerflow::service(checks())]
fn kept(
    name: &str,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    App::new()
        .app_data(web::Data::new(name.to_owned()))
        .service(index)
}

#[actix_web::test]
async fn a_full_return_type_is_kept() {
    assert_eq!(answer!(kept("kept"), "/").1, "kept");
}

#[dockerflow::service(checks())]
fn early(mut greeting: String, loud: bool) -> actix_web::App {
    let app = App::new().service(index);
    if !loud {
        return app.app_data(web::Data::new(greeting));
    }
    greeting.push('!');
    app.app_data(web::Data::new(greeting))
}

#[actix_web::test]
async fn a_body_may_return_early_and_change_its_arguments() {
    assert_eq!(answer!(early("hi".into(), false), "/").1, "hi");
    assert_eq!(answer!(early("hi".into(), true), "/").1, "hi!");
}

#[dockerflow::service(checks())]
fn generic<S, const N: usize>(part: &S, other: &str) -> App
where
    S: ToString + 'static,
{
    App::new()
        .app_data(web::Data::new(format!("{}{other}{N}", part.to_string())))
        .service(index)
}

#[actix_web::test]
async fn a_service_may_be_generic_and_borrow_its_arguments() {
    let app = {
        let (part, other) = (1.5, String::from("x"));
        generic::<_, 7>(&part, &other)
    };
    assert_eq!(answer!(app, "/").1, "1.5x7");
}

#[dockerflow::service(checks())]
fn opaque(greeting: impl Into<String>) -> App {
    App::new()
        .app_data(web::Data::<String>::new(greeting.into()))
        .service(index)
}

#[actix_web::test]
async fn an_argument_may_be_of_an_unnamed_type() {
    assert_eq!(answer!(opaque("opaque"), "/").1, "opaque");
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb");
    }
}

impl MessageBody for Bomb {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(1)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<web::Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

/// A future that is ready at once, and panics when it is dropped.
struct Ending(Option<ServiceResponse<Bomb>>, Bomb);

impl Future for Ending {
    type Output = Result<ServiceResponse<Bomb>, actix_web::Error>;

    fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(self.0.take().expect("it is polled once")))
    }
}

#[dockerflow::service(checks())]
fn of_bombs() -> App {
    App::new().wrap_fn(|request, _| {
        let response = HttpResponse::Ok().finish().set_body(Bomb);
        Ending(Some(request.into_response(response)), Bomb)
    })
}

#[actix_web::test]
async fn a_future_and_its_response_that_both_panic_when_they_are_dropped_end_no_process() {
    let app = actix_web::test::init_service(of_bombs()).await;
    let request = actix_web::test::TestRequest::get().to_request();
    let failed = actix_web::test::try_call_service(&app, request).await;
    let error = failed.expect_err("it panics");
    assert_eq!(
        error.error_response().status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

#[dockerflow::service(checks())]
fn with_middleware() -> App {
    App::new()
        .wrap(middleware::Logger::default())
        .wrap(middleware::Condition::new(
            true,
            middleware::NormalizePath::trim(),
        ))
        .wrap(middleware::DefaultHeaders::new().add(("X-Of-The-App", "1")))
        .app_data(web::Data::new("composed".to_owned()))
        .service(index)
}

#[actix_web::test]
async fn the_apps_own_middleware_changes_the_body_type_and_composes() {
    assert_eq!(answer!(with_middleware(), "/").1, "composed");
    assert_eq!(
        answer!(with_middleware(), "/__lbheartbeat__/").0,
        StatusCode::OK
    );
}

struct Shop;

impl Shop {
    const GREETING: &str = "from a shop";

    #[dockerflow::service(checks())]
    fn app<'a>(name: &'a str, other: Option<&str>) -> App {
        App::new()
            .app_data(web::Data::new(format!(
                "{name} {}{other:?}",
                Self::GREETING
            )))
            .service(index)
    }
}

#[actix_web::test]
async fn a_service_may_be_an_associated_function() {
    assert_eq!(
        answer!(Shop::app("hello", None), "/").1,
        "hello from a shopNone"
    );
}

#[dockerflow::service(checks(), version = "tests/it/version.json")]
fn with_version_file() -> App {
    App::new()
}

#[actix_web::test]
async fn a_version_file_is_embedded_byte_for_byte() {
    assert_eq!(
        answer!(with_version_file(), "/__version__").1,
        include_str!("version.json")
    );
}

#[dockerflow::service(checks(), version = "tests/it/not-an-object.json")]
fn with_bad_version_file() -> App {
    App::new()
}

#[test]
#[should_panic(expected = "the version file tests/it/not-an-object.json is not a JSON object")]
fn a_version_file_that_is_no_object_stops_the_start() {
    drop(with_bad_version_file());
}

mod same {
    #[dockerflow::health_check(name = "same")]
    pub(crate) async fn one() {}
    #[dockerflow::health_check(name = "same too")]
    pub(crate) async fn other() {}
}

#[dockerflow::service(checks(same::one, same::one))]
fn with_one_check_twice() -> App {
    App::new()
}

#[test]
fn two_checks_of_one_name_stop_the_start_and_both_places_are_named() {
    let panic = std::panic::catch_unwind(with_one_check_twice)
        .err()
        .expect("it does not start");
    let text = panic.downcast::<String>().expect("a text");
    assert!(text.contains("two checks are named \"same\""), "{text}");
    assert_eq!(text.matches("tests/it/service.rs:").count(), 2, "{text}");
}
