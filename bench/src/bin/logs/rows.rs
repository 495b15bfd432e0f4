//! The services that are compared: one route, and a way of logging each.

use std::io;

use actix_web::{App, HttpServer, dev::Server, get, web};
use dockerflow_bench::peers;

/// A service that is compared.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) start: fn() -> io::Result<(Server, u16)>,
}

/// All of them; the first is the one that the others are compared with.
pub(crate) const ALL: [Row; 5] = [
    Row {
        name: "bare",
        title: "bare actix-web",
        start: bare,
    },
    Row {
        name: "logger",
        title: "middleware::Logger, env_logger",
        start: logger,
    },
    Row {
        name: "tracing",
        title: "tracing-actix-web-mozlog",
        start: tracing,
    },
    Row {
        name: "slog",
        title: "slog-mozlog-json by hand, slog-async",
        start: by_hand,
    },
    Row {
        name: "ours",
        title: "dockerflow",
        start: ours,
    },
];

pub(crate) fn find(name: &str) -> io::Result<Row> {
    let row = ALL.into_iter().find(|row| row.name == name);
    row.ok_or_else(|| io::Error::other(format!("no row is named {name}")))
}

#[get("/items/{id}")]
async fn item(id: web::Path<u32>) -> String {
    format!("item {id}")
}

macro_rules! serve {
    ($factory:expr) => {{
        let server = HttpServer::new($factory)
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))?;
        let port = server.addrs()[0].port();
        Ok((server.run(), port))
    }};
}

fn bare() -> io::Result<(Server, u16)> {
    serve!(|| App::new().service(item))
}

fn logger() -> io::Result<(Server, u16)> {
    serve!(|| peers::logger(App::new().service(item)))
}

fn tracing() -> io::Result<(Server, u16)> {
    serve!(|| peers::mozlog(App::new().service(item)))
}

fn by_hand() -> io::Result<(Server, u16)> {
    serve!(|| peers::by_hand(App::new().service(item)))
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(item)
}

fn ours() -> io::Result<(Server, u16)> {
    dockerflow::logging::init_logging("bench")
        .map_err(|error| io::Error::other(error.to_string()))?;
    serve!(dockerflow::share_engine(app))
}
