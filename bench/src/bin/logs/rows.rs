//! The services that are compared: one route, and a way of logging each.

use std::io;

use actix_web::{
    App, HttpServer,
    dev::{Server, Service as _, ServiceRequest, ServiceResponse},
    get,
    http::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderName, USER_AGENT},
    middleware::Logger,
    web,
};
use slog::{Drain as _, o};
use slog_mozlog_json::MozLogJson;
use tracing_actix_web_mozlog::{JsonStorageLayer, MozLog, MozLogFormatLayer};
use tracing_subscriber::layer::SubscriberExt as _;

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
    let mut builder = env_logger::Builder::new();
    builder
        .filter_level(log::LevelFilter::Info)
        .target(env_logger::Target::Stdout)
        .init();
    serve!(|| App::new().wrap(Logger::default()).service(item))
}

fn tracing() -> io::Result<(Server, u16)> {
    let layers = tracing_subscriber::registry()
        .with(tracing_subscriber::filter::LevelFilter::INFO)
        .with(JsonStorageLayer)
        .with(MozLogFormatLayer::new("bench", io::stdout));
    tracing::subscriber::set_global_default(layers).map_err(io::Error::other)?;
    let middleware = MozLog::default();
    serve!(move || App::new().wrap(middleware.clone()).service(item))
}

/// As classify-client, contile and autopush have it.
fn by_hand() -> io::Result<(Server, u16)> {
    let drain = MozLogJson::new(io::stdout())
        .logger_name("bench-0.1.0".to_owned())
        .msg_type("bench:log".to_owned())
        .hostname("localhost".to_owned())
        .build()
        .fuse();
    let drain = slog_async::Async::new(drain)
        .chan_size(65_536)
        .build()
        .fuse();
    let logger = slog::Logger::root(drain, o!());
    serve!(move || {
        let logger = logger.clone();
        App::new()
            .wrap_fn(move |request: ServiceRequest, service| {
                let text = |headers: &HeaderMap, name: HeaderName| {
                    headers
                        .get(name)
                        .and_then(|value| value.to_str().ok())
                        .map(str::to_owned)
                };
                let logger = logger.new(o!(
                    "method" => request.method().to_string(),
                    "path" => request.uri().to_string(),
                    "agent" => text(request.headers(), USER_AGENT),
                    "lang" => text(request.headers(), ACCEPT_LANGUAGE),
                    "remote" => request.connection_info().realip_remote_addr().map(str::to_owned),
                ));
                let response = service.call(request);
                async move {
                    let response: ServiceResponse<_> = response.await?;
                    slog::info!(logger, ""; "code" => response.status().as_u16());
                    Ok(response)
                }
            })
            .service(item)
    })
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
