//! A service with routes of each kind. The tests in `tests/it/metrics/` count what they ask of it.

use actix_web::{
    App, HttpResponse, Responder,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorForbidden,
    get, guard,
    middleware::{Next, from_fn},
    web,
};
use dockerflow::{Error, Metrics, Server, health_check, metrics::cadence::prelude::*};

#[health_check(name = "a|b:c")]
async fn oddly_named() {}

#[get("/books/{id}")]
async fn book(id: web::Path<u32>) -> impl Responder {
    match *id {
        404 => HttpResponse::NotFound().finish(),
        _ => HttpResponse::Ok().finish(),
    }
}

#[get("/panics/{id}")]
async fn panics() -> HttpResponse {
    panic!("as it is asked to")
}

#[get("/refused/{id}")]
async fn refused() -> &'static str {
    "a middleware answers before this does"
}

/// Counts in every way that an app can.
#[get("/count")]
async fn count(metrics: Metrics) -> &'static str {
    metrics
        .incr_with_tags("sold")
        .with_tag("kind", "book")
        .send();
    metrics
        .count_with_tags("sold", 2)
        .with_tag("kind", "book")
        .send();
    metrics.gauge_with_tags("depth", 7_u64).send();
    metrics.time_with_tags("took", 20).send();
    metrics.histogram_with_tags("size", 300_u64).send();
    metrics.set_with_tags("visitors", 1).send();
    metrics.measure("db.query", async {}).await;
    "counted"
}

/// A series for each number, as no app should.
#[get("/series/{number}")]
async fn series(number: web::Path<u32>, metrics: Metrics) -> &'static str {
    metrics
        .incr_with_tags("many")
        .with_tag("number", &number.to_string())
        .send();
    "counted"
}

async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.path().starts_with("/refused/") {
        return Err(ErrorForbidden("not for you"));
    }
    next.call(request).await
}

#[dockerflow::service]
fn app() -> App {
    App::new()
        .wrap(from_fn(gate))
        .service(book)
        .service(panics)
        .service(refused)
        .service(count)
        .service(series)
        .service(
            web::scope("/api/{version}")
                .service(web::scope("/shops").route("/{shop}", web::get().to(HttpResponse::Ok))),
        )
        .service(
            web::resource("/guarded")
                .guard(guard::Header("x-kind", "a"))
                .to(HttpResponse::Ok),
        )
        .service(
            web::resource("/guarded")
                .name("other")
                .guard(guard::Header("x-kind", "b"))
                .to(HttpResponse::Created),
        )
        .route("/files/{tail:.*}", web::get().to(HttpResponse::Ok))
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    server.metrics().gauges("pool", || [("size", 3)]);
    server.run(app).await
}
