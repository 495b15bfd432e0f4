//! How is `/__heartbeat__` answered? As JSON or as a page, about all checks or those that the query names.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    body::BoxBody,
    http::{StatusCode, header},
    web::Query,
};

use super::{
    accept::prefers_page,
    engine::Engine,
    page::{Details, Page, SECURITY_POLICY},
    response::{json, response, set},
};
use crate::health::{CheckReport, Report, WrittenReport, liveness_failures};

/// The shortest time after which a page may load itself again, in seconds, and the longest.
const REFRESH: (u64, u64) = (5, 3600);

/// Returns the response if it is known without waiting: the report is fresh, or none is needed.
pub(super) fn immediate(request: &HttpRequest, engine: &Engine) -> Option<HttpResponse> {
    let asked = Asked::of(request, engine);
    if !asked.names().all(|name| engine.heartbeat.has(name)) {
        // The name is not repeated: it is whatever the client sent.
        return Some(vary(response(StatusCode::NOT_FOUND, BoxBody::new(()))));
    }
    // The checks are not run: whatever they report, this instance is about to go.
    if engine.draining() {
        return Some(draining(request, engine, &asked));
    }
    let fresh = engine.heartbeat.fresh()?;
    Some(answer(request, engine, &asked, &fresh))
}

/// Returns the response once there is a report: of the run in flight, or of a new one.
pub(super) async fn wait(request: &HttpRequest, engine: &Arc<Engine>) -> HttpResponse {
    let report = engine.heartbeat.report(request).await;
    let asked = Asked::of(request, engine);
    if engine.draining() {
        return draining(request, engine, &asked);
    }
    answer(request, engine, &asked, &report)
}

/// Returns whether a request asks for some of the checks alone.
pub(super) fn names_checks(request: &HttpRequest) -> bool {
    parts(request).any(|(_, key, _)| key == CHECK)
}

/// `?check=…`: this check alone, and others that are named likewise.
const CHECK: &str = "check";

/// Returns the parts of the query: each as it came, its key, and its value.
fn parts(request: &HttpRequest) -> impl Iterator<Item = (&str, String, String)> {
    let parts = request.query_string().split('&');
    let parts = parts.filter(|part| !part.is_empty());
    parts.filter_map(|part| {
        let pairs = Query::<Vec<(String, String)>>::from_query(part).ok()?;
        let (key, value) = pairs.into_inner().pop()?;
        Some((part, key, value))
    })
}

/// What a request wants to know, and in which form.
struct Asked<'a> {
    /// The parts of the query that name checks, each with the name.
    checks: Vec<(&'a str, String)>,
    /// `?refresh=…`: seconds after which a page loads itself again.
    refresh: Option<u64>,
    page: bool,
    /// Whether texts, data, and the history may be shown.
    details: bool,
}

impl<'a> Asked<'a> {
    fn of(request: &'a HttpRequest, engine: &Engine) -> Self {
        let mut asked = Self {
            checks: Vec::new(),
            refresh: None,
            page: engine.shows_operations(request) && prefers_page(request.headers()),
            details: engine.shows_operations(request) && engine.options.health.details,
        };
        for (part, key, value) in parts(request) {
            match key.as_str() {
                CHECK => asked.checks.push((part, value)),
                "refresh" => {
                    let seconds = value.parse::<u64>().ok();
                    asked.refresh = seconds.map(|seconds| seconds.clamp(REFRESH.0, REFRESH.1));
                }
                _ => {}
            }
        }
        asked
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.checks.iter().map(|(_, name)| name.as_str())
    }
}

fn answer(
    request: &HttpRequest,
    engine: &Engine,
    asked: &Asked<'_>,
    written: &WrittenReport,
) -> HttpResponse {
    let part = (!asked.checks.is_empty())
        .then(|| written.report.only(asked.names()))
        .flatten();
    let report = part.as_ref().unwrap_or(&written.report);
    let passed = part.as_ref().map_or(written.passed, Report::passed);
    let status = if passed {
        StatusCode::OK
    } else {
        engine.options.health.failed_status
    };
    if asked.page {
        return page(request, engine, asked, status, report, false);
    }
    let body = match (&part, &written.detailed) {
        (Some(part), _) => part.to_json(asked.details).into(),
        (None, Some(detailed)) if asked.details => detailed.clone(),
        (None, _) => written.brief.clone(),
    };
    vary(json(status, body))
}

fn draining(request: &HttpRequest, engine: &Engine, asked: &Asked<'_>) -> HttpResponse {
    let status = engine.options.health.failed_status;
    if asked.page {
        return page(request, engine, asked, status, &Report::draining(), true);
    }
    vary(json(status, Report::draining().to_json(false).into()))
}

fn page(
    request: &HttpRequest,
    engine: &Engine,
    asked: &Asked<'_>,
    status: StatusCode,
    report: &Report,
    draining: bool,
) -> HttpResponse {
    let names = report.checks().iter().map(CheckReport::name);
    let details = asked.details.then(|| Details {
        address: request.app_config().local_addr(),
        history: names.map(|name| engine.heartbeat.history(name)).collect(),
        liveness: liveness_failures()
            .iter()
            .map(ToString::to_string)
            .collect(),
    });
    let checks_query: Vec<_> = asked.checks.iter().map(|(part, _)| *part).collect();
    let page = Page {
        identity: &engine.identity,
        draining,
        report,
        details,
        refresh: asked.refresh,
        checks_query: checks_query.join("&"),
    };
    let mut response = response(status, BoxBody::new(page.to_string()));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in headers {
        set(&mut response, name, value);
    }
    vary(response)
}

/// Says that the form of the response depends on `Accept`.
fn vary(mut response: HttpResponse) -> HttpResponse {
    set(&mut response, header::VARY, "Accept");
    response
}
