//! A request from its arrival to the summary that is logged when it ends.

use std::{
    any::Any,
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use actix_web::{
    Error, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{RequestHead, ServiceRequest, ServiceResponse},
    error::InternalError,
};
use slog::Level;

use super::{endpoints, engine::Engine, remote::remote, summary_record::SummaryRecord};
use crate::{
    logging::{self, payload_text},
    metrics::{RequestMetrics, Routes},
    reports::RequestReport,
    request::{InScope, RequestId, Scope, Summary, TraceContext},
};

/// The status that a proxy logs for a client that went away before there was a response.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// A request from its arrival to its summary.
#[derive(Debug)]
pub(crate) struct Exchange {
    engine: Arc<Engine>,
    /// Its metrics, if it has any.
    metrics: Option<RequestMetrics>,
    /// The report that is sent if it fails.
    pub(super) report: Option<RequestReport>,
}

impl Exchange {
    /// Begins the exchange of a request that has just arrived. Returns it and the scope that its code is to run in.
    pub(super) fn start(head: &RequestHead, engine: &Arc<Engine>) -> (Self, Scope) {
        Self::begin(head, engine, None, None)
    }

    fn begin(
        head: &RequestHead,
        engine: &Arc<Engine>,
        metrics: Option<RequestMetrics>,
        report: Option<RequestReport>,
    ) -> (Self, Scope) {
        let options = &engine.options.summary;
        let id = RequestId::accept(head.headers.get(&options.id_header));
        let trace = if options.trace {
            TraceContext::accept(&head.headers)
        } else {
            None
        };
        let mut scope = Scope::new(id, trace);
        // Only the summary and the metrics use what is noted here.
        if metrics.is_some() || logging::is_on() {
            let remote = (options.remote).then(|| remote(head, &options.proxies));
            scope.arrive(head, options.querystring, remote.flatten());
        }
        let exchange = Self {
            engine: engine.clone(),
            metrics,
            report,
        };
        (exchange, scope)
    }

    /// Like `start`, for a request that goes to the app: it has metrics, and is reported if it fails.
    pub(super) fn start_app(
        request: &ServiceRequest,
        engine: &Arc<Engine>,
        metrics: Option<RequestMetrics>,
        routes: &Routes,
    ) -> (Self, Scope) {
        let report = engine.reports.request(request, routes);
        Self::begin(request.head(), engine, metrics, report)
    }

    /// Logs the summary of a request that the app has answered, or failed to, and makes the response ready to go.
    ///
    /// The app's types may panic here: that is then the outcome.
    pub(super) fn finish<B: MessageBody + 'static>(
        mut self,
        scope: Scope,
        outcome: Result<ServiceResponse<B>, Error>,
    ) -> Result<ServiceResponse, Error> {
        let response = match outcome {
            Ok(response) => response,
            Err(error) => return Err(self.fail(scope, error)),
        };
        let with_body = || response.map_body(|_, body| in_scope(body, &scope));
        let mut response = match catch_unwind(AssertUnwindSafe(with_body)) {
            Ok(response) => response,
            Err(payload) => return Err(self.fail(scope, panicked(&*payload))),
        };
        let status = response.status();
        if let (Some(metrics), Some(arrival)) = (self.metrics.take(), scope.arrival()) {
            metrics.answered(response.request(), status, arrival.took());
        }
        let code = status.as_u16();
        let error = response.response().error();
        Self::log(
            level(code),
            &scope,
            code,
            error.map(|error| error as &dyn Display),
        );
        if let (Some(report), Some(error)) = (&self.report, error)
            && code >= 500
        {
            // If its `Display` panicked, that is already in the log.
            let _ = in_request(&scope, || report.failed(error));
        }
        self.echo(scope, response.response_mut());
        Ok(response)
    }

    /// Logs the summary of a request that the app has failed to answer. Returns the error that makes the response.
    #[cold]
    pub(super) fn fail(mut self, scope: Scope, error: Error) -> Error {
        let made = in_request(&scope, || error.error_response());
        let (error, mut response) = match made {
            Ok(response) => (error, response),
            Err(panic) => (panic, endpoints::internal_error()),
        };
        if let (Some(metrics), Some(arrival)) = (self.metrics.take(), scope.arrival()) {
            let path = String::from_utf8_lossy(arrival.sent.path());
            let (status, took) = (response.status(), arrival.took());
            metrics.failed(&arrival.method, &path, status, took);
        }
        let code = response.status().as_u16();
        Self::log(level(code), &scope, code, Some(&error));
        if let Some(report) = &self.report
            && code >= 500
        {
            let _ = in_request(&scope, || report.failed(&error));
        }
        self.echo(scope, &mut response);
        InternalError::from_response(error, response).into()
    }

    /// Finishes a request to one of our own endpoints, which is logged only if its status has changed.
    pub(super) fn finish_probe(&self, scope: Scope, response: &mut ServiceResponse, news: bool) {
        if news || self.engine.options.summary.probes {
            let code = response.status().as_u16();
            // Every deploy drains: nobody should be paged for that.
            let level = if self.engine.draining() {
                Level::Info
            } else {
                level(code)
            };
            Self::log(level, &scope, code, None);
        }
        self.echo(scope, response.response_mut());
    }

    /// Logs the summary of a request that is given up.
    pub(super) fn abandon(scope: &Scope, panic: Option<&str>) {
        let reason =
            "given up before there was a response: the client went away, or the server stopped";
        match panic {
            None => Self::log(Level::Info, scope, CLIENT_CLOSED_REQUEST, Some(&reason)),
            Some(panic) => {
                let reason = format!("{reason}; then {panic}");
                Self::log(Level::Error, scope, CLIENT_CLOSED_REQUEST, Some(&reason));
            }
        }
    }

    fn echo<B>(&self, scope: Scope, response: &mut HttpResponse<B>) {
        if let Some(id) = scope.into_id() {
            let name = &self.engine.options.summary.id_header;
            // A proxy hands on the id of its upstream. A response has few headers: a look at each costs less than a search.
            if !response.headers().keys().any(|header| header == name) {
                response.headers_mut().append(name.clone(), id.into_value());
            }
        }
        self.engine.close_if_draining(response);
    }

    #[inline]
    fn log(level: Level, scope: &Scope, code: u16, error: Option<&dyn Display>) {
        let is_skipped = scope.summary().is_some_and(Summary::is_skipped);
        if is_skipped && code < 500 {
            return;
        }
        let Some(arrival) = scope.arrival() else {
            return;
        };
        let record = SummaryRecord {
            arrival,
            scope,
            code,
        };
        let Some(error) = error else {
            return record.log(level, None);
        };
        // Formatting the error may log, and may panic.
        if let Err(panic) = in_request(scope, || record.log(level, Some(error))) {
            let text = format!("an error whose text {panic}");
            record.log(level, Some(&text));
        }
    }
}

