//! A service with a `tracing` subscriber of its own, in which the log is a layer. `ARRANGEMENT` says what stands beside it.

use std::{env, io, process::ExitCode};

use actix_web::{App, get};
use dockerflow::{Error, Server};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    filter::{LevelFilter, filter_fn},
    layer::{Layered, SubscriberExt as _},
};

/// Logs by each interface, inside spans.
#[get("/order/{item}")]
#[tracing::instrument(name = "order")]
async fn order(item: actix_web::web::Path<u64>) -> String {
    tracing::info!("by tracing");
    log::info!("by log");
    slog::info!(dockerflow::logging::logger(), "by slog");
    charge().await;
    tracing::debug!("for debugging");
    format!("ordered {item}")
}

#[tracing::instrument(name = "charge")]
async fn charge() {
    actix_web::rt::task::yield_now().await;
    tracing::info!(amount = 17, "charged");
    log::error!("an error by log");
    tracing::error!("an error by tracing");
    let span = tracing::Span::current();
    let pooled = dockerflow::block(move || span.in_scope(|| log::info!("on the pool"))).await;
    assert!(pooled.is_ok(), "it does not panic");
}

/// A request that logs nothing itself.
#[get("/quiet")]
#[tracing::instrument(name = "quiet")]
async fn quiet() -> &'static str {
    "quiet"
}

#[get("/untraced")]
async fn untraced() -> &'static str {
    log::info!("outside all spans");
    "untraced"
}

#[dockerflow::health_check]
async fn always() {}

#[dockerflow::service]
fn app() -> App {
    App::new().service(order).service(quiet).service(untraced)
}

/// The app's own logger, which writes to stderr.
struct Own;

impl log::Log for Own {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        eprintln!("own logger: {} {}", record.target(), record.args());
    }

    fn flush(&self) {}
}

/// Sends spans by OTLP over HTTP.
fn provider() -> SdkTracerProvider {
    let endpoint = env::var("OTLP").expect("an endpoint");
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_headers([("x-test".to_owned(), "1".to_owned())].into())
        .with_endpoint(endpoint)
        .build()
        .expect("an exporter");
    SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .build()
}

type WithLog<L> = Layered<L, Registry>;

fn with_log() -> WithLog<impl tracing_subscriber::Layer<Registry> + Send + Sync + 'static> {
    tracing_subscriber::registry().with(dockerflow::logging::layer())
}

fn set(subscriber: impl tracing::Subscriber + Send + Sync + 'static) {
    tracing::subscriber::set_global_default(subscriber).expect("it is the first");
}

fn main() -> ExitCode {
    let arrangement = env::var("ARRANGEMENT").unwrap_or_default();
    let mut spans = None;
    let mut guard = None;
    match &*arrangement {
        "opentelemetry" => {
            let provider = provider();
            let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("subscribed"));
            set(with_log().with(layer));
            spans = Some(provider);
        }
        "opentelemetry first" => {
            let provider = provider();
            let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("subscribed"));
            let subscriber = tracing_subscriber::registry().with(layer);
            set(subscriber.with(dockerflow::logging::layer()));
            spans = Some(provider);
        }
        "sentry" => {
            guard = Some(sentry::init(env::var("OWN_DSN").expect("a DSN")));
            let errors = sentry_tracing::ErrorLayer::new().with_filter(LevelFilter::ERROR);
            let trail = sentry_tracing::BreadcrumbLayer::new().with_filter(LevelFilter::INFO);
            set(with_log().with(errors).with(trail));
        }
        "global filter" => set(with_log().with(EnvFilter::new("warn"))),
        "own filters" => {
            let errors = tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_filter(LevelFilter::ERROR);
            let debug = tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_filter(filter_fn(|metadata| *metadata.level() == Level::DEBUG));
            let filtered = tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_filter(EnvFilter::new("off"));
            set(with_log().with(errors).with(debug).with(filtered));
        }
        "own logger" => {
            log::set_boxed_logger(Box::new(Own)).expect("it is the first");
            log::set_max_level(log::LevelFilter::Info);
            set(with_log());
        }
        "slog-scope" => {
            let guard = slog_scope::set_global_logger(dockerflow::logging::logger());
            guard.cancel_reset();
        }
        other => panic!("there is no arrangement {other:?}"),
    }
    let program = dockerflow::Program::new(dockerflow::version!());
    let ended = program.run(async |server: Server| -> Result<(), Error> {
        slog_scope_says();
        server.run(app).await
    });
    if let Some(provider) = spans {
        provider.shutdown().expect("the spans are sent");
    }
    drop(guard);
    ended
}

fn slog_scope_says() {
    if env::var("ARRANGEMENT").is_ok_and(|arrangement| arrangement == "slog-scope") {
        slog_scope::info!("by slog-scope"; "number" => 7);
    }
}
