//! The middleware that makes an app a Dockerflow service: our endpoints first, then the app.

use std::{
    future::{self, Ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::{
    App, Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::Method,
};
use futures_util::future::LocalBoxFuture;
use pin_project_lite::pin_project;

use super::{
    drain::Drain,
    endpoints::{self, Endpoint},
    engine::{Engine, Listener, ServiceDefinition},
    exchange::{Exchange, panicked},
    raise,
    shared::{Shared, engine_of_app},
};
use crate::{
    logging::payload_text,
    metrics::Routes,
    reports::RequestReport,
    request::{InScope, POLLED_AGAIN},
};

/// An app that is a service: what `#[service]` writes for a bare `App`.
#[doc(hidden)]
pub trait AppFactory:
    ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >
{
}

impl<T> AppFactory for T where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError = (),
        >
{
}

/// Wraps an app. `#[service]` calls it.
///
/// # Panics
///
/// Panics if the service cannot start; the message is that of an [`Error`](crate::Error).
/// `Server::run` returns that error instead.
#[doc(hidden)]
pub fn service<T, B>(
    definition: &ServiceDefinition,
    app: App<T>,
) -> App<impl AppFactory + use<T, B>>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    let engine = engine_of_app(definition);
    let metrics = engine.as_ref().map(|engine| engine.metrics.clone());
    let drain = engine.as_ref().map(|engine| engine.drain.clone());
    let raises = engine
        .as_ref()
        .is_some_and(|engine| engine.options.error_endpoint);
    let app = if raises {
        app.service(raise::Raise)
    } else {
        app
    };
    let app = match &engine {
        Some(engine) => app.app_data(engine.heartbeat_source()),
        None => app,
    };
    app.app_data(metrics.unwrap_or_default())
        .app_data(drain.unwrap_or_else(Drain::new))
        .wrap(Dockerflow {
            engine,
            is_watched: Shared::is_current(),
        })
}

/// The outermost middleware. If it has no engine, the app is not served: its `Server` returns the error.
struct Dockerflow {
    engine: Option<Arc<Engine>>,
    /// Whether the app is a worker's of a server.
    is_watched: bool,
}

impl<S, B> Transform<S, ServiceRequest> for Dockerflow
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = DockerflowMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let engine = self.engine.clone().ok_or(());
        if let Ok(engine) = &engine {
            engine.metrics.add_worker();
            if self.is_watched {
                engine.workers.add();
                // An `HttpServer` of the app's own does not report that it is up.
                crate::logging::service_is_up();
            }
        }
        future::ready(engine.map(|engine| DockerflowMiddleware {
            service,
            engine,
            routes: Routes::default(),
        }))
    }
}

struct DockerflowMiddleware<S> {
    service: S,
    engine: Arc<Engine>,
    routes: Routes,
}

impl<S, B> Service<ServiceRequest> for DockerflowMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Answer<S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match Endpoint::of(request.head()) {
            None if self.engine.listener(request.request()) == Listener::Ops => {
                self.nothing(request)
            }
            None => self.app(request),
            Some(endpoint) => match (endpoint, self.engine.listener(request.request())) {
                // On other listeners, a path that is only for operations belongs to the app.
                (Endpoint::Metrics, Listener::Only | Listener::Ops)
                    if self.engine.options.metrics.endpoint =>
                {
                    self.endpoint(endpoint, request)
                }
                (Endpoint::Error, Listener::Only | Listener::Ops)
                    if self.engine.options.error_endpoint =>
                {
                    self.error(request)
                }
                (Endpoint::Metrics | Endpoint::Error, Listener::Ops) => self.nothing(request),
                (Endpoint::Metrics | Endpoint::Error, _) => self.app(request),
                _ => self.endpoint(endpoint, request),
            },
        }
    }
}

