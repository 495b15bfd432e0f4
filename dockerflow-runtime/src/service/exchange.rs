//! What is logged of a request when it ends: the record `request.summary`.

use std::{cell::Ref, fmt::Display, sync::Arc, time::Instant};

use actix_web::{
    Error, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{RequestHead, ServiceResponse},
    error::InternalError,
    http::{
        Method,
        header::{self, HeaderValue},
        uri::PathAndQuery,
    },
};
use log::kv;
use serde_json::Value as Json;
use slog::Level;

use super::engine::Engine;
use crate::{
    logging::{self, Known, Line, Value, known},
    metrics::RequestMetrics,
    request::{Fields, RequestId, Scope},
};

const KIND: &str = "request.summary";

/// What a proxy logs for a client that went away before there was a response.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// A request from its arrival to its summary. It knows what it needs by itself, as the request is gone where an app fails.
#[derive(Debug)]
pub(crate) struct Exchange {
    engine: Arc<Engine>,
    started: Instant,
    method: Method,
    target: Option<PathAndQuery>,
    agent: Option<HeaderValue>,
    lang: Option<HeaderValue>,
    /// Its metrics, if it has any.
    pub(crate) metrics: Option<RequestMetrics>,
}

impl Exchange {
    /// Of a request that has just arrived, with the scope that its code is to run in.
    pub(crate) fn start(head: &RequestHead, engine: &Arc<Engine>) -> (Self, Scope) {
        let id = RequestId::accept(head.headers.get(&engine.options.summary.id_header));
        let exchange = Self {
            engine: engine.clone(),
            started: Instant::now(),
            method: head.method.clone(),
            // Not all of the URI: this is one buffer to share, not three.
            target: head.uri.path_and_query().cloned(),
            agent: head.headers.get(header::USER_AGENT).cloned(),
            lang: head.headers.get(header::ACCEPT_LANGUAGE).cloned(),
            metrics: None,
        };
        (exchange, Scope::new(id))
    }

    /// Logs the summary of a request that the app has answered, or failed to, and makes the response ready to go.
    pub(crate) fn finish<B: MessageBody + 'static>(
        mut self,
        scope: Scope,
        outcome: Result<ServiceResponse<B>, Error>,
    ) -> Result<ServiceResponse, Error> {
        let metrics = self.metrics.take();
        match outcome {
            Ok(response) => {
                if let Some(metrics) = metrics {
                    metrics.answered(response.request(), response.status());
                }
                let error = response.response().error();
                let error = error.map(|error| error as &dyn Display);
                let code = response.status().as_u16();
                self.log(level(code), &scope, code, error);
                let mut response = response.map_body(|_, body| in_scope(body, &scope));
                self.echo(scope, response.response_mut());
                Ok(response)
            }
            Err(error) => {
                let mut response = error.error_response();
                if let Some(metrics) = metrics {
                    metrics.failed(&self.method, self.path(), response.status());
                }
                let code = response.status().as_u16();
                self.log(level(code), &scope, code, Some(&error));
                self.echo(scope, &mut response);
                Err(InternalError::from_response(error, response).into())
            }
        }
    }

    /// The same for one of our own endpoints, which is not worth a line as long as all is well.
    pub(crate) fn finish_probe(&self, scope: Scope, response: &mut ServiceResponse) {
        if !response.status().is_success() || self.engine.options.summary.probes {
            let code = response.status().as_u16();
            // Each deploy drains: that is no reason to wake somebody.
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
    pub(crate) fn abandon(&self, scope: &Scope) {
        let reason =
            "given up before there was a response: the client went away, or the server stopped";
        self.log(Level::Info, scope, CLIENT_CLOSED_REQUEST, Some(&reason));
    }

    /// The path, as the client sent it.
    fn path(&self) -> &str {
        self.target.as_ref().map_or("", PathAndQuery::path)
    }

    fn echo<B>(&self, scope: Scope, response: &mut HttpResponse<B>) {
        if let Some(id) = scope.into_id() {
            let name = self.engine.options.summary.id_header.clone();
            response.headers_mut().insert(name, id.into_value());
        }
        self.engine.close_if_draining(response);
    }

    fn log(&self, level: Level, scope: &Scope, code: u16, error: Option<&dyn Display>) {
        let record = Record {
            exchange: self,
            scope,
            code,
        };
        match logging::current() {
            Some(logging) if !logging.filter().allows(level, KIND) => {}
            Some(logging) => match (record.own("msg"), error) {
                (Some(own), _) => {
                    let text = own.as_str().map_or_else(|| own.to_string(), Into::into);
                    logging.write(level, KIND, Some(Value::Text(&text)), |line| {
                        record.write(line);
                    });
                }
                (None, None) => logging.write(level, KIND, None, |line| record.write(line)),
                (None, Some(error)) => {
                    let message = Value::Format(format_args!("{error:#}"));
                    logging.write(level, KIND, Some(message), |line| record.write(line));
                }
            },
            None => record.hand_over(level, error),
        }
    }
}

/// The level at which a status is logged.
fn level(code: u16) -> Level {
    if code < 500 {
        Level::Info
    } else {
        Level::Error
    }
}

/// A body whose parts are made in the request's scope, too. One that is there already needs none.
fn in_scope<B: MessageBody + 'static>(body: B, scope: &Scope) -> BoxBody {
    if matches!(body.size(), BodySize::None) {
        return body.boxed();
    }
    match (body.try_into_bytes(), scope.id()) {
        (Ok(bytes), _) => bytes.boxed(),
        (Err(body), None) => body.boxed(),
        (Err(body), Some(id)) => id.carry_body(body).boxed(),
    }
}

