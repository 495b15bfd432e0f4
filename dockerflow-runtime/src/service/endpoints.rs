//! The paths that a service answers by itself, and what it answers.

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

use super::{
    engine::Engine,
    heartbeat,
    response::{json, response},
};
use crate::health::liveness_fails;

/// One of the paths that a service answers by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    LbHeartbeat,
    Version,
    Heartbeat,
    Error,
    Metrics,
}

impl Endpoint {
    /// Returns the endpoint that a request is for. Almost all requests are for none, so that must be cheap.
    #[inline]
    pub(crate) fn of(head: &RequestHead) -> Option<Self> {
        let path = head.uri.path().strip_prefix("/__")?;
        match path.strip_suffix('/').unwrap_or(path) {
            "lbheartbeat__" => Some(Self::LbHeartbeat),
            "version__" => Some(Self::Version),
            "heartbeat__" => Some(Self::Heartbeat),
            "error__" => Some(Self::Error),
            "metrics__" => Some(Self::Metrics),
            _ => None,
        }
    }

    /// Returns whether a response needs a summary in the log: one whose status differs from that of the previous probe.
    pub(crate) fn is_news(
        self,
        request: &HttpRequest,
        status: StatusCode,
        engine: &Engine,
    ) -> bool {
        let last = match self {
            Self::LbHeartbeat => &engine.last_statuses.lbheartbeat,
            Self::Heartbeat => &engine.last_statuses.heartbeat,
            _ => return !status.is_success(),
        };
        if status.is_client_error() {
            return true;
        }
        // A probe of a single check says nothing about the state of the service.
        let is_whole = self != Self::Heartbeat || !heartbeat::names_checks(request);
        is_whole && last.is_changed_by(status)
    }

    /// Returns the response if it is known without waiting: always, except for a heartbeat whose report is not fresh.
    pub(crate) fn immediate(self, request: &HttpRequest, engine: &Engine) -> Option<HttpResponse> {
        let method = request.method();
        if !self.allows(method) {
            return Some(self.method_not_allowed());
        }
        let response = match self {
            Self::LbHeartbeat => lbheartbeat(engine),
            Self::Version => json(StatusCode::OK, engine.version.clone()),
            Self::Heartbeat => heartbeat::immediate(request, engine)?,
            Self::Error => return None, // it is raised inside the app
            Self::Metrics => metrics(engine),
        };
        Some(self.for_method(method, response))
    }

    /// Returns whether a method is answered. `HAProxy`'s `option httpchk` sends `OPTIONS` by default.
    fn allows(self, method: &Method) -> bool {
        matches!(*method, Method::GET | Method::HEAD)
            || (*method == Method::OPTIONS && self != Self::Error)
    }

    fn allowed(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Error => "GET, HEAD",
            _ => "GET, HEAD, OPTIONS",
        })
    }

    /// Adapts the response to `GET` to `method`: that to `OPTIONS` has its status, no body, and the allowed methods.
    fn for_method(self, method: &Method, response: HttpResponse) -> HttpResponse {
        if *method != Method::OPTIONS {
            return response;
        }
        let mut response = response.set_body(BoxBody::new(()));
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        headers.insert(header::ALLOW, self.allowed());
        response
    }

    fn method_not_allowed(self) -> HttpResponse {
        let mut response = response(StatusCode::METHOD_NOT_ALLOWED, BoxBody::new(()));
        response.headers_mut().insert(header::ALLOW, self.allowed());
        response
    }
}

/// Answers `/__heartbeat__` with the report of the run in flight, or of a new one.
pub(crate) async fn heartbeat(request: HttpRequest, engine: Arc<Engine>) -> HttpResponse {
    let response = heartbeat::wait(&request, &engine).await;
    Endpoint::Heartbeat.for_method(request.method(), response)
}

/// It reads nothing but flags: a load balancer must not remove an instance because of what all instances share.
fn lbheartbeat(engine: &Engine) -> HttpResponse {
    let status = if engine.draining() || liveness_fails() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    response(status, BoxBody::new(()))
}

/// Makes the response to `/__error__`.
pub(super) fn raised() -> HttpResponse {
    json(
        StatusCode::INTERNAL_SERVER_ERROR,
        Bytes::from_static(br#"{"status":"error"}"#),
    )
}

/// Returns the response that Prometheus reads.
fn metrics(engine: &Engine) -> HttpResponse {
    let Some(text) = engine.metrics.scrape() else {
        // The program was built without the feature. A warning at start has said so.
        return response(StatusCode::NOT_FOUND, BoxBody::new(()));
    };
    let mut response = response(StatusCode::OK, BoxBody::new(text));
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let kind = HeaderValue::from_static(format);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Returns the response to a request whose handler panicked.
pub(crate) fn internal_error() -> HttpResponse {
    json(
        StatusCode::INTERNAL_SERVER_ERROR,
        Bytes::from_static(br#"{"code":500,"error":"Internal Server Error"}"#),
    )
}
