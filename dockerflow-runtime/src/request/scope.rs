//! Which request the code that runs now belongs to: its id and summary, wherever it is polled.

use std::{
    cell::{Cell, RefCell},
    error,
    future::{Ready, ready},
    mem,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    Error, FromRequest, HttpMessage as _, HttpRequest,
    body::{BodySize, MessageBody},
    dev::{Payload, RequestHead},
    error::{BlockingError, ErrorInternalServerError, ErrorNotFound},
    web::Bytes,
};
use pin_project_lite::pin_project;

use super::{
    arrival::Arrival,
    id::RequestId,
    state::{Ids, RequestState},
    summary::Summary,
    trace::TraceContext,
};
use crate::error::Chain;

impl RequestId {
    /// Returns the id of the request that is handled on this thread now. `None` outside one, as in
    /// a task or thread that a handler has started: [`RequestId::carry`] and [`block`] take it
    /// there.
    ///
    /// It is for code that is far from the handler, such as a client that adds the id to what it
    /// sends:
    ///
    /// ```
    /// use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
    /// use dockerflow::RequestId;
    ///
    /// fn add_request_id(headers: &mut HeaderMap) {
    ///     let id = RequestId::current();
    ///     if let Some(value) = id.and_then(|id| HeaderValue::from_str(id.as_str()).ok()) {
    ///         headers.insert(HeaderName::from_static("x-request-id"), value);
    ///     }
    /// }
    /// # add_request_id(&mut HeaderMap::new());
    /// ```
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT
            .try_with(|scope| scope.borrow().id().cloned())
            .ok()?
    }

    /// Calls `work` with this as the current id, so that each line that it logs has the id: for
    /// threads other than the request's.
    ///
    /// ```
    /// use dockerflow::RequestId;
    ///
    /// async fn order(id: RequestId) -> &'static str {
    ///     std::thread::spawn(move || id.scope(|| log::info!("printed, in the name of the request")));
    ///     "ordered"
    /// }
    /// ```
    pub fn scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut scope = Scope::of(self.clone());
        let _entered = scope.enter();
        work()
    }

    /// Makes this the current id whenever `future` is polled: for tasks that a handler starts.
    ///
    /// ```
    /// use dockerflow::RequestId;
    ///
    /// async fn order(id: RequestId) -> &'static str {
    ///     actix_web::rt::spawn(id.carry(async { log::info!("mailed, in the name of the request") }));
    ///     "ordered"
    /// }
    /// ```
    pub fn carry<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        InScope::new(future, Scope::of(self.clone()))
    }
}

impl FromRequest for Summary {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let outside =
            || ErrorInternalServerError("no summary: the app is not a Dockerflow service");
        let summary = summary().or_else(|| of_test(request)?.summary().cloned());
        ready(summary.ok_or_else(outside))
    }
}

/// Runs `work` on the thread pool for blocking code, as [`web::block`](actix_web::web::block) does.
/// Each line that it logs there has the id of the request that waits for it.
///
/// ```
/// use actix_web::{Responder, Result, get};
///
/// #[get("/report")]
/// async fn report() -> Result<impl Responder> {
///     let text = dockerflow::block(|| {
///         log::debug!("reading the report"); // has the request's `rid`
///         std::fs::read_to_string("report.txt")
///     });
///     Ok(text.await??)
/// }
/// ```
///
/// # Errors
///
/// Returns [`BlockingError`] if `work` panics, or the pool has stopped.
pub async fn block<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BlockingError> {
    let ids = Scope::current_ids();
    actix_web::web::block(move || {
        let mut scope = ids.map(Scope::with).unwrap_or_default();
        let _entered = scope.enter();
        work()
    })
    .await
}

impl FromRequest for TraceContext {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let none = || ErrorNotFound("the request belongs to no trace");
        let current = CURRENT.try_with(|scope| scope.borrow().ids()?.trace.clone());
        let found = current.ok().flatten();
        let found = found.or_else(|| of_test(request)?.trace().cloned());
        ready(found.ok_or_else(none))
    }
}

impl FromRequest for RequestId {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let outside =
            || ErrorInternalServerError("no request id: the app is not a Dockerflow service");
        let id = Self::current().or_else(|| of_test(request)?.id().cloned());
        ready(id.ok_or_else(outside))
    }
}

/// Calls `use_ids` with the id and the trace of the request that is handled on this thread, if one is.
pub(crate) fn with(use_ids: impl FnOnce(&RequestId, Option<&TraceContext>)) {
    let _ = CURRENT.try_with(|scope| {
        if let Ok(scope) = scope.try_borrow()
            && let Some(id) = scope.id()
        {
            use_ids(id, scope.trace());
        }
    });
}

thread_local! {
    /// Whether this thread's requests have a scope although no service handles them.
    static TESTED: Cell<bool> = const { Cell::new(false) };
}

/// Sets whether the extractors work on this thread without a service.
pub(crate) fn work_without_service(tested: bool) {
    TESTED.set(tested);
}

