//! A dictionary. Its endpoints, log and metrics are written by hand.

use std::{collections::HashMap, fs, io, net::UdpSocket, path::PathBuf, sync::Arc};

use actix_web::{
    App, HttpResponse, HttpServer,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    get,
    middleware::{Next, from_fn},
    web::{Data, Path},
};
use cadence::{QueuingMetricSink, StatsdClient, UdpMetricSink, prelude::*};
use serde::Deserialize;
use slog::{Drain, Logger, info, o};
use slog_mozlog_json::MozLogJson;

#[derive(Deserialize)]
#[serde(default)]
struct Settings {
    host: String,
    port: u16,
    metrics_target: String,
    version_file: PathBuf,
    words: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".into(),
            port: 8000,
            metrics_target: "localhost:8125".into(),
            version_file: "/app/version.json".into(),
            words: "words.json".into(),
        }
    }
}

struct State {
    settings: Settings,
    metrics: Arc<StatsdClient>,
    log: Logger,
    summaries: Logger,
}

#[get("/__lbheartbeat__")]
async fn lbheartbeat() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[get("/__heartbeat__")]
async fn heartbeat(state: Data<State>) -> HttpResponse {
    let words = fs::metadata(&state.settings.words).is_ok();
    let mut response = if words {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    response.json(HashMap::from([("words", words)]))
}

#[get("/__version__")]
async fn version(state: Data<State>) -> actix_web::Result<HttpResponse> {
    let text = fs::read_to_string(&state.settings.version_file)?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(text))
}

#[get("/words/{word}")]
async fn translate(word: Path<String>, state: Data<State>) -> actix_web::Result<HttpResponse> {
    let words = fs::read(&state.settings.words)?;
    let words: HashMap<String, String> = serde_json::from_slice(&words)?;
    let Some(translated) = words.get(&*word) else {
        return Ok(HttpResponse::NotFound().finish());
    };
    let _ = state.metrics.incr("translated");
    info!(state.log, "translated"; "length" => translated.len());
    Ok(HttpResponse::Ok().body(translated.clone()))
}

async fn summary(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let state = request.app_data::<Data<State>>().cloned();
    let log = state.expect("the app has it").summaries.clone();
    let header = |name| {
        let value = request.headers().get(name)?;
        value.to_str().ok().map(ToOwned::to_owned)
    };
    let (method, path) = (request.method().to_string(), request.path().to_owned());
    let (agent, lang) = (header("user-agent"), header("accept-language"));
    let response = next.call(request).await?;
    info!(log, ""; "method" => method, "path" => path, "code" => response.status().as_u16(), "agent" => agent, "lang" => lang);
    Ok(response)
}

fn logger(kind: &str) -> Logger {
    let mozlog = MozLogJson::new(io::stdout())
        .logger_name("dictionary".into())
        .msg_type(kind.into())
        .build();
    let queue = slog_async::Async::new(mozlog.fuse()).build();
    Logger::root(queue.fuse(), o!())
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let settings: Settings = envy::from_env().map_err(io::Error::other)?;
    let log = logger("app");
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let sink = UdpMetricSink::from(&settings.metrics_target, socket).map_err(io::Error::other)?;
    let metrics = Arc::new(StatsdClient::from_sink(
        "dictionary",
        QueuingMetricSink::from(sink),
    ));
    let address = (settings.host.clone(), settings.port);
    let state = Data::new(State {
        settings,
        metrics,
        log: log.clone(),
        summaries: logger("request.summary"),
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .wrap(from_fn(summary))
            .service(lbheartbeat)
            .service(heartbeat)
            .service(version)
            .service(translate)
    });
    let server = server.bind(address)?;
    eprintln!("listening on http://{}", server.addrs()[0]);
    info!(log, "started");
    server.run().await
}
