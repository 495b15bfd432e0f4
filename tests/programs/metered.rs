//! A service with routes of each kind. The tests in `tests/it/metrics/` count what they ask of it.

use actix_web::{
    App, HttpResponse, Responder,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorForbidden,
    get, guard,
    http::Method,
    middleware::{Next, from_fn},
    web,
};
use dockerflow::{Error, Metrics, Server, health_check, metrics::cadence::prelude::*};
use futures_util::stream;

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

/// Measures what nobody should, each in a call that may not harm the others.
#[get("/hostile")]
async fn hostile(metrics: Metrics) -> &'static str {
    metrics.gauge_with_tags("nan", f64::NAN).send();
    metrics.gauge_with_tags("infinite", f64::INFINITY).send();
    metrics.gauge_with_tags("below", -5.5).send();
    metrics.count_with_tags("least", i64::MIN).send();
    metrics
        .count_with_tags("most", u64::MAX)
        .with_sampling_rate(0.1)
        .send();
    metrics.count_with_tags("exact", (1_u64 << 53) + 1).send();
    metrics.incr_with_tags("").send();
    metrics.incr_with_tags(&"long".repeat(16 * 1024)).send();
    // Names of ours, and some that only Prometheus cannot hold both of.
    metrics.time_with_tags("request", 1).send();
    metrics.incr_with_tags("heartbeat_pass").send();
    metrics.incr_with_tags("twice").send();
    metrics.gauge_with_tags("twice", 1_u64).send();
    metrics.gauge_with_tags("twice_total", 1_u64).send();
    metrics.incr_with_tags("a.b").send();
    metrics.incr_with_tags("a_b").send();
    metrics.gauge_with_tags("took_seconds_count", 1_u64).send();
    // The same labels in another order.
    metrics
        .incr_with_tags("turned")
        .with_tag("a", "1")
        .with_tag("b", "2")
        .send();
    metrics
        .incr_with_tags("turned")
        .with_tag("b", "2")
        .with_tag("a", "1")
        .send();
    metrics
        .incr_with_tags("quoted\\\"name")
        .with_tag("a\"b", "\\ \" é\nforged:1|c")
        .send();
    metrics.time_with_tags("packed", vec![10, 20]).send();
    metrics.meter_with_tags("speed", 5).send();
    "measured"
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
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.path().starts_with("/refused/") {
        return Err(ErrorForbidden("not for you"));
    }
    assert!(!request.path().starts_with("/gate/"), "the gate panics");
    // As middleware for CORS does.
    if request.method() == Method::OPTIONS {
        let response = HttpResponse::NoContent().finish();
        return Ok(request.into_response(response).map_into_right_body());
    }
    next.call(request)
        .await
        .map(ServiceResponse::map_into_left_body)
}

/// Answers everything in its scope before that is reached.
async fn closed(
    request: ServiceRequest,
    _: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    Ok(request.into_response(HttpResponse::Gone().finish()))
}

#[get("/breaks/{id}")]
async fn breaks() -> HttpResponse {
    let parts = (0..2).map(|part| match part {
        0 => Ok::<_, actix_web::Error>(web::Bytes::from_static(b"begun")),
        _ => panic!("in the middle of a body"),
    });
    HttpResponse::Ok().streaming(stream::iter(parts))
}

#[get("/waits/{id}")]
async fn waits() -> &'static str {
    std::future::pending().await
}

#[get("/socket/{id}")]
async fn socket(
    request: actix_web::HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let (response, session, _) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(session.close(None));
    Ok(response)
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
        .route("/head/{id}", web::head().to(HttpResponse::Ok))
        .service(web::resource("/items/{id}").route(web::get().to(HttpResponse::Ok)))
        .service(hostile)
        .service(breaks)
        .service(socket)
        .service(waits)
        .route("/gate/{id}", web::get().to(HttpResponse::Ok))
        .service(web::redirect("/old/{id}", "/books/1"))
        .service(
            web::scope("/closed/{id}")
                .wrap(from_fn(closed))
                .route("/inner", web::get().to(HttpResponse::Ok)),
        )
        .service(
            web::scope("/lenient")
                .route("/known", web::get().to(HttpResponse::Ok))
                .default_service(web::to(HttpResponse::Accepted)),
        )
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    server.metrics().gauges("pool", || [("size", 3)]);
    server.run(app).await
}