/// Returns the scope of a request of a test, which is made when it is first asked for.
pub(super) fn of_test(request: &HttpRequest) -> Option<Scope> {
    #[derive(Clone)]
    struct OfTest(Scope);
    if !TESTED.get() {
        return None;
    }
    let mut extensions = request.extensions_mut();
    if let Some(OfTest(scope)) = extensions.get::<OfTest>() {
        return Some(scope.clone());
    }
    let headers = request.headers();
    let id = RequestId::accept(headers.get("x-request-id"));
    let mut scope = Scope::new(id, TraceContext::accept(headers));
    scope.make_summary();
    extensions.insert(OfTest(scope.clone()));
    Some(scope)
}

/// Notes that the current request's first span is what `span` returns, unless one was noted.
#[cfg(feature = "opentelemetry-0_33")]
pub(crate) fn note_span(span: impl FnOnce() -> Option<TraceContext>) {
    let _ = CURRENT.try_with(|scope| {
        let lacks_one = |scope: &Scope| scope.ids().is_some_and(|ids| ids.span.is_none());
        if scope.try_borrow().is_ok_and(|scope| lacks_one(&scope))
            && let Some(span) = span()
            && let Ok(mut scope) = scope.try_borrow_mut()
            && let Some(state) = &mut scope.0
            && let Some(ids) = &mut state.ids
        {
            ids.span = Some(span);
        }
    });
}

/// What is known about the request whose code runs; empty outside of a request.
///
/// It is a box because a scope is moved and swapped often.
#[derive(Debug, Default)]
pub(crate) struct Scope(Option<Box<RequestState>>);

thread_local! {
    /// The scope of the future that is polled on this thread. Each poll swaps its own in and out again.
    static CURRENT: RefCell<Scope> = const { RefCell::new(Scope(None)) };
}

impl Scope {
    pub(crate) fn new(id: RequestId, trace: Option<TraceContext>) -> Self {
        Self::with(Ids {
            id,
            trace,
            span: None,
        })
    }

    #[inline]
    fn with(ids: Ids) -> Self {
        let mut state = RequestState::spare();
        state.ids = Some(ids);
        Self(Some(state))
    }

    /// Notes what the summary and the metrics will need of the request, which arrives now.
    #[inline]
    pub(crate) fn arrive(&mut self, head: &RequestHead, with_query: bool, remote: Option<IpAddr>) {
        if let Some(state) = &mut self.0 {
            state.arrival.set(head, with_query, remote);
            state.has_arrived = true;
        }
    }

    /// Returns what was noted when the request arrived.
    #[inline]
    pub(crate) fn arrival(&self) -> Option<&Arrival> {
        let state = self.0.as_deref().filter(|state| state.has_arrived);
        state.map(|state| &state.arrival)
    }

    /// Returns the current request's ids.
    fn current_ids() -> Option<Ids> {
        let ids = CURRENT.try_with(|scope| scope.borrow().ids().cloned());
        ids.ok().flatten()
    }

    /// Returns the scope of work that goes on in the name of `id`: with its trace, if it is the current request's.
    fn of(id: RequestId) -> Self {
        match Self::current_ids() {
            Some(ids) if ids.id == id => Self::with(ids),
            _ => Self::new(id, None),
        }
    }

    /// Makes this the current scope until the returned value is dropped.
    #[inline]
    pub(crate) fn enter(&mut self) -> Entered<'_> {
        self.swap();
        Entered(self)
    }

    #[inline]
    fn swap(&mut self) {
        let _ = CURRENT.try_with(|current| mem::swap(self, &mut *current.borrow_mut()));
    }

    #[inline]
    fn ids(&self) -> Option<&Ids> {
        self.0.as_ref()?.ids.as_ref()
    }

    pub(crate) fn id(&self) -> Option<&RequestId> {
        Some(&self.ids()?.id)
    }

    /// Returns the trace for log lines: that of our first span if there is one, otherwise the client's.
    pub(crate) fn trace(&self) -> Option<&TraceContext> {
        let ids = self.ids()?;
        ids.span.as_ref().or(ids.trace.as_ref())
    }

    pub(crate) fn summary(&self) -> Option<&Summary> {
        self.0.as_ref()?.summary.as_ref()
    }

    /// Returns the summary, which is made when it is first asked for.
    fn make_summary(&mut self) -> Option<&Summary> {
        Some(self.0.as_mut()?.summary.get_or_insert_default())
    }

    pub(crate) fn into_id(mut self) -> Option<RequestId> {
        Some(self.0.as_mut()?.ids.take()?.id)
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        if let Some(state) = self.0.take() {
            state.give_back();
        }
    }
}

/// The clone is without the arrival: only the original can be summarised.
impl Clone for Scope {
    fn clone(&self) -> Self {
        let mut scope = self.ids().cloned().map(Self::with).unwrap_or_default();
        if let Some(state) = &mut scope.0 {
            state.summary = self.summary().cloned();
        }
        scope
    }
}

