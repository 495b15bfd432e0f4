//! An app on a free port, in this process.

use std::net::SocketAddr;

use actix_web::{
    App, HttpServer,
    body::MessageBody,
    dev::{Server, ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
};

use super::{Response, exchange};

/// What an app consists of.
pub(crate) trait Service<B>:
    ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<B>,
        Error = actix_web::Error,
        InitError = (),
    > + 'static
{
}

impl<B, T> Service<B> for T where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static
{
}

/// A server. It stops when this value is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    handle: ServerHandle,
}

impl Running {
    /// Starts the app in an [`HttpServer`] with `workers` workers that share one engine.
    pub(crate) fn start<T, B>(
        workers: usize,
        app: impl Fn() -> App<T> + Send + Clone + 'static,
    ) -> Self
    where
        T: Service<B>,
        B: MessageBody + 'static,
    {
        let (send, receive) = std::sync::mpsc::channel();
        let app = dockerflow::share_engine(app);
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(app)
                    .workers(workers)
                    .disable_signals()
                    .bind("127.0.0.1:0")
                    .expect("a free port");
                let address = server.addrs()[0];
                let server: Server = server.run();
                send.send((address, server.handle()))
                    .expect("the test waits for it");
                server.await.expect("the server ends well");
            });
        });
        let (address, handle) = receive.recv().expect("the server starts");
        Self { address, handle }
    }

    /// Sends a request without a body on a connection of its own.
    pub(crate) fn request(&self, method: &str, path: &str) -> Response {
        exchange(self.address, method, path, "", "").expect("the server answers")
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.request("GET", path)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The server's own thread does the rest; nobody waits for it.
        drop(self.handle.stop(false));
    }
}
