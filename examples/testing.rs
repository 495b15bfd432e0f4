//! Tests of a service: its responses, its checks, and what it logs and counts.
//!
//! ```console
//! $ cargo test --example testing
//! ```

use std::io;

use actix_web::{
    App, HttpResponse, Responder, post,
    web::{Data, Path},
};
use dockerflow::{Error, Metrics, Server, Summary, health_check, metrics::cadence::prelude::*};

/// Where orders go.
struct Stock {
    is_open: bool,
}

#[health_check]
async fn stock(stock: Data<Stock>) -> io::Result<()> {
    if stock.is_open {
        Ok(())
    } else {
        Err(io::Error::other("the stock is closed"))
    }
}

#[post("/orders/{item}")]
async fn order(item: Path<u32>, summary: Summary, metrics: Metrics) -> impl Responder {
    metrics.incr("orders").expect("a sink takes it");
    summary.set("item", *item);
    log::info!(item = *item; "ordered");
    HttpResponse::Created()
}

#[dockerflow::service]
fn app(stock: Data<Stock>) -> App {
    App::new().app_data(stock).service(order)
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    let stock = Data::new(Stock { is_open: true });
    server.run(move || app(stock.clone())).await
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
    use dockerflow::{metrics::cadence::SpyMetricSink, testing::Telemetry};
    use serde_json::{Value, json};

    use super::*;

    /// A check is a function.
    #[actix_web::test]
    async fn a_closed_stock_is_an_error() {
        assert!(stock(Data::new(Stock { is_open: true })).await.is_ok());
        assert!(stock(Data::new(Stock { is_open: false })).await.is_err());
    }

    /// An app has its endpoints in a test, too.
    #[actix_web::test]
    async fn a_closed_stock_fails_the_heartbeat() {
        let app = init_service(app(Data::new(Stock { is_open: false }))).await;
        let response =
            call_service(&app, TestRequest::get().uri("/__heartbeat__").to_request()).await;
        assert_eq!(response.status(), 503);
        let body: Value = read_body_json(response).await;
        assert_eq!(body["checks"], json!({"stock": "error"}));
    }

    #[actix_web::test]
    async fn an_order_is_logged_and_counted() {
        let (lines, sink) = SpyMetricSink::new();
        let telemetry = Telemetry::start();
        let app =
            app(Data::new(Stock { is_open: true })).app_data(Metrics::from_sink("shop", sink));
        let app = init_service(app).await;
        call_service(&app, TestRequest::post().uri("/orders/17").to_request()).await;

        let [summary] = &telemetry.summaries()[..] else {
            panic!("there was one request");
        };
        assert_eq!(summary.get("code"), Some(201));
        assert_eq!(summary.get("item"), Some(17));
        let logged = telemetry.logged();
        assert!(logged.iter().any(|line| line.message() == "ordered"));
        assert_eq!(lines.recv().expect("it was counted"), b"shop.orders:1|c");
    }
}