/// Calls code of the app in the scope of a request. Returns its result, or an error that describes its panic.
fn in_request<T>(scope: &Scope, work: impl FnOnce() -> T) -> Result<T, Error> {
    let mut scope = scope.clone();
    let inside = || {
        let _entered = scope.enter();
        work()
    };
    catch_unwind(AssertUnwindSafe(inside)).map_err(|payload| panicked(&*payload))
}

/// Returns the error of a request whose handler panicked. Its text is for the log only.
pub(super) fn panicked(payload: &(dyn Any + Send)) -> Error {
    let text = format!("panicked: {}", payload_text(payload));
    InternalError::from_response(text, endpoints::internal_error()).into()
}

/// The level at which a status is logged.
fn level(code: u16) -> Level {
    if code < 500 {
        Level::Info
    } else {
        Level::Error
    }
}

/// Returns a body whose parts are made in the request's scope, too. A complete body needs none.
fn in_scope<B: MessageBody + 'static>(body: B, scope: &Scope) -> BoxBody {
    if matches!(body.size(), BodySize::None) {
        return body.boxed();
    }
    match (body.try_into_bytes(), scope.id()) {
        (Ok(bytes), _) => bytes.boxed(),
        (Err(body), None) => body.boxed(),
        (Err(body), Some(id)) => {
            InScope::new(body, Scope::new(id.clone(), scope.trace().cloned())).boxed()
        }
    }
}
