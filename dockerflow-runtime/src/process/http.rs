//! An HTTP server: what actix-web asks of its app, and how it becomes one that listens.

use std::{fmt, path::PathBuf};

use actix_http::Request;
use actix_service::IntoServiceFactory;
use actix_web::{
    HttpServer,
    body::MessageBody,
    dev::{self, AppConfig, Response, Service, ServiceFactory},
    http::KeepAlive,
};

use super::{address::Address, announce::Announced, options::ProcessOptions, unix_sockets};
use crate::{error::Error, service::Shared};

/// What an [`HttpServer`] asks of the service that an app becomes. Each app of actix-web is one.
#[doc(hidden)]
pub trait HttpService<B>:
    ServiceFactory<
        Request,
        Config = AppConfig,
        Response = Self::HttpResponse,
        Error = Self::HttpError,
        InitError = Self::StartError,
        Service = Self::HttpWorker,
    > + 'static
{
    type HttpResponse: Into<Response<B>> + 'static;
    type HttpError: Into<actix_web::Error> + 'static;
    type StartError: fmt::Debug;
    type HttpWorker: Service<
            Request,
            Response = Self::HttpResponse,
            Error = Self::HttpError,
            Future = Self::HttpFuture,
        > + 'static;
    type HttpFuture: Future<Output = Result<Self::HttpResponse, Self::HttpError>> + 'static;
}

impl<S, B> HttpService<B> for S
where
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Response: Into<Response<B>> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: fmt::Debug,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
{
    type HttpResponse = S::Response;
    type HttpError = S::Error;
    type StartError = S::InitError;
    type HttpWorker = S::Service;
    type HttpFuture = <S::Service as Service<Request>>::Future;
}

/// Another app of the process: where it is served, and how.
pub(super) struct OtherApp<'a> {
    pub(super) name: &'a str,
    pub(super) address: &'a Address,
    pub(super) shared: Shared,
    pub(super) options: &'a ProcessOptions,
    pub(super) workers: usize,
}

/// A server that listens. Its workers start when it is polled.
pub(super) struct Listening {
    pub(super) server: dev::Server,
    pub(super) shared: Shared,
    /// The Unix socket, to be removed at the end.
    pub(super) socket: Option<PathBuf>,
    pub(super) announced: Announced,
}

/// Returns a server that is not bound yet, with what the options say.
pub(super) fn build<F, I, S, B>(
    factory: F,
    shared: Shared,
    options: &ProcessOptions,
    workers: usize,
) -> HttpServer<impl Fn() -> I + Send + Clone + use<F, I, S, B>, I, S, B>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: HttpService<B>,
    B: MessageBody + 'static,
{
    HttpServer::new(move || shared.worker(&factory))
        .workers(workers)
        .keep_alive(KeepAlive::from(options.keep_alive))
        .client_request_timeout(options.client_request_timeout)
        .max_connections(options.max_connections)
        .backlog(options.backlog)
        // Rounded up: `stop` keeps the exact time.
        .shutdown_timeout(options.shutdown_timeout.as_secs() + 1)
        .disable_signals()
}

/// Binds a server to an address that the variable `port` names.
pub(super) fn bind<F, I, S, B>(
    http: HttpServer<F, I, S, B>,
    address: &Address,
    port: &str,
) -> Result<HttpServer<F, I, S, B>, Error>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: HttpService<B>,
    B: MessageBody + 'static,
{
    let bound = match address {
        Address::Tcp(address) => http.bind(address),
        Address::Unix(path) => {
            unix_sockets::listen(path).and_then(|listener| http.listen_uds(listener))
        }
    };
    bound.map_err(|error| Error::Bind {
        address: address.to_string(),
        port: port.into(),
        error,
    })
}

/// Makes an app of the same process listen on its own address.
pub(super) fn listen_other<F, I, S, B>(factory: F, app: OtherApp<'_>) -> Result<Listening, Error>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: HttpService<B>,
    B: MessageBody + 'static,
{
    let OtherApp {
        name,
        address,
        shared,
        options,
        workers,
    } = app;
    shared.start(&format!("the app {name}"), &factory)?;
    let http = build(factory, shared.clone(), options, workers);
    let http = bind(http, address, &format!("{name}_PORT"))?;
    let addresses = unix_sockets::announced(&http.addrs_with_scheme());
    let announced = Announced {
        listeners: addresses.len(),
        addresses: addresses
            .iter()
            .map(|address| format!("{address} ({name})"))
            .collect(),
        port_was_chosen: address.has_no_port(),
    };
    Ok(Listening {
        server: http.run(),
        shared,
        socket: address.unix().map(Into::into),
        announced,
    })
}