impl<S> DockerflowMiddleware<S> {
    fn app<B>(&self, request: ServiceRequest) -> Answer<S::Future>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        let metrics = self.engine.metrics.request(&request, &self.routes);
        let (exchange, mut scope) =
            Exchange::start_app(&request, &self.engine, metrics, &self.routes);
        let called = {
            let _entered = scope.enter();
            let _reported = exchange.report.as_ref().map(RequestReport::enter);
            catch_unwind(AssertUnwindSafe(|| self.service.call(request)))
        };
        match called {
            Ok(future) => Answer::App {
                future: Handled {
                    future: InScope::new(future, scope),
                    exchange: Some(exchange),
                },
            },
            Err(payload) => Answer::Immediate {
                result: Some(Err(exchange.fail(scope, panicked(&*payload)))),
            },
        }
    }

    /// Answers `/__error__`, which is switched on, with an error that is raised inside the app.
    fn error<B>(&self, mut request: ServiceRequest) -> Answer<S::Future>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return self.endpoint(Endpoint::Error, request);
        }
        raise::route(&mut request);
        self.app(request)
    }

    /// Answers 404 on the operations port, from which no request reaches the app.
    fn nothing<F>(&self, request: ServiceRequest) -> Answer<F> {
        let (exchange, scope) = Exchange::start(request.head(), &self.engine);
        let mut response = request.into_response(HttpResponse::NotFound().finish());
        exchange.finish_probe(scope, &mut response, true);
        Answer::Immediate {
            result: Some(Ok(response)),
        }
    }

    fn endpoint<F>(&self, endpoint: Endpoint, request: ServiceRequest) -> Answer<F> {
        let engine = &self.engine;
        // Almost no probe has a line in the log: an exchange is started only for one that may have.
        let mut watch =
            (engine.options.summary.probes).then(|| Exchange::start(request.head(), engine));
        let immediate = {
            let _entered = watch.as_mut().map(|(_, scope)| scope.enter());
            endpoint.immediate(request.request(), engine)
        };
        if let Some(response) = immediate {
            let news = endpoint.is_news(request.request(), response.status(), engine);
            if news && watch.is_none() {
                watch = Some(Exchange::start(request.head(), engine));
            }
            let mut response = request.into_response(response);
            match watch {
                Some((exchange, scope)) => exchange.finish_probe(scope, &mut response, news),
                None => engine.close_if_draining(response.response_mut()),
            }
            return Answer::Immediate {
                result: Some(Ok(response)),
            };
        }
        let (exchange, scope) = watch.unwrap_or_else(|| Exchange::start(request.head(), engine));
        let engine = engine.clone();
        let (request, _) = request.into_parts();
        Answer::Heartbeat {
            future: Box::pin(async move {
                let response = endpoints::heartbeat(request.clone(), engine.clone()).await;
                let news = endpoint.is_news(&request, response.status(), &engine);
                let mut response = ServiceResponse::new(request, response);
                exchange.finish_probe(scope, &mut response, news);
                response
            }),
        }
    }
}

pin_project! {
    /// A response that is being made.
    #[project = AnswerProjection]
    enum Answer<F> {
        App { #[pin] future: Handled<F> },
        Immediate { result: Option<Result<ServiceResponse, Error>> },
        Heartbeat { future: LocalBoxFuture<'static, ServiceResponse> },
    }
}

impl<F, B> Future for Answer<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody + 'static,
{
    type Output = Result<ServiceResponse<BoxBody>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AnswerProjection::App { future } => future.poll(context),
            AnswerProjection::Immediate { result } => {
                Poll::Ready(result.take().expect(POLLED_AGAIN))
            }
            AnswerProjection::Heartbeat { future } => future.as_mut().poll(context).map(Ok),
        }
    }
}

pin_project! {
    /// A request that the app handles, in its scope. Every outcome has a summary if the log is on.
    struct Handled<F> {
        #[pin]
        future: InScope<F>,
        exchange: Option<Exchange>,
    }

    impl<F> PinnedDrop for Handled<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(exchange) = this.exchange.take() else {
                return;
            };
            let _reported = exchange.report.as_ref().map(RequestReport::enter);
            // A value of the handler that panics when dropped would end the connection, with the requests pipelined behind this one.
            let abandoned = catch_unwind(AssertUnwindSafe(|| this.future.as_mut().abandon()));
            match abandoned {
                Ok(scope) => Exchange::abandon(&scope, None),
                Err(payload) => {
                    let panic = format!("the handler panicked: {}", payload_text(&*payload));
                    Exchange::abandon(&this.future.abandon(), Some(&panic));
                }
            }
        }
    }
}

impl<F, B> Future for Handled<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody + 'static,
{
    type Output = Result<ServiceResponse<BoxBody>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // Kept outside of the closure: if a panic inside dropped it, and that panicked, too, the process would end.
        let mut outcome = None;
        let polled = {
            let report = this.exchange.as_ref();
            let report = report.and_then(|exchange| exchange.report.as_ref());
            let _reported = report.map(RequestReport::enter);
            let poll = || {
                this.future.as_mut().poll(context).map(|ready| {
                    outcome = Some(ready);
                    this.future.as_mut().end()
                })
            };
            catch_unwind(AssertUnwindSafe(poll))
        };
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(scope)) => {
                let exchange = this.exchange.take().expect(POLLED_AGAIN);
                let outcome = outcome.expect("a future that was ready has an outcome");
                Poll::Ready(exchange.finish(scope, outcome))
            }
            Err(payload) => {
                let exchange = this.exchange.take().expect(POLLED_AGAIN);
                let mut panic = panicked(&*payload);
                let ended = {
                    let _reported = exchange.report.as_ref().map(RequestReport::enter);
                    let _logged = catch_unwind(AssertUnwindSafe(|| drop(outcome)));
                    catch_unwind(AssertUnwindSafe(|| this.future.as_mut().end()))
                };
                let scope = ended.unwrap_or_else(|payload| {
                    panic = panicked(&*payload);
                    this.future.end()
                });
                Poll::Ready(Err(exchange.fail(scope, panic)))
            }
        }
    }
}
