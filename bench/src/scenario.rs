//! An app, a request, and the loop that every scenario shares: so that two differ in nothing else.

use std::{env, future::Future, pin::Pin, thread, time::Duration};

use actix_web::{
    App, Error,
    body::{self, MessageBody},
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    http::StatusCode,
    test,
};

/// A named loop.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// The variables of its process: `NAME=value`, with spaces between them.
    pub(crate) environment: &'static str,
    pub(crate) run: fn(usize) -> Pin<Box<dyn Future<Output = ()>>>,
}

/// The variables of a process that logs nothing and sends nothing.
pub(crate) const QUIET: &str = "LOG_LEVEL=off";

/// `name, environment => app, path;` …
macro_rules! requests {
    ($($name:literal, $environment:expr => $app:expr, $path:expr;)*) => {
        pub(crate) const SCENARIOS: &[$crate::scenario::Scenario] = &[$($crate::scenario::Scenario {
            name: $name,
            environment: $environment,
            run: |requests| Box::pin($crate::scenario::repeat($app, $path, requests)),
        }),*];
    };
}
pub(crate) use requests;

/// `name, environment => what happens once;` …
macro_rules! calls {
    ($($name:literal, $environment:expr => $before:expr, $call:expr;)*) => {
        pub(crate) const SCENARIOS: &[$crate::scenario::Scenario] = &[$($crate::scenario::Scenario {
            name: $name,
            environment: $environment,
            run: |calls| Box::pin(async move {
                let subject = $before;
                for _ in 0..calls {
                    $call(&subject);
                }
            }),
        }),*];
    };
}
pub(crate) use calls;

/// GETs `path` of `app`, `requests` times, with a browser's headers, and reads each body to its end.
///
/// A path below `/nowhere` is expected to be unknown, any other to be known. If a report of the heartbeat is fresh for a
/// millisecond, each request comes after that.
pub(crate) async fn repeat<T, B>(app: App<T>, path: &str, requests: usize)
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    T::Future: 'static,
    B: MessageBody + 'static,
{
    let expected = if path.starts_with("/nowhere") {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    // A browser would get the heartbeat's page.
    let accept = if path.starts_with("/__") {
        "*/*"
    } else {
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    };
    let app = test::init_service(app).await;
    let is_short = env::var("DOCKERFLOW_HEARTBEAT_TTL").is_ok_and(|fresh| fresh == "1ms");
    for _ in 0..requests {
        if is_short {
            thread::sleep(Duration::from_millis(2));
        }
        let request = test::TestRequest::get()
            .uri(path)
            .insert_header(("host", "service.example"))
            .insert_header((
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ))
            .insert_header(("accept", accept))
            .insert_header(("accept-language", "en-US,en;q=0.5"))
            .insert_header(("accept-encoding", "gzip, deflate, br, zstd"));
        let response = test::call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), expected, "{path}");
        let body = body::to_bytes(response.into_body()).await;
        assert!(body.is_ok(), "{path}");
    }
}
