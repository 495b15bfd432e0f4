//! Metrics of the program's own, for Prometheus and for statsd alike, and a port for the scrape.
//!
//! ```console
//! $ cargo run --example prometheus --features prometheus &
//! $ curl -X POST localhost:8000/orders
//! $ curl localhost:9000/__metrics__
//! ```

use std::process::ExitCode;

use actix_web::{App, HttpResponse, Responder, post};
use dockerflow::{Metrics, Program, metrics::cadence::prelude::*};

#[post("/orders")]
async fn order(metrics: Metrics) -> impl Responder {
    metrics
        .incr_with_tags("orders")
        .with_tag("kind", "book")
        .send();
    metrics.measure("db.query", async {}).await; // a timer
    HttpResponse::Created()
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(order)
}

fn main() -> ExitCode {
    // What is always wanted stands in the code; the environment has the last word.
    Program::new(dockerflow::version!())
        .name("shop")
        .defaults([
            ("DOCKERFLOW_METRICS_ENDPOINT", "true"),
            ("DOCKERFLOW_OPS_PORT", "9000"),
        ])
        .run(async |server| server.run(app).await)
}
