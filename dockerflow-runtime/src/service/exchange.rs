//! What is logged of a request when it ends: the record `request.summary`.

use std::{
    any::Any,
    cell::Ref,
    fmt::Display,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use actix_web::{
    Error, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{RequestHead, ServiceRequest, ServiceResponse},
    error::InternalError,
    http::Method,
};
use log::kv;
use serde_json::Value as Json;
use slog::Level;

use super::{endpoints, engine::Engine, remote::remote, sent::Sent};
use crate::{
    logging::{self, Known, Line, Logging, Value, known, payload_text},
    metrics::{RequestMetrics, Routes},
    reports::RequestReport,
    request::{Fields, InScope, RequestId, Scope, Summary, TraceContext},
};

const TARGET: &str = "request.summary";

/// The status that a proxy logs for a client that went away before there was a response.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// A request from its arrival to its summary. It keeps what the summary needs, because the request is gone if the app fails.
#[derive(Debug)]
pub(crate) struct Exchange {
    engine: Arc<Engine>,
    started: Instant,
    method: Method,
    sent: Sent,
    /// The client's address, if summaries have it.
    remote: Option<IpAddr>,
    /// Its metrics, if it has any.
    metrics: Option<RequestMetrics>,
    /// The report that is sent if it fails.
    pub(super) report: Option<RequestReport>,
}

impl Exchange {
    /// Begins the exchange of a request that has just arrived. Returns it and the scope that its code is to run in.
    pub(super) fn start(head: &RequestHead, engine: &Arc<Engine>) -> (Self, Scope) {
        let options = &engine.options.summary;
        let id = RequestId::accept(head.headers.get(&options.id_header));
        let trace = if options.trace {
            TraceContext::accept(&head.headers)
        } else {
            None
        };
        let exchange = Self {
            engine: engine.clone(),
            started: Instant::now(),
            method: head.method.clone(),
            sent: Sent::of(head, options.querystring),
            remote: if options.remote {
                remote(head, &options.proxies)
            } else {
                None
            },
            metrics: None,
            report: None,
        };
        (exchange, Scope::new(id, trace))
    }

    /// Like `start`, for a request that goes to the app: it is counted, and reported if it fails.
    pub(super) fn start_app(
        request: &ServiceRequest,
        engine: &Arc<Engine>,
        metrics: Option<RequestMetrics>,
        routes: &Routes,
    ) -> (Self, Scope) {
        let (mut exchange, scope) = Self::start(request.head(), engine);
        exchange.metrics = metrics;
        exchange.report = engine.reports.request(request, routes);
        (exchange, scope)
    }

    /// Logs the summary of a request that the app has answered, or failed to, and makes the response ready to go.
    ///
    /// The app's types may panic here: that is then the outcome.
    pub(super) fn finish<B: MessageBody + 'static>(
        &mut self,
        scope: Scope,
        outcome: Result<ServiceResponse<B>, Error>,
    ) -> Result<ServiceResponse, Error> {
        let outcome = outcome.and_then(|response| {
            let with_body = || response.map_body(|_, body| in_scope(body, &scope));
            catch_unwind(AssertUnwindSafe(with_body)).map_err(|payload| panicked(&*payload))
        });
        let metrics = self.metrics.take();
        match outcome {
            Ok(mut response) => {
                let status = response.status();
                if let Some(metrics) = metrics {
                    metrics.answered(response.request(), status, self.started.elapsed());
                }
                let code = status.as_u16();
                let error = response.response().error();
                self.log(
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
            Err(error) => {
                let made = in_request(&scope, || error.error_response());
                let (error, mut response) = match made {
                    Ok(response) => (error, response),
                    Err(panic) => (panic, endpoints::internal_error()),
                };
                if let Some(metrics) = metrics {
                    let path = String::from_utf8_lossy(self.sent.path());
                    let took = self.started.elapsed();
                    metrics.failed(&self.method, &path, response.status(), took);
                }
                let code = response.status().as_u16();
                self.log(level(code), &scope, code, Some(&error));
                if let Some(report) = &self.report
                    && code >= 500
                {
                    let _ = in_request(&scope, || report.failed(&error));
                }
                self.echo(scope, &mut response);
                Err(InternalError::from_response(error, response).into())
            }
        }
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
            self.log(level, &scope, code, None);
        }
        self.echo(scope, response.response_mut());
    }

    /// Logs the summary of a request that is given up.
    pub(super) fn abandon(&self, scope: &Scope, panic: Option<&str>) {
        let reason =
            "given up before there was a response: the client went away, or the server stopped";
        match panic {
            None => self.log(Level::Info, scope, CLIENT_CLOSED_REQUEST, Some(&reason)),
            Some(panic) => {
                let reason = format!("{reason}; then {panic}");
                self.log(Level::Error, scope, CLIENT_CLOSED_REQUEST, Some(&reason));
            }
        }
    }

    fn echo<B>(&self, scope: Scope, response: &mut HttpResponse<B>) {
        if let Some(id) = scope.into_id() {
            let name = &self.engine.options.summary.id_header;
            // A proxy hands on the id of its upstream. A response has few headers: a look at each costs less than a search.
            if !response.headers().keys().any(|header| header == name) {
                response.headers_mut().insert(name.clone(), id.into_value());
            }
        }
        self.engine.close_if_draining(response);
    }

    fn log(&self, level: Level, scope: &Scope, code: u16, error: Option<&dyn Display>) {
        let is_skipped = scope.summary().is_some_and(Summary::is_skipped);
        if is_skipped && code < 500 {
            return;
        }
        let record = Record {
            exchange: self,
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

/// A summary that is about to be written.
struct Record<'a> {
    exchange: &'a Exchange,
    scope: &'a Scope,
    code: u16,
}

impl Record<'_> {
    fn log(&self, level: Level, error: Option<&dyn Display>) {
        match logging::current() {
            Some(logging) if !logging.filter().allows(level, TARGET) => {}
            Some(logging) => match (self.own("msg"), error) {
                (Some(own), _) => {
                    let text = own.as_str().map_or_else(|| own.to_string(), Into::into);
                    drop(own);
                    let message = Some(Value::Text(&text));
                    logging.write(level, TARGET, message, |line| self.write(logging, line));
                }
                (None, None) => {
                    logging.write(level, TARGET, None, |line| self.write(logging, line));
                }
                (None, Some(error)) => {
                    let message = Some(Value::Format(format_args!("{error:#}")));
                    logging.write(level, TARGET, message, |line| self.write(logging, line));
                }
            },
            None => self.hand_over(level, error),
        }
    }

    /// The fields that are ours: [`is_ours`] knows each of them.
    #[inline]
    fn each(&self, mut field: impl Put) {
        let Exchange {
            engine: _,
            started,
            method,
            sent,
            remote,
            metrics: _,
            report: _,
        } = self.exchange;
        let code = u64::from(self.code);
        let milliseconds = u64::try_from(started.elapsed().as_millis());
        if let Some(agent) = sent.agent() {
            field.put(known!("agent"), Value::Bytes(agent));
        }
        field.put(
            known!("errno"),
            Value::Unsigned(if code < 400 { 0 } else { code }),
        );
        field.put(known!("code"), Value::Unsigned(code));
        if let Some(lang) = sent.lang() {
            field.put(known!("lang"), Value::Bytes(lang));
        }
        field.put(known!("method"), Value::Plain(method.as_str().as_bytes()));
        // These are bytes that the client chose, whatever their type.
        field.put(known!("path"), Value::Bytes(sent.path()));
        if let Some(query) = sent.query() {
            field.put(known!("querystring"), Value::Bytes(query));
        }
        if let Some(address) = remote {
            field.put(known!("remote"), Value::Format(format_args!("{address}")));
        }
        if let Some(id) = self.scope.id() {
            field.put(known!("rid"), Value::Plain(id.as_bytes()));
        }
        if let Some(trace) = self.scope.trace() {
            field.put(known!("trace_id"), Value::Plain(trace.trace_bytes()));
            if let Some(span) = trace.span_bytes() {
                field.put(known!("span_id"), Value::Plain(span));
            }
        }
        field.put(
            known!("t"),
            Value::Unsigned(milliseconds.unwrap_or(u64::MAX)),
        );
    }

    fn headline(&self) -> String {
        let path = String::from_utf8_lossy(self.exchange.sent.path());
        format!("{} {path} {}", self.exchange.method, self.code)
    }

    /// The request as Google Cloud shows it.
    fn http_request(&self, pair: &mut dyn FnMut(&str, &[u8])) {
        let exchange = self.exchange;
        pair("requestMethod", exchange.method.as_str().as_bytes());
        pair("requestUrl", exchange.sent.path());
        if let Some(agent) = exchange.sent.agent() {
            pair("userAgent", agent);
        }
        if let Some(address) = exchange.remote {
            pair("remoteIp", address.to_string().as_bytes());
        }
        let seconds = exchange.started.elapsed().as_secs_f64();
        pair("latency", format!("{seconds:.6}s").as_bytes());
    }

    /// The value that the app has set for `name`.
    fn own(&self, name: &str) -> Option<Ref<'_, Json>> {
        let fields = self.scope.summary()?.fields();
        Ref::filter_map(fields, |fields| fields.get(name)).ok()
    }

    fn write(&self, logging: &Logging, line: &mut Line<'_>) {
        line.headline(|| self.headline());
        if let Some(trace) = self.scope.trace() {
            logging.google_trace(line, trace);
        }
        line.http_request(self.code, |pair| self.http_request(pair));
        let Some(summary) = self.scope.summary() else {
            return self.each(ToLine(line));
        };
        let fields = summary.fields();
        let mut set = fields.iter().filter(|(_, value)| !value.is_null());
        if set.any(|(key, _)| is_ours(key)) {
            self.each(Unset(line, &fields));
        } else {
            self.each(ToLine(line));
        }
        for (key, value) in fields.iter().filter(|(key, _)| key != "msg") {
            line.json(key, value, Line::unique);
        }
    }

    /// Logs to the `log` crate if our log was not started: the app has a logger of its own, or is under test.
    fn hand_over(&self, level: Level, error: Option<&dyn Display>) {
        let level = if level == Level::Error {
            log::Level::Error
        } else {
            log::Level::Info
        };
        if level > log::max_level() {
            return;
        }
        let mut fields = Fields::default();
        self.each(ToJson(&mut fields));
        if let Some(summary) = self.scope.summary() {
            for (name, value) in summary.fields().iter() {
                fields.set(name.clone(), value.clone());
            }
        }
        let pairs = fields.iter().filter(|(_, value)| !value.is_null());
        let pairs = pairs.map(|(name, value)| match value {
            Json::String(text) => (name.as_ref(), kv::Value::from(text.as_str())),
            other => {
                let number = other.as_u64().map(kv::Value::from);
                let value = number.unwrap_or_else(|| kv::Value::from_display(other));
                (name.as_ref(), value)
            }
        });
        let pairs: Vec<(&str, kv::Value<'_>)> = pairs.collect();
        let text = error.map_or_else(|| self.headline(), ToString::to_string);
        log::logger().log(
            &log::Record::builder()
                .level(level)
                .target(TARGET)
                .key_values(&pairs)
                .args(format_args!("{text}"))
                .build(),
        );
    }
}

/// Whether a field of that name is one of ours.
fn is_ours(name: &str) -> bool {
    matches!(
        name,
        "agent"
            | "errno"
            | "code"
            | "lang"
            | "method"
            | "path"
            | "querystring"
            | "remote"
            | "rid"
            | "trace_id"
            | "span_id"
            | "t"
    )
}

/// Takes our fields one by one. Each is a call of its own, whose key and kind of value the compiler knows.
trait Put {
    fn put(&mut self, key: Known, value: Value<'_>);
}

/// Writes them.
struct ToLine<'a, 'b>(&'a mut Line<'b>);

impl Put for ToLine<'_, '_> {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "it is as Line::known is")]
    fn put(&mut self, key: Known, value: Value<'_>) {
        self.0.known(key, value);
    }
}

/// Writes those that the app has not set.
struct Unset<'a, 'b>(&'a mut Line<'b>, &'a Fields);

impl Put for Unset<'_, '_> {
    fn put(&mut self, key: Known, value: Value<'_>) {
        if self.1.get(key.name).is_none_or(Json::is_null) {
            self.0.known(key, value);
        }
    }
}

/// Keeps them.
struct ToJson<'a>(&'a mut Fields);

impl Put for ToJson<'_> {
    fn put(&mut self, key: Known, value: Value<'_>) {
        debug_assert!(is_ours(key.name), "{}", key.name);
        let value = match value {
            Value::Unsigned(number) => Json::from(number),
            Value::Bytes(bytes) | Value::Plain(bytes) => String::from_utf8_lossy(bytes).into(),
            Value::Format(text) => text.to_string().into(),
            _ => return,
        };
        self.0.set(key.name.into(), value);
    }
}
