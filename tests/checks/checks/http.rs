//! HTTP services: up, refused, silent, failing, redirecting, broken, endless.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use actix_web::{App, get, test, web};
use awc::Client;
use dockerflow::{
    Message,
    health::{Heartbeat, Level, checks::awc::answers, checks::awc::answers_to},
    health_check,
};
use support::free_port;
use tokio::time::{sleep, timeout};

use crate::{expect, expect_ok};

/// What a service does with a connection once it has read a request.
enum Then {
    /// Waits for the next request on it.
    Keeps,
    Closes,
    /// Sends nothing more, and holds the connection.
    Hangs,
    /// Sends the last part of the answer again and again.
    GoesOn,
}

/// A service that answers each request with the same bytes.
pub(crate) struct Service {
    pub(crate) port: u16,
    /// Connections that it has accepted.
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Service {
    fn start(answer: &'static str, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, then) = (connections.clone(), Arc::new(then));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, SeqCst);
                let then = then.clone();
                thread::spawn(move || serve(stream, answer, &then));
            }
        });
        Self { port, connections }
    }

    /// One that is well.
    pub(crate) fn well() -> Self {
        Self::start(
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            Then::Keeps,
        )
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/status?token=secret", self.port)
    }
}

fn serve(mut stream: TcpStream, answer: &str, then: &Then) -> Option<()> {
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        while !request.ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut bytes).ok().filter(|count| *count > 0)?;
            request.extend_from_slice(&bytes[..count]);
        }
        request.clear();
        stream.write_all(answer.as_bytes()).ok()?;
        match then {
            Then::Keeps => {}
            Then::Closes => return stream.shutdown(Shutdown::Both).ok(),
            Then::Hangs => thread::sleep(Duration::from_secs(3600)),
            Then::GoesOn => loop {
                stream.write_all(&[b'x'; 4096]).ok()?;
            },
        }
    }
}

const UNREACHABLE: &str = "dockerflow.health.http.unreachable";
const STATUS: &str = "dockerflow.health.http.status";

#[actix_web::test]
async fn a_service_that_answers_2xx_is_well_and_has_its_status_as_data() {
    let service = Service::well();
    let message = answers(&service.url()).await;
    assert_eq!(message, Message::ok().with("status", 200));
    let empty = Service::start("HTTP/1.1 204 No Content\r\n\r\n", Then::Keeps);
    expect_ok(answers(&empty.url()).await);
    let chunked = Service::start(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        Then::Keeps,
    );
    expect_ok(answers(&chunked.url()).await);
}

#[actix_web::test]
async fn a_service_that_refuses_or_has_no_address_cannot_be_reached() {
    let url = format!(
        "http://scott:tiger-in-the-tank@127.0.0.1:{}/x?token=secret",
        free_port()
    );
    let message = answers(&url).await;
    expect(
        message.clone(),
        Level::Error,
        UNREACHABLE,
        "Connection refused",
    );
    assert!(!message.text().contains("secret"), "{message:?}");
    let message = answers("http://no.such.host.invalid/").await;
    expect(message, Level::Error, UNREACHABLE, "resolving");
    for not_a_url in ["", "shop", "ftp://127.0.0.1/", "http://", "http://a b/"] {
        let message = answers(not_a_url).await;
        assert_eq!(message.level(), Level::Error, "{not_a_url}: {message:?}");
    }
}

#[actix_web::test]
async fn a_status_that_is_not_2xx_is_an_error_and_a_redirect_is_not_followed() {
    let other = Service::well();
    let location = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        other.url()
    );
    for (answer, text) in [
        (
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
            "answers 500",
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            "answers 503",
        ),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "answers 404",
        ),
        (
            location.leak(),
            "answers 302 Found, and redirects are not followed",
        ),
    ] {
        let service = Service::start(answer, Then::Keeps);
        let message = answers(&service.url()).await;
        expect(message.clone(), Level::Error, STATUS, text);
        assert!(!message.text().contains("secret"), "{message:?}");
    }
    assert_eq!(other.connections.load(SeqCst), 0);
}

#[actix_web::test]
async fn an_answer_that_breaks_off_or_is_not_http_is_an_error_and_an_endless_one_is_not_read_to_its_end()
 {
    let service = Service::start(
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nok",
        Then::Closes,
    );
    let message = answers(&service.url()).await;
    expect(
        message,
        Level::Error,
        UNREACHABLE,
        "breaks off: the connection was closed",
    );
    let service = Service::start("220 mail.example ESMTP\r\n\r\n", Then::Closes);
    let message = answers(&service.url()).await;
    expect(message, Level::Error, UNREACHABLE, "cannot be reached");
    let service = Service::start("", Then::Closes);
    let message = answers(&service.url()).await;
    expect(message, Level::Error, UNREACHABLE, "cannot be reached");
    let service = Service::start(
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        Then::GoesOn,
    );
    expect_ok(answers(&service.url()).await);
}

#[actix_web::test]
async fn a_request_of_ones_own_has_its_method_and_headers() {
    let service = Service::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", Then::Keeps);
    let client = Client::builder().disable_redirects().finish();
    let request = client.head(service.url()).bearer_auth("token");
    expect_ok(answers_to(request).await);
}

#[health_check(timeout = "200ms")]
async fn upstream(url: web::Data<String>) -> Message {
    answers(&url).await
}

#[get("/report")]
async fn report(heartbeat: Heartbeat) -> String {
    let report = heartbeat.report().await;
    let check = &report.checks()[0];
    let ids: Vec<_> = check.messages().iter().map(Message::id).collect();
    format!("{} {}", check.level(), ids.join(" "))
}

#[dockerflow::service(checks(upstream))]
fn app(url: web::Data<String>) -> App {
    App::new().app_data(url).service(report)
}

/// What `/report` says, in a run after each of these times.
async fn reports(url: String, times: &[u64]) -> Vec<String> {
    let app = test::init_service(app(web::Data::new(url))).await;
    let mut reports = Vec::new();
    for wait in times {
        sleep(Duration::from_millis(*wait)).await;
        let request = test::TestRequest::get().uri("/report").to_request();
        let body = test::call_and_read_body(&app, request).await;
        reports.push(String::from_utf8_lossy(&body).into_owned());
    }
    reports
}

#[actix_web::test]
async fn the_check_runs_on_the_thread_of_the_checks_and_one_connection_serves_all_runs() {
    let service = Service::well();
    assert_eq!(reports(service.url(), &[0, 1100, 1100]).await, ["ok "; 3]);
    assert_eq!(service.connections.load(SeqCst), 1);
}

#[actix_web::test]
async fn a_service_that_is_silent_lets_the_check_time_out() {
    for (answer, part) in [
        ("", "head"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", "body"),
    ] {
        let service = Service::start(answer, Then::Hangs);
        let found = timeout(Duration::from_secs(2), reports(service.url(), &[0])).await;
        assert_eq!(
            found.expect("it has a deadline"),
            ["error upstream.timeout"],
            "{part}"
        );
    }
}
