//! The demo's routes on actix-web alone, with endpoints written by hand, without logs, drain and the rest: what `ours` is compared
//! with.

use std::{env, error::Error};

use actix_web::{App, HttpResponse, HttpServer, Responder, get, web::Data};
use dockerflow_demo::{Book, Settings, routes};

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
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("PORT")?.parse()?;
    let settings = Settings {
        database_url: env::var("DATABASE_URL")?,
        ..Settings::default()
    };
    let book = Data::new(Book::open(settings).await?);
    let app = move || {
        App::new()
            .app_data(book.clone())
            .service(lbheartbeat)
            .service(heartbeat)
            .service(version)
            .configure(routes)
    };
    HttpServer::new(app)
        .bind(("127.0.0.1", port))?
        .run()
        .await?;
    Ok(())
}
