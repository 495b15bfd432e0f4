//! A shop with tracing-actix-web, actix-web-prom, vergen and endpoints of its own.

use std::{collections::HashMap, fs, io};

use actix_web::{
    App, HttpResponse, HttpServer, Responder, get,
    web::{Json, Path},
};
use actix_web_prom::PrometheusMetricsBuilder;
use tracing_actix_web::TracingLogger;
use tracing_subscriber::EnvFilter;

#[get("/health")]
async fn health() -> HttpResponse {
    match fs::read_dir("/tmp") {
        Ok(_) => HttpResponse::Ok().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

#[get("/version")]
async fn version() -> impl Responder {
    Json(HashMap::from([
        ("version", env!("CARGO_PKG_VERSION")),
        ("commit", env!("VERGEN_GIT_SHA")), // by build.rs
    ]))
}

#[get("/orders/{id}")]
#[tracing::instrument]
async fn order(id: Path<u32>) -> String {
    tracing::info!("sold");
    format!("order {id}\n")
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .init();
    let prometheus = PrometheusMetricsBuilder::new("shop")
        .endpoint("/metrics")
        .build()
        .map_err(io::Error::other)?;
    let port =
        std::env::var("PORT").map_or(Ok(8000), |port| port.parse().map_err(io::Error::other))?;
    let server = HttpServer::new(move || {
        App::new()
            .wrap(prometheus.clone())
            .wrap(TracingLogger::default())
            .service(health)
            .service(version)
            .service(order)
    });
    let server = server.bind(("0.0.0.0", port))?;
    eprintln!("listening on http://{}", server.addrs()[0]);
    server.run().await
}
