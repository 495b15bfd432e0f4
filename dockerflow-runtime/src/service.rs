//! The middleware that makes an app a Dockerflow service: our endpoints first, then the app.

use std::{
    future::{self, Ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_http::ConnectionType;
use actix_web::{
    App, Error,
    body::{BoxBody, MessageBody},
    dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use futures_util::future::LocalBoxFuture;
use pin_project_lite::pin_project;

use crate::{
    endpoints::{self, Endpoint},
    engine::{Engine, Facts},
    metrics::{Metrics, Underway},
};

/// An app that is a service: what `#[service]` writes for a bare `App`.
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
/// Where the service cannot start; the message is an [`Error`](crate::Error)'s. `Server::run` returns that error instead.
pub fn service<T, B>(facts: &Facts, app: App<T>) -> App<impl AppFactory + use<T, B>>
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
    let engine = Engine::current(facts);
    let metrics = engine.as_ref().map(|engine| engine.metrics.clone());
    app.app_data(metrics.unwrap_or_else(Metrics::none))
        .wrap(Dockerflow { engine })
}

/// The outermost middleware. Without an engine there is no service: a `Server` knows why.
struct Dockerflow {
    engine: Option<Arc<Engine>>,
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
        future::ready(engine.map(|engine| DockerflowMiddleware { service, engine }))
    }
}

struct DockerflowMiddleware<S> {
    service: S,
    engine: Arc<Engine>,
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
        let Some(endpoint) = Endpoint::of(request.head()) else {
            return Answer::App {
                underway: self.engine.metrics.request(),
                future: self.service.call(request),
                engine: self.engine.clone(),
            };
        };
        if let Some(response) = endpoint.immediate(request.head(), &self.engine) {
            let mut response = request.into_response(response);
            close_if_draining(&self.engine, &mut response);
            return Answer::Immediate {
                response: Some(response),
            };
        }
        let engine = self.engine.clone();
        let (request, _) = request.into_parts();
        Answer::Heartbeat {
            future: Box::pin(async move {
                let response = endpoints::heartbeat(request.clone(), engine.clone()).await;
                let mut response = ServiceResponse::new(request, response);
                close_if_draining(&engine, &mut response);
                response
            }),
        }
    }
}

/// While the server drains, each response asks its client to go on elsewhere.
fn close_if_draining<B>(engine: &Engine, response: &mut ServiceResponse<B>) {
    if engine.draining() {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
}

pin_project! {
    /// A response that is under way.
    #[project = AnswerProjection]
    enum Answer<F> {
        App { #[pin] future: F, engine: Arc<Engine>, underway: Option<Underway> },
        Immediate { response: Option<ServiceResponse> },
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
            AnswerProjection::App {
                future,
                engine,
                underway,
            } => {
                let result = ready!(future.poll(context));
                if let Some(underway) = underway.take() {
                    match &result {
                        Ok(response) => {
                            underway.answered(Some(response.request()), response.status());
                        }
                        Err(error) => {
                            underway.answered(None, error.as_response_error().status_code());
                        }
                    }
                }
                Poll::Ready(result.map(|response| {
                    let mut response = response.map_into_boxed_body();
                    close_if_draining(engine, &mut response);
                    response
                }))
            }
            AnswerProjection::Immediate { response } => Poll::Ready(Ok(response
                .take()
                .expect("a future is not polled after it is ready"))),
            AnswerProjection::Heartbeat { future } => future.as_mut().poll(context).map(Ok),
        }
    }
}
