//! A service of one route, with dockerflow: what README.md begins with.

use actix_web::{App, get};
use dockerflow::Server;

#[get("/")]
async fn index() -> &'static str {
    "hello"
}

#[dockerflow::service(checks())]
fn app() -> App {
    App::new().service(index)
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), dockerflow::Error> {
    server.run(app).await
}