/// The current request's summary, made when it is first asked for. `None` outside a request.
pub(crate) fn summary() -> Option<Summary> {
    let found = CURRENT.try_with(|scope| scope.borrow_mut().make_summary().cloned());
    found.ok().flatten()
}

/// Keeps a scope the current one until it is dropped.
pub(crate) struct Entered<'a>(&'a mut Scope);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.swap();
    }
}

/// The message of the panic if a future is polled after it was ready, which no executor does.
pub(crate) const POLLED_AGAIN: &str = "a future is not polled after it is ready";

pin_project! {
    /// A future, or a body, whose scope is the current one whenever it is polled, and when it is dropped.
    pub(crate) struct InScope<F> {
        #[pin]
        future: Option<F>,
        scope: Scope,
    }

    impl<F> PinnedDrop for InScope<F> {
        fn drop(this: Pin<&mut Self>) {
            this.abandon();
        }
    }
}

impl<F> InScope<F> {
    pub(crate) fn new(future: F, scope: Scope) -> Self {
        Self {
            future: Some(future),
            scope,
        }
    }

    /// Drops the future, which has finished, and returns its scope.
    pub(crate) fn end(self: Pin<&mut Self>) -> Scope {
        let mut this = self.project();
        this.future.set(None);
        mem::take(this.scope)
    }

    /// Drops the future, which may run its destructors, and returns its scope.
    pub(crate) fn abandon(self: Pin<&mut Self>) -> Scope {
        let mut this = self.project();
        if this.future.is_some() {
            let _entered = this.scope.enter();
            this.future.set(None);
        }
        mem::take(this.scope)
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.scope.enter();
        let future = this.future.as_pin_mut();
        future.expect(POLLED_AGAIN).poll(context)
    }
}

impl<B: MessageBody> MessageBody for InScope<B> {
    type Error = Box<dyn error::Error>;

    fn size(&self) -> BodySize {
        self.future
            .as_ref()
            .map_or(BodySize::None, MessageBody::size)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        let _entered = this.scope.enter();
        let Some(body) = this.future.as_pin_mut() else {
            return Poll::Ready(None);
        };
        body.poll_next(context).map_err(|error| {
            let error = error.into();
            // actix-web logs it, too, but outside the request.
            log::error!(
                target: "dockerflow.request",
                "the response's body failed, and its connection is closed: {}", Chain(&*error)
            );
            error
        })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};

    use super::*;

    #[test]
    fn scopes_nest_and_a_panic_leaves_them() {
        let [outer, inner] =
            ["outer", "inner"].map(|id| RequestId::accept(Some(&HeaderValue::from_static(id))));
        outer.scope(|| {
            inner.scope(|| assert_eq!(RequestId::current(), Some(inner.clone())));
            let ended = std::panic::catch_unwind(|| inner.scope(|| panic!("out of here")));
            assert!(ended.is_err());
            assert_eq!(RequestId::current(), Some(outer.clone()));
        });
        assert_eq!(RequestId::current(), None);
    }

    #[test]
    fn a_box_that_is_used_again_shows_nothing_of_the_earlier_request() {
        let request = TestRequest::with_uri("/secret?a=b")
            .insert_header(("user-agent", "Firefox"))
            .insert_header((
                "x-cloud-trace-context",
                "4bf92f3577b34da6a3ce929d0e0e4736/1",
            ))
            .to_http_request();
        let trace = TraceContext::accept(request.headers());
        assert!(trace.is_some());
        let mut scope = Scope::new(RequestId::accept(None), trace);
        scope.arrive(request.head(), true, Some([10, 0, 0, 1].into()));
        let summary = scope.make_summary().expect("it is a request");
        summary.set("uid", 17);
        assert!(scope.clone().arrival().is_none());
        let place = |scope: &Scope| scope.0.as_deref().map(std::ptr::from_ref);
        let first = place(&scope);
        drop(scope);

        let mut later = Scope::new(RequestId::accept(None), None);
        assert_eq!(place(&later), first, "it is the same box");
        assert!(later.trace().is_none() && later.summary().is_none());
        assert!(later.arrival().is_none());
        let plain = TestRequest::with_uri("/").to_http_request();
        later.arrive(plain.head(), true, None);
        let arrival = later.arrival().expect("it has arrived");
        assert_eq!(arrival.sent.all(), b"/");
        assert_eq!((arrival.sent.query(), arrival.remote), (None, None));
    }

    #[test]
    fn a_scope_outlives_the_boxes_of_a_thread_that_ends() {
        thread_local! {
            static LAST: RefCell<Scope> = RefCell::default();
        }
        let thread = std::thread::spawn(|| {
            LAST.set(Scope::new(RequestId::accept(None), None));
            drop(Scope::new(RequestId::accept(None), None));
        });
        assert!(thread.join().is_ok());
    }
}
