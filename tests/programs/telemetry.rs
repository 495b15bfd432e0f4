//! A service whose code misbehaves while its telemetry is written. `tests/it/logs/` runs it, and looks at its stdout.

mod values;

use std::{fmt, time::Duration};

use actix_web::{
    App, HttpResponse, ResponseError,
    dev::{Service as _, ServiceResponse},
    get,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    web,
};
use dockerflow::{Error, Server, Summary, TraceContext};
use futures_util::stream;

/// An error that does something in each of its methods.
#[derive(Clone, Copy, Debug)]
enum Bad {
    TextPanics,
    TextLogs,
    ResponsePanics,
    ResponseLogs,
}

impl fmt::Display for Bad {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TextPanics => panic!("a text that panics"),
            Self::TextLogs => log::info!("from the text"),
            Self::ResponsePanics | Self::ResponseLogs => {}
        }
        write!(formatter, "{self:?}")
    }
}

impl ResponseError for Bad {
    fn error_response(&self) -> HttpResponse {
        match self {
            Self::ResponsePanics => panic!("a response that panics"),
            Self::ResponseLogs => log::info!("from the response"),
            Self::TextPanics | Self::TextLogs => {}
        }
        HttpResponse::new(StatusCode::BAD_GATEWAY)
    }
}

fn bad(name: &str) -> Bad {
    match name {
        "text-panics" => Bad::TextPanics,
        "text-logs" => Bad::TextLogs,
        "response-panics" => Bad::ResponsePanics,
        _ => Bad::ResponseLogs,
    }
}

#[get("/handler/{name}")]
async fn handler(name: web::Path<String>) -> Result<HttpResponse, Bad> {
    Err(bad(&name))
}

/// A guard that panics when the client goes away.
#[get("/guard")]
async fn guard() -> &'static str {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            panic!("a guard that panics");
        }
    }
    let guard = Guard;
    log::info!("guarded");
    actix_web::rt::time::sleep(Duration::from_secs(60)).await;
    std::mem::forget(guard);
    "unguarded"
}

#[get("/stream")]
async fn breaks() -> HttpResponse {
    let parts = [
        Ok(web::Bytes::from_static(b"a part")),
        Err(std::io::Error::other("the upstream broke")),
    ];
    HttpResponse::Ok().streaming(stream::iter(parts))
}

/// Records a value in a span whose `Debug` uses the span, too.
#[get("/record")]
async fn record() -> &'static str {
    struct Nosy;
    impl fmt::Debug for Nosy {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::info!("while it is recorded");
            tracing::Span::current().record("other", 7);
            formatter.write_str("nosy")
        }
    }
    let span = tracing::info_span!(
        "outer",
        value = tracing::field::Empty,
        other = tracing::field::Empty
    );
    let _entered = span.enter();
    span.record("value", tracing::field::debug(Nosy));
    tracing::info!(field = ?Nosy, "recorded");
    "recorded"
}

/// Records the fields of a span one by one, as each is known.
#[get("/recorded-late")]
async fn recorded_late() -> &'static str {
    let span = tracing::info_span!(
        "outer",
        first = 1,
        second = tracing::field::Empty,
        r#third = tracing::field::Empty
    );
    span.in_scope(|| {
        tracing::info!("with one");
        span.record("second", "a \"text\"");
        span.record("first", 2);
        log::info!("not in a span");
        tracing::info!("with two");
        span.record("third", f64::NAN);
        tracing::info!("with three");
    });
    "recorded"
}

/// Uses a span in each callback that a value of one has.
#[get("/reentrant")]
async fn reentrant() -> &'static str {
    struct Nosy(&'static str);
    impl fmt::Debug for Nosy {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            let inner = tracing::info_span!("inner", inner = self.0);
            inner.in_scope(|| tracing::info!("inside"));
            tracing::Span::current().record("other", self.0);
            log::info!("inside, by log");
            slog::info!(dockerflow::logging::logger(), "inside, by slog");
            formatter.write_str(self.0)
        }
    }
    impl Drop for Nosy {
        fn drop(&mut self) {
            tracing::info!("dropped");
        }
    }
    let span = tracing::info_span!("outer", value = ?Nosy("new"), other = tracing::field::Empty);
    let entered = span.enter();
    span.record("value", tracing::field::debug(Nosy("record")));
    tracing::info!(event = ?Nosy("event"), "{:?}", Nosy("message"));
    log::info!(event:? = Nosy("event"); "{:?}", Nosy("message of log"));
    slog::info!(dockerflow::logging::logger(), "{:?}", Nosy("message of slog"); "event" => ?Nosy("event"));
    drop(entered);
    drop(span);
    "done"
}

#[get("/debug")]
async fn debug() -> &'static str {
    log::debug!("by log");
    tracing::debug!("by tracing");
    slog::debug!(dockerflow::logging::logger(), "by slog");
    log::debug!(target: "quiet", "from what is off");
    "debugged"
}

/// Ends the process by a destructor that panics while another panic unwinds.
#[get("/abort")]
async fn abort() -> &'static str {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the second panic");
        }
    }
    log::info!("before the end");
    let _bomb = Bomb;
    panic!("the first panic");
}

#[get("/skip/{status}")]
async fn skip(status: web::Path<u16>, summary: Summary) -> HttpResponse {
    summary.skip();
    HttpResponse::new(StatusCode::from_u16(*status).unwrap_or(StatusCode::OK))
}

#[get("/trace")]
async fn trace(trace: Option<TraceContext>) -> String {
    log::error!("in the handler");
    let blocked = dockerflow::block(|| log::info!("on the pool")).await;
    assert!(blocked.is_ok(), "it does not panic");
    let headers = trace.iter().flat_map(TraceContext::headers);
    let headers: Vec<_> = headers
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    headers.join("\n")
}

#[get("/repeat")]
async fn repeat() -> &'static str {
    for number in 0..100_u64 {
        log::info!(number = number; "again");
    }
    log::info!("elsewhere");
    "repeated"
}

/// Says in a header what error it has seen, as a reporter of errors would.
fn seen(mut response: ServiceResponse) -> ServiceResponse {
    let error = response.response().error().map(ToString::to_string);
    if let Some(error) = error {
        let value = HeaderValue::from_str(&error).unwrap_or(HeaderValue::from_static("?"));
        let name = HeaderName::from_static("x-seen");
        response.headers_mut().insert(name, value);
    }
    response
}

/// A service without a check would warn of that.
#[dockerflow::health_check]
async fn always() {}

#[dockerflow::service]
fn app() -> App {
    let app = App::new().service(handler).service(guard).service(breaks);
    let app = app.route("/values", web::get().to(values::values));
    let app = app
        .service(record)
        .service(recorded_late)
        .service(reentrant)
        .service(debug)
        .service(abort)
        .service(skip)
        .service(trace)
        .service(repeat);
    let app = app.service(web::scope("/middleware").wrap_fn(|request, _| {
        let name = request.path().replace("/middleware/", "");
        async move { Err::<ServiceResponse, _>(actix_web::Error::from(bad(&name))) }
    }));
    let everything = async |tail: web::Path<String>| {
        HttpResponse::ImATeapot().body(format!("the app's own {tail}"))
    };
    let app = app.route("/{tail:.*}", web::to(everything));
    app.wrap_fn(|request, service| {
        let response = service.call(request);
        async move {
            let response = response.await?;
            Ok(if response.request().path().starts_with("/__error__") {
                seen(response)
            } else {
                response
            })
        }
    })
}

#[actix_web::main]
async fn main() -> Result<(), Error> {
    Server::from_env()?.run(app).await
}
