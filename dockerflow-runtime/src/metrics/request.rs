//! The time of a request, by method, route and class of status.

use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use actix_web::{
    HttpRequest,
    dev::{ResourceMap, ServiceRequest},
    http::{Method, StatusCode},
};

use super::{
    answers::{Answer, Answers, Kind},
    recorder::Recorder,
};

/// The routes of a worker's app.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// For requests that never reach one.
    all: OnceCell<ResourceMap>,
    /// The records of requests.
    answers: RefCell<Answers>,
}

impl Routes {
    /// Returns them, as the first request of the worker knows them.
    pub(crate) fn of(&self, request: &ServiceRequest) -> Self {
        self.0.all.get_or_init(|| request.resource_map().clone());
        self.clone()
    }

    /// Returns the pattern of the route that a path has, if one fits.
    pub(crate) fn pattern(&self, path: &str) -> Option<String> {
        self.0.all.get()?.match_pattern(path)
    }
}

/// A request that is being answered. It is in flight until this is dropped.
#[derive(Debug)]
pub(crate) struct RequestMetrics {
    recorder: Arc<Recorder>,
    routes: Routes,
}

impl RequestMetrics {
    pub(super) fn begin(
        recorder: Arc<Recorder>,
        request: &ServiceRequest,
        routes: &Routes,
    ) -> Self {
        recorder.state.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            recorder,
            routes: routes.of(request),
        }
    }

    /// Records that the app has answered `request` with `status`.
    pub(crate) fn answered(self, request: &HttpRequest, status: StatusCode, took: Duration) {
        // If part of the path is unprocessed, no route has matched. Such a 404 does not justify a search of all routes.
        let unmatched =
            status == StatusCode::NOT_FOUND && !request.match_info().unprocessed().is_empty();
        let route = if unmatched {
            None
        } else {
            request.match_pattern()
        };
        self.record(request.method(), route.as_deref(), status, took);
    }

    /// Records that the app has failed with an error or a panic, which consumed the request. `path` is the request's.
    pub(crate) fn failed(self, method: &Method, path: &str, status: StatusCode, took: Duration) {
        let route = self.routes.pattern(path);
        self.record(method, route.as_deref(), status, took);
    }

    fn record(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let answer = Answer {
            kind: Kind::of(method, status),
            // An empty value is not a tag for every server.
            route: route.map_or(
                "unmatched",
                |route| if route.is_empty() { "/" } else { route },
            ),
        };
        // Nothing that is called here answers a request.
        let mut answers = self.routes.0.answers.borrow_mut();
        self.recorder.request(took, &answer, &mut answers);
    }
}

impl Drop for RequestMetrics {
    fn drop(&mut self) {
        self.recorder
            .state
            .in_flight
            .fetch_sub(1, Ordering::Relaxed);
    }
}
