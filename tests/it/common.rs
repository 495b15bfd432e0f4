//! A real server on a free port, and a client that sees every byte.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use actix_web::{
    App, HttpServer,
    body::MessageBody,
    dev::{Server, ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
};

/// What an app is made of.
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

/// A server that ends with its value.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    handle: ServerHandle,
}

impl Running {
    /// The app in an [`HttpServer`] with `workers` workers that share one engine.
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

    /// What is answered to a request without a body, on a connection of its own.
    pub(crate) fn request(&self, method: &str, path: &str) -> Response {
        let mut stream = TcpStream::connect(self.address).expect("the server listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time above zero");
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("the server reads");
        let mut bytes = Vec::new();
        stream
            .read_to_end(&mut bytes)
            .expect("the server answers and closes");
        Response::parse(&bytes)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.request("GET", path)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The server's own thread carries it out; nobody waits for it.
        drop(self.handle.stop(false));
    }
}

/// A response as it came over the wire.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Response {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status line");
        Self {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}
