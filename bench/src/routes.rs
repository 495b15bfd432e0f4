//! What a request to a route of the app costs: bare, with ours, and with its peers.

use actix_web::{App, HttpRequest, HttpResponse, body::BoxBody, web};
use dockerflow::Summary;
use dockerflow_bench::peers::{self, Factory};

use crate::scenario::{QUIET, requests};

/// Nobody listens there, which a sender of datagrams does not notice.
const STATSD: &str = "LOG_LEVEL=info STATSD_HOST=127.0.0.1 STATSD_PORT=9";
const PROMETHEUS: &str = "LOG_LEVEL=info DOCKERFLOW_METRICS_ENDPOINT=true";
const LOGS: &str = "LOG_LEVEL=info";
const JSON: &str = "LOG_LEVEL=info LOG_FORMAT=json";
/// What looking for a trace id costs where there is none.
const UNTRACED: &str = "LOG_LEVEL=info DOCKERFLOW_TRACE_CONTEXT=false";

requests! {
    "request, bare", QUIET => bare(), "/hello";
    "request, ours, log off", QUIET => logged(ours), "/hello";
    "request, ours", LOGS => logged(ours), "/hello";
    "request, ours, flat JSON", JSON => logged(ours), "/hello";
    "request, ours, without trace context", UNTRACED => logged(ours), "/hello";
    "request, ours, with statsd", STATSD => logged(ours), "/hello";
    "request, ours, with Prometheus", PROMETHEUS => logged(ours), "/hello";
    "request, middleware::Logger", LOGS => peers::logger(bare()), "/hello";
    "request, slog-mozlog-json by hand", LOGS => peers::by_hand(bare()), "/hello";
    "request, tracing-actix-web-mozlog", LOGS => peers::mozlog(bare()), "/hello";
    "request, tracing-actix-web, bunyan", LOGS => peers::bunyan(bare()), "/hello";
    "request, tracing-actix-web, json", LOGS => peers::json(bare()), "/hello";
    "request, actix-request-identifier", QUIET => peers::identifier(bare()), "/hello";
    "request, actix-web-prom", QUIET => peers::prometheus(bare()), "/hello";
    "request, summary with 10 fields", LOGS => logged(ours), "/fields/10";
    "request, summary with 100 fields", LOGS => logged(ours), "/fields/100";
    "request, summary with 2000 fields", LOGS => logged(ours), "/fields/2000";
    "404 of 10 routes", LOGS => logged(|| with_routes(10)), "/nowhere";
    "404 of 10 routes, with statsd", STATSD => logged(|| with_routes(10)), "/nowhere";
    "404 of 500 routes", LOGS => logged(|| with_routes(500)), "/nowhere";
    "404 of 500 routes, with statsd", STATSD => logged(|| with_routes(500)), "/nowhere";
}

async fn hello() -> &'static str {
    "hello"
}

/// Sets fields of numbers and short texts, whose names are the program's.
async fn fields(count: web::Path<usize>, summary: Summary) -> &'static str {
    for name in NAMES.iter().take(*count) {
        summary.set(&**name, 4711);
    }
    "hello"
}

static NAMES: std::sync::LazyLock<Vec<String>> =
    std::sync::LazyLock::new(|| (0..2000).map(|number| format!("field{number}")).collect());

/// The app that everything is measured on.
pub(crate) fn bare() -> App<impl Factory<Body = BoxBody>> {
    App::new()
        .app_data(web::Data::new(()))
        .route("/hello", web::get().to(hello))
        .route("/fields/{count}", web::get().to(fields))
}

#[dockerflow::service(checks())]
fn ours() -> App {
    bare()
}

#[dockerflow::service(checks())]
fn with_routes(count: usize) -> App {
    App::new().configure(|app| {
        for number in 0..count {
            app.route(
                &format!("/route{number}/{{id}}"),
                web::get().to(async |_: HttpRequest| HttpResponse::Ok()),
            );
        }
    })
}

/// The app, in a process whose log was started.
fn logged<T>(app: impl FnOnce() -> T) -> T {
    dockerflow::logging::init_logging("bench").expect("the log starts");
    app()
}
