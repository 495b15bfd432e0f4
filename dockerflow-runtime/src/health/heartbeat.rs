//! The report as an extractor, for an app's own endpoints.

use std::{
    fmt,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    Error, FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    error::ErrorInternalServerError,
    http::{StatusCode, header},
};

use super::{checker::HealthChecker, report::Report, written::WrittenReport};

/// The heartbeat of the service, as an extractor: for an endpoint of the app's own that answers with the same report as
/// `/__heartbeat__`, under another path or in another form.
///
/// It shares everything with `/__heartbeat__`: a report that is fresh, the run in flight, the checks' deadlines.
///
/// ```
/// use actix_web::{App, HttpResponse, Responder, get};
/// use dockerflow::health::Heartbeat;
///
/// /// The same answer under another path.
/// #[get("/health")]
/// async fn health(heartbeat: Heartbeat) -> impl Responder {
///     heartbeat.response().await
/// }
///
/// /// A form of its own.
/// #[get("/status")]
/// async fn status(heartbeat: Heartbeat) -> impl Responder {
///     let report = heartbeat.report().await;
///     let failing = report.checks().iter().filter(|check| check.level() >= dockerflow::health::Level::Error);
///     HttpResponse::Ok().body(format!("{} checks fail", failing.count()))
/// }
///
/// #[dockerflow::service]
/// fn app() -> App {
///     App::new().service(health).service(status)
/// }
/// # drop(app);
/// ```
///
/// # Errors
///
/// The extraction fails, with status 500, in an app without `#[service]`.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    source: HeartbeatSource,
    request: HttpRequest,
}

/// App data of every service, from which a [`Heartbeat`] gets its report.
#[derive(Clone)]
pub(crate) struct HeartbeatSource {
    pub(crate) checker: Arc<HealthChecker>,
    /// Returns whether the instance is about to stop.
    pub(crate) draining: Arc<dyn Fn() -> bool + Send + Sync>,
    pub(crate) failed_status: StatusCode,
}

impl fmt::Debug for HeartbeatSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checker.fmt(formatter)
    }
}

impl Heartbeat {
    /// Returns the last report if it is fresh, else waits for that of the run in flight or of a new one.
    ///
    /// From SIGTERM on, the report has one check, `draining`, at [`Level::Error`](super::Level::Error), as `/__heartbeat__` has.
    pub async fn report(&self) -> Arc<Report> {
        match self.written().await {
            Some(written) => written.report,
            None => Arc::new(Report::draining()),
        }
    }

    /// Returns the response that `/__heartbeat__` would give to a program: its status, and its JSON without texts and data.
    pub async fn response(&self) -> HttpResponse {
        let (passed, body) = match self.written().await {
            Some(written) => (written.passed, written.brief),
            None => (false, Report::draining().to_json(false).into()),
        };
        let status = if passed {
            StatusCode::OK
        } else {
            self.source.failed_status
        };
        HttpResponse::build(status)
            .content_type("application/json")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(body)
    }

    /// Returns the report; `None` if the instance drains.
    async fn written(&self) -> Option<WrittenReport> {
        if (self.source.draining)() {
            return None;
        }
        Some(match self.source.checker.fresh() {
            Some(fresh) => fresh,
            None => self.source.checker.report(&self.request).await,
        })
    }
}

impl FromRequest for Heartbeat {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let source = request.app_data::<HeartbeatSource>().cloned();
        let source = source.ok_or_else(|| {
            ErrorInternalServerError("a `Heartbeat` needs an app with `#[dockerflow::service]`")
        });
        ready(source.map(|source| Self {
            source,
            request: request.clone(),
        }))
    }
}
