//! The app with what services use instead, each set up as its own documentation does, at INFO.
//!
//! Most of them own the process's log or subscriber: call one in a process, once.
//!
//! All of them panic if the process has a log already.

#![allow(
    clippy::missing_panics_doc,
    reason = "the module's documentation has it"
)]

use std::{io, sync::Mutex};

use actix_request_identifier::RequestIdentifier;
use actix_web::{
    App,
    body::MessageBody,
    dev::{Service as _, ServiceFactory, ServiceRequest, ServiceResponse},
    http::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderName, USER_AGENT},
    middleware::Logger,
};
use actix_web_prom::PrometheusMetricsBuilder;
use slog::{Drain as _, o};
use slog_mozlog_json::MozLogJson;
use tracing_actix_web_mozlog::{JsonStorageLayer, MozLog, MozLogFormatLayer};
use tracing_bunyan_formatter::BunyanFormattingLayer;
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt as _};

/// What an app that is measured consists of.
pub trait Factory:
    ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<Self::Body>,
        Error = actix_web::Error,
        InitError = (),
    > + 'static
{
    /// The body of its responses.
    type Body: MessageBody + 'static;
}

impl<T, B: MessageBody + 'static> Factory for T
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
{
    type Body = B;
}

/// `middleware::Logger` with `env_logger`.
pub fn logger<T: Factory>(app: App<T>) -> App<impl Factory> {
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Info)
        .target(env_logger::Target::Stdout)
        .init();
    app.wrap(Logger::default())
}

/// As classify-client, contile and autopush have it, without the mutex that some put around the drain.
pub fn by_hand<T: Factory>(app: App<T>) -> App<impl Factory> {
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
    app.wrap_fn(move |request: ServiceRequest, service| {
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
            let response = response.await?;
            slog::info!(logger, ""; "code" => response.status().as_u16());
            Ok(response)
        }
    })
}

/// As the documentation of tracing-actix-web-mozlog has it, with a filter: without one it logs each poll.
pub fn mozlog<T: Factory>(app: App<T>) -> App<impl Factory> {
    let layers = tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(JsonStorageLayer)
        .with(MozLogFormatLayer::new("bench", io::stdout));
    start(layers);
    app.wrap(MozLog::default())
}

/// tracing-actix-web with the layers that its documentation has: they write a line when a request begins and one when it ends.
pub fn bunyan<T: Factory>(app: App<T>) -> App<impl Factory> {
    let layers = tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_bunyan_formatter::JsonStorageLayer)
        .with(BunyanFormattingLayer::new("bench".to_owned(), io::stdout));
    start(layers);
    app.wrap(tracing_actix_web::TracingLogger::default())
}

/// tracing-actix-web with the JSON of tracing-subscriber, one line when a request's span closes.
pub fn json<T: Factory>(app: App<T>) -> App<impl Factory> {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_writer(Mutex::new(io::stdout()));
    start(
        tracing_subscriber::registry()
            .with(LevelFilter::INFO)
            .with(lines),
    );
    app.wrap(tracing_actix_web::TracingLogger::default())
}

fn start(layers: impl tracing::Subscriber + Send + Sync) {
    tracing::subscriber::set_global_default(layers).expect("the process has no subscriber");
}

/// actix-web-prom.
pub fn prometheus<T: Factory>(app: App<T>) -> App<impl Factory> {
    let metrics = PrometheusMetricsBuilder::new("bench").endpoint("/metrics");
    app.wrap(metrics.build().expect("a registry"))
}

/// actix-request-identifier: an id and its echo, nothing else.
pub fn identifier<T: Factory>(app: App<T>) -> App<impl Factory> {
    app.wrap(RequestIdentifier::with_uuid())
}
