//! An app, a request, and the loop that every scenario shares: so that two differ in nothing else.

use std::{future::Future, pin::Pin};

use actix_web::{
    App, Error,
    body::{self, MessageBody},
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    http::StatusCode,
    test,
};

/// A named loop of requests.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) run: fn(usize) -> Pin<Box<dyn Future<Output = ()>>>,
}

/// `name => app, path;` …
macro_rules! scenarios {
    ($($name:literal => $app:expr, $path:literal;)*) => {
        pub(crate) const SCENARIOS: &[$crate::scenario::Scenario] = &[$($crate::scenario::Scenario {
            name: $name,
            run: |requests| Box::pin($crate::scenario::repeat($app, $path, requests)),
        }),*];
    };
}
pub(crate) use scenarios;

/// GETs `path` of `app`, `requests` times, with a browser's headers, and reads each body to its end.
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
    let app = test::init_service(app).await;
    for _ in 0..requests {
        let request = test::TestRequest::get()
            .uri(path)
            .insert_header(("host", "service.example"))
            .insert_header((
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ))
            .insert_header((
                "accept",
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            ))
            .insert_header(("accept-language", "en-US,en;q=0.5"))
            .insert_header(("accept-encoding", "gzip, deflate, br, zstd"));
        let response = test::call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let body = body::to_bytes(response.into_body()).await;
        assert!(body.is_ok(), "{path}");
    }
}
