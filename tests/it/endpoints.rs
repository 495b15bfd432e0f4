//! The endpoints over a real port: what they answer, and that nothing in an app can shadow them.

use actix_web::{
    App, HttpResponse, Responder,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorForbidden,
    http::header,
    middleware::{Next, from_fn},
    web,
};

use crate::support::Running;

const ENDPOINTS: [&str; 3] = ["/__version__", "/__heartbeat__", "/__lbheartbeat__"];

#[dockerflow::service(checks())]
fn empty() -> App {
    App::new()
}

async fn reject(
    _: ServiceRequest,
    _: Next<impl MessageBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    Err(ErrorForbidden("nobody may"))
}

async fn redirect(
    request: ServiceRequest,
    _: Next<impl MessageBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let response = HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "https://elsewhere.example/"))
        .finish();
    Ok(request.into_response(response))
}

async fn catch_all() -> impl Responder {
    HttpResponse::ImATeapot()
}

#[dockerflow::service(checks())]
fn with_catch_all() -> App {
    App::new()
        .route("/{tail:.*}", web::route().to(catch_all))
        .default_service(web::to(catch_all))
}

#[dockerflow::service(checks())]
fn rejecting() -> App {
    App::new().wrap(from_fn(reject))
}

#[dockerflow::service(checks())]
fn redirecting() -> App {
    App::new().wrap(from_fn(redirect))
}

#[test]
fn get_and_head_answer_with_or_without_a_slash_and_a_query() {
    let server = Running::start(1, empty);
    for endpoint in ENDPOINTS {
        for path in [
            endpoint.to_owned(),
            format!("{endpoint}/"),
            format!("{endpoint}?a=b"),
            format!("{endpoint}/?a"),
        ] {
            let get = server.get(&path);
            assert_eq!(get.status, 200, "GET {path}");
            assert_eq!(get.header("cache-control"), Some("no-store"), "GET {path}");
            let head = server.request("HEAD", &path);
            assert_eq!((head.status, head.body.as_str()), (200, ""), "HEAD {path}");
            assert_eq!(
                head.header("content-length"),
                get.header("content-length"),
                "HEAD {path}"
            );
        }
    }
}

#[test]
fn other_methods_are_told_which_are_allowed() {
    let server = Running::start(1, empty);
    for endpoint in ENDPOINTS {
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
            let response = server.request(method, endpoint);
            assert_eq!(response.status, 405, "{method} {endpoint}");
            assert_eq!(
                response.header("allow"),
                Some("GET, HEAD, OPTIONS"),
                "{method} {endpoint}"
            );
        }
    }
}

#[test]
fn the_bodies_have_their_content_types() {
    let server = Running::start(1, empty);
    for endpoint in ["/__version__", "/__heartbeat__"] {
        assert_eq!(
            server.get(endpoint).header("content-type"),
            Some("application/json"),
            "{endpoint}"
        );
    }
    let empty = server.get("/__lbheartbeat__");
    assert_eq!(
        (empty.header("content-type"), empty.body.as_str()),
        (None, "")
    );
}

#[test]
fn a_service_without_checks_is_healthy() {
    let server = Running::start(1, empty);
    assert_eq!(
        server.get("/__heartbeat__").json(),
        serde_json::json!({"status": "ok", "checks": {}, "details": {}})
    );
}

#[test]
fn the_version_object_has_its_four_keys_as_strings() {
    let server = Running::start(1, empty);
    let version = server.get("/__version__").json();
    for key in ["source", "version", "commit", "build"] {
        assert!(version[key].is_string(), "{key} in {version}");
    }
    assert_eq!(version.as_object().map(serde_json::Map::len), Some(4));
}

#[test]
fn nothing_in_an_app_shadows_the_endpoints() {
    let servers = [
        ("a catch-all route", Running::start(1, with_catch_all), 418),
        (
            "a middleware that rejects everything",
            Running::start(1, rejecting),
            403,
        ),
        (
            "a middleware that redirects everything",
            Running::start(1, redirecting),
            308,
        ),
    ];
    for (app, server, elsewhere) in &servers {
        assert_eq!(
            server.get("/elsewhere").status,
            *elsewhere,
            "{app} has the rest"
        );
        for endpoint in ENDPOINTS {
            assert_eq!(server.get(endpoint).status, 200, "{app}: {endpoint}");
        }
    }
}

#[test]
fn paths_that_look_like_ours_are_the_apps() {
    let server = Running::start(1, with_catch_all);
    for path in [
        "/__version",
        "/__version__/x",
        "/x/__version__",
        "/__VERSION__",
        "//__version__",
        "/__version__//",
        "/__lheartbeat__",
    ] {
        assert_eq!(server.get(path).status, 418, "{path}");
    }
}

#[test]
fn the_error_endpoint_is_off_by_default() {
    let server = Running::start(1, with_catch_all);
    assert_eq!(server.get("/__error__").status, 418, "the app answers");
}
