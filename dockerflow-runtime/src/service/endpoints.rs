//! The requests that are ours, and what they are answered.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    body::BoxBody,
    dev::RequestHead,
    http::{
        Method, StatusCode,
        header::{self, HeaderValue},
    },
    web::Bytes,
};

use super::engine::Engine;
use crate::health::Verdict;

/// One of the paths that a service answers by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    LbHeartbeat,
    Version,
    Heartbeat,
    Error,
}

impl Endpoint {
    /// The endpoint that a request is for. Almost all requests are for none: that must cost nothing.
    #[inline]
    pub(crate) fn of(head: &RequestHead) -> Option<Self> {
        let path = head.uri.path().strip_prefix("/__")?;
        match path.strip_suffix('/').unwrap_or(path) {
            "lbheartbeat__" => Some(Self::LbHeartbeat),
            "version__" => Some(Self::Version),
            "heartbeat__" => Some(Self::Heartbeat),
            "error__" => Some(Self::Error),
            _ => None,
        }
    }

    /// Whether answering it may log something.
    pub(crate) fn logs(self) -> bool {
        matches!(self, Self::Heartbeat | Self::Error)
    }

    /// The response, where it can be had without waiting.
    pub(crate) fn immediate(self, head: &RequestHead, engine: &Engine) -> Option<HttpResponse> {
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return Some(method_not_allowed());
        }
        match self {
            Self::LbHeartbeat => Some(empty()),
            Self::Version => Some(json(StatusCode::OK, engine.version.clone())),
            Self::Heartbeat => {
                let fresh = engine.heartbeat.fresh()?;
                Some(healthy_or_not(fresh, engine))
            }
            Self::Error if engine.options.error_endpoint => Some(error()),
            Self::Error => Some(HttpResponse::NotFound().finish()),
        }
    }
}

/// What the checks say: of their last run, the one under way, or a new one.
pub(crate) async fn heartbeat(request: HttpRequest, engine: Arc<Engine>) -> HttpResponse {
    let verdict = engine.heartbeat.verdict(&request).await;
    healthy_or_not(verdict, &engine)
}

fn healthy_or_not(verdict: Verdict, engine: &Engine) -> HttpResponse {
    let status = if verdict.healthy {
        StatusCode::OK
    } else {
        engine.options.health.failed_status
    };
    json(status, verdict.body)
}

fn empty() -> HttpResponse {
    response(StatusCode::OK, BoxBody::new(()))
}

fn json(status: StatusCode, body: Bytes) -> HttpResponse {
    let mut response = response(status, BoxBody::new(body));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Nobody may keep what is true of this moment.
fn response(status: StatusCode, body: BoxBody) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, body);
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

fn error() -> HttpResponse {
    log::error!("the /__error__ endpoint was called");
    json(
        StatusCode::INTERNAL_SERVER_ERROR,
        Bytes::from_static(br#"{"status":"error"}"#),
    )
}

/// What is answered for a handler that panicked.
pub(crate) fn internal_error() -> HttpResponse {
    json(
        StatusCode::INTERNAL_SERVER_ERROR,
        Bytes::from_static(br#"{"code":500,"error":"Internal Server Error"}"#),
    )
}

fn method_not_allowed() -> HttpResponse {
    let mut response = response(StatusCode::METHOD_NOT_ALLOWED, BoxBody::new(()));
    let allow = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}