/// A summary that is about to be written.
struct Record<'a> {
    exchange: &'a Exchange,
    scope: &'a Scope,
    code: u16,
}

impl Record<'_> {
    /// The fields that are ours.
    fn each(&self, mut field: impl FnMut(Known, Value<'_>)) {
        let Exchange {
            engine,
            started,
            method,
            target,
            agent,
            lang,
            metrics: _,
        } = self.exchange;
        let code = u64::from(self.code);
        let milliseconds = u64::try_from(started.elapsed().as_millis());
        if let Some(agent) = agent {
            field(known!("agent"), Value::Bytes(agent.as_bytes()));
        }
        field(
            known!("errno"),
            Value::Unsigned(if code < 400 { 0 } else { code }),
        );
        field(known!("code"), Value::Unsigned(code));
        if let Some(lang) = lang {
            field(known!("lang"), Value::Bytes(lang.as_bytes()));
        }
        field(known!("method"), Value::Plain(method.as_str().as_bytes()));
        // Bytes that the client chose, whatever their type says.
        field(known!("path"), Value::Bytes(self.path()));
        if engine.options.summary.querystring
            && let Some(query) = target.as_ref().and_then(PathAndQuery::query)
        {
            field(known!("querystring"), Value::Bytes(query.as_bytes()));
        }
        if let Some(id) = self.scope.id() {
            field(known!("rid"), Value::Plain(id.as_bytes()));
        }
        field(
            known!("t"),
            Value::Unsigned(milliseconds.unwrap_or(u64::MAX)),
        );
    }

    fn path(&self) -> &[u8] {
        self.exchange.path().as_bytes()
    }

    fn headline(&self) -> String {
        let path = String::from_utf8_lossy(self.path());
        format!("{} {path} {}", self.exchange.method, self.code)
    }

    /// What the app has set under `name`.
    fn own(&self, name: &str) -> Option<Ref<'_, Json>> {
        let fields = self.scope.summary()?.fields();
        Ref::filter_map(fields, |fields| {
            fields
                .iter()
                .find(|(own, _)| own == name)
                .map(|(_, value)| value)
        })
        .ok()
    }

    fn write(&self, line: &mut Line<'_>) {
        line.headline(|| self.headline());
        let Some(summary) = self.scope.summary() else {
            return self.each(|key, value| line.known(key, value));
        };
        self.each(|key, value| line.last(key.name, value));
        for (key, value) in summary.fields().iter().filter(|(key, _)| key != "msg") {
            line.json(key, value, Line::last);
        }
    }

    /// To the `log` crate, where the log was not started: the app has a logger of its own, or is under test.
    fn hand_over(&self, level: Level, error: Option<&dyn Display>) {
        let level = if level == Level::Error {
            log::Level::Error
        } else {
            log::Level::Info
        };
        if level > log::max_level() {
            return;
        }
        let mut fields = Fields::new();
        self.each(|key, value| {
            let value = match value {
                Value::Unsigned(number) => Json::from(number),
                Value::Bytes(bytes) | Value::Plain(bytes) => String::from_utf8_lossy(bytes).into(),
                _ => return,
            };
            fields.push((key.name.into(), value));
        });
        if let Some(summary) = self.scope.summary() {
            for (name, value) in summary.fields().iter() {
                fields.retain(|(earlier, _)| earlier != name);
                fields.push((name.clone(), value.clone()));
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
                .target(KIND)
                .key_values(&pairs)
                .args(format_args!("{text}"))
                .build(),
        );
    }
}
