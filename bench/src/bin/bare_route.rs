//! A service of one route, with actix-web alone.

use std::{env, io};

use actix_web::{App, HttpServer, get};

#[get("/")]
async fn index() -> &'static str {
    "hello"
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = env::var("PORT").map_err(io::Error::other)?;
    let port: u16 = port.parse().map_err(io::Error::other)?;
    HttpServer::new(|| App::new().service(index))
        .bind(("127.0.0.1", port))?
        .run()
        .await
}
