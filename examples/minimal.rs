//! A service in twenty lines: it has the endpoints, the logs, the metrics, and an orderly end.
//!
//! ```console
//! $ cargo run --example minimal &
//! $ curl localhost:8000/__version__
//! ```

use actix_web::{App, get};
use dockerflow::{Error, Server};

#[get("/")]
async fn index() -> &'static str {
    "hello"
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(index)
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    server.run(app).await
}
