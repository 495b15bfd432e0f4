//! actix-web's `HttpServer`, changed where the environment has no variable for it: TLS, TCP options, a hook for each connection.
//!
//! ```console
//! $ cargo run --example own_http_server &
//! $ curl localhost:8000/
//! ```

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use actix_web::{App, get};
use dockerflow::{Error, Server};

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

#[get("/")]
async fn index() -> String {
    format!("connection {}\n", CONNECTIONS.load(Relaxed))
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(index)
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    // It has HOST, PORT, WORKERS and the time-outs already.
    let http = server.http(app)?.tcp_nodelay(true).on_connect(|_, _| {
        CONNECTIONS.fetch_add(1, Relaxed);
    });
    // With TLS: `.bind_rustls_0_23(server.address(), tls)?`. What is not bound is bound here.
    server.serve(http).await
}
