//! The same routes on actix-web alone, without logs, drain and the rest: what `ours` is compared with.

use std::{env, io};

use actix_web::{App, HttpResponse, HttpServer, Responder, get};

#[get("/hello")]
async fn hello() -> &'static str {
    "hello"
}

#[get("/__lbheartbeat__")]
async fn lbheartbeat() -> impl Responder {
    HttpResponse::Ok()
}

#[get("/__heartbeat__")]
async fn heartbeat() -> &'static str {
    r#"{"status":"ok","checks":{},"details":{}}"#
}

#[get("/__version__")]
async fn version() -> &'static str {
    r#"{"source":"","version":"","commit":"","build":""}"#
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = env::var("PORT").ok().and_then(|port| port.parse().ok());
    let app = || {
        App::new()
            .service(hello)
            .service(lbheartbeat)
            .service(heartbeat)
            .service(version)
    };
    HttpServer::new(app)
        .bind(("127.0.0.1", port.unwrap_or(8000)))?
        .run()
        .await
}
