//! Health checks alone: the program keeps its `HttpServer`, its logger and its path `/health`.
//!
//! ```console
//! $ cargo run --example health_only &
//! $ curl localhost:8000/health
//! ```

use std::{fs, io};

use actix_web::{App, HttpServer, Responder, get};
use dockerflow::{health::Heartbeat, health_check};

#[health_check]
fn temporary_files() -> io::Result<()> {
    fs::read_dir(std::env::temp_dir()).map(drop)
}

/// The report under the path that the monitoring knows. `heartbeat.report()` is the same as a value, for a form of one's own.
#[get("/health")]
async fn health(heartbeat: Heartbeat) -> impl Responder {
    heartbeat.response().await
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(health)
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = std::env::var("PORT").map_or(8000, |port| port.parse().expect("PORT is a number"));
    let server = HttpServer::new(dockerflow::share_engine(app)).bind(("0.0.0.0", port))?;
    eprintln!("listening on http://{}", server.addrs()[0]);
    server.run().await
}
