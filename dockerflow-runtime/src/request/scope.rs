//! Which request the code that runs now belongs to: its id and summary, wherever it is polled.

use std::{
    cell::{Cell, RefCell},
    error,
    future::{Ready, ready},
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    Error, FromRequest, HttpMessage as _, HttpRequest,
    body::{BodySize, MessageBody},
    dev::Payload,
    error::{BlockingError, ErrorInternalServerError, ErrorNotFound},
    web::Bytes,
};
use pin_project_lite::pin_project;

use super::{id::RequestId, summary::Summary, trace::TraceContext};
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
        CURRENT.try_with(|scope| scope.borrow().id.clone()).ok()?
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
        let summary = summary().or_else(|| of_test(request)?.summary);
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
    let Scope {
        id, trace, span, ..
    } = Scope::beside();
    actix_web::web::block(move || {
        let mut scope = Scope {
            id,
            trace,
            span,
            summary: None,
        };
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
        let current = CURRENT.try_with(|scope| scope.borrow().trace.clone());
        let found = current.ok().flatten();
        let found = found.or_else(|| of_test(request)?.trace);
        ready(found.ok_or_else(none))
    }
}

impl FromRequest for RequestId {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let outside =
            || ErrorInternalServerError("no request id: the app is not a Dockerflow service");
        let id = Self::current().or_else(|| of_test(request)?.id);
        ready(id.ok_or_else(outside))
    }
}

/// Calls `use_ids` with the id and the trace of the request that is handled on this thread, if one is.
pub(crate) fn with(use_ids: impl FnOnce(&RequestId, Option<&TraceContext>)) {
    let _ = CURRENT.try_with(|scope| {
        if let Ok(scope) = scope.try_borrow()
            && let Some(id) = &scope.id
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
    let scope = Scope {
        id: Some(RequestId::accept(headers.get("x-request-id"))),
        trace: TraceContext::accept(headers),
        span: None,
        summary: Some(Summary::default()),
    };
    extensions.insert(OfTest(scope.clone()));
    Some(scope)
}

/// Notes that the current request's first span is what `span` returns, unless one was noted.
#[cfg(feature = "opentelemetry-0_33")]
pub(crate) fn note_span(span: impl FnOnce() -> Option<TraceContext>) {
    let _ = CURRENT.try_with(|scope| {
        let lacks_one = |scope: &Scope| scope.id.is_some() && scope.span.is_none();
        if scope.try_borrow().is_ok_and(|scope| lacks_one(&scope))
            && let Some(span) = span()
            && let Ok(mut scope) = scope.try_borrow_mut()
        {
            scope.span = Some(span);
        }
    });
}

/// What is known about a request wherever its code runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    id: Option<RequestId>,
    /// The trace that the client named.
    trace: Option<TraceContext>,
    /// The first span that was begun here, if OpenTelemetry is used.
    span: Option<TraceContext>,
    summary: Option<Summary>,
}

thread_local! {
    /// The scope of the future that is polled on this thread. Each poll swaps its own in and out again.
    static CURRENT: RefCell<Scope> = const { RefCell::new(Scope { id: None, trace: None, span: None, summary: None }) };
}

impl Scope {
    pub(crate) fn new(id: RequestId, trace: Option<TraceContext>) -> Self {
        Self {
            id: Some(id),
            trace,
            span: None,
            summary: None,
        }
    }

    /// Returns the scope of work that goes on beside the current request, in its name.
    fn beside() -> Self {
        let scope = CURRENT.try_with(|scope| Self {
            summary: None,
            ..scope.borrow().clone()
        });
        scope.unwrap_or_default()
    }

    /// Returns the scope of work that goes on in the name of `id`: with its trace, if it is the current request's.
    fn of(id: RequestId) -> Self {
        let current = Self::beside();
        if current.id.as_ref() == Some(&id) {
            current
        } else {
            Self::new(id, None)
        }
    }

    /// Makes this the current scope until the returned value is dropped.
    pub(crate) fn enter(&mut self) -> Entered<'_> {
        self.swap();
        Entered(self)
    }

    fn swap(&mut self) {
        let _ = CURRENT.try_with(|current| mem::swap(self, &mut *current.borrow_mut()));
    }

    pub(crate) fn id(&self) -> Option<&RequestId> {
        self.id.as_ref()
    }

    /// Returns the trace for log lines: that of our first span if there is one, otherwise the client's.
    pub(crate) fn trace(&self) -> Option<&TraceContext> {
        self.span.as_ref().or(self.trace.as_ref())
    }

    pub(crate) fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    pub(crate) fn into_id(self) -> Option<RequestId> {
        self.id
    }
}

/// The current request's summary, made when it is first asked for. `None` outside a request.
pub(crate) fn summary() -> Option<Summary> {
    let found = CURRENT.try_with(|scope| {
        let mut scope = scope.borrow_mut();
        scope
            .id
            .is_some()
            .then(|| scope.summary.get_or_insert_default().clone())
    });
    found.ok().flatten()
}

/// Keeps a scope the current one until it is dropped.
pub(crate) struct Entered<'a>(&'a mut Scope);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.swap();
    }
}

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
        future
            .expect("a future is not polled after it is ready")
            .poll(context)
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
    use actix_web::http::header::HeaderValue;

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
}
