//! A `main` and an `HttpServer` of the program's own: the endpoints and logs come with the app, the rest stays as it is.
//!
//! ```console
//! $ cargo run --example own_main &
//! $ curl localhost:8000/__heartbeat__
//! ```

use actix_web::{App, HttpServer, get};

#[get("/")]
async fn index() -> &'static str {
    "hello"
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(index)
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    dockerflow::logging::init_logging("shop")?;
    let port = std::env::var("PORT").map_or(8000, |port| port.parse().expect("PORT is a number"));
    // All workers share one heartbeat. What `Server` has beyond that is missing: the drain, the commands, the exit codes.
    let server = HttpServer::new(dockerflow::share_engine(app)).bind(("0.0.0.0", port))?;
    eprintln!("listening on http://{}", server.addrs()[0]);
    server.run().await
}
