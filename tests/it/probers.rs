//! What do load balancers and probers get? Each as the raw bytes that it sends.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use actix_web::{App, HttpResponse, web};

use crate::support::Running;

/// The app's own fallback answers 418: no probe may reach it.
#[dockerflow::service(checks())]
fn app() -> App {
    App::new().default_service(web::to(HttpResponse::ImATeapot))
}

/// Who probes, what it sends (`PATH` stands for the endpoint), and the status line that it must get.
const PROBERS: &[(&str, &str, &str)] = &[
    (
        "kube-probe",
        "GET PATH HTTP/1.1\r\nHost: 10.0.0.7:8000\r\nUser-Agent: kube-probe/1.31\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK",
    ),
    (
        "Google Cloud load balancer",
        "GET PATH HTTP/1.1\r\nHost: 35.191.0.1\r\nUser-Agent: GoogleHC/1.0\r\nConnection: Keep-alive\r\n\r\n",
        "HTTP/1.1 200 OK",
    ),
    (
        "AWS load balancer",
        "GET PATH HTTP/1.1\r\nHost: 10.0.0.7:8000\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n",
        "HTTP/1.1 200 OK",
    ),
    (
        "HAProxy, `option httpchk` alone",
        "OPTIONS PATH HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK",
    ),
    (
        "HAProxy, `http-check send meth OPTIONS`",
        "OPTIONS PATH HTTP/1.1\r\nhost: web\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 200 OK",
    ),
    (
        "HAProxy, `http-check send meth GET`",
        "GET PATH HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 200 OK",
    ),
    (
        "HAProxy, `http-check send meth HEAD`",
        "HEAD PATH HTTP/1.0\r\n\r\n",
        "HTTP/1.0 200 OK",
    ),
    (
        "Consul",
        "GET PATH HTTP/1.1\r\nHost: 10.0.0.7:8000\r\nUser-Agent: Consul Health Check\r\nAccept: text/plain, text/*, */*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK",
    ),
    (
        "Pingdom",
        "GET PATH HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)\r\nPragma: no-cache\r\nCache-Control: no-cache\r\nAccept-Encoding: gzip, deflate\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK",
    ),
    (
        "Envoy",
        "GET PATH HTTP/1.1\r\nhost: web\r\nuser-agent: Envoy/HC\r\n\r\n",
        "HTTP/1.1 200 OK",
    ),
    (
        "Docker's HEALTHCHECK with curl",
        "GET PATH HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\r\n",
        "HTTP/1.1 200 OK",
    ),
    (
        "F5, a send string of `GET PATH HTTP/1.0`",
        "GET PATH HTTP/1.0\r\n\r\n",
        "HTTP/1.0 200 OK",
    ),
    // HTTP/0.9 has no status line, so that it could not say that an instance drains. Docs name the send string above.
    (
        "F5, its default send string",
        "GET PATH\r\n\r\n",
        "HTTP/1.1 400 Bad Request",
    ),
    (
        "a CORS preflight",
        "OPTIONS PATH HTTP/1.1\r\nHost: shop.example\r\nOrigin: https://status.example\r\nAccess-Control-Request-Method: GET\r\n\r\n",
        "HTTP/1.1 200 OK",
    ),
];

/// The head and the body of the response to these bytes. The body is read as far as its head says.
fn answer(server: &Running, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    let patience = Duration::from_secs(10);
    stream
        .set_read_timeout(Some(patience))
        .expect("a time above zero");
    stream
        .write_all(request.as_bytes())
        .expect("the server reads");
    let mut text = String::new();
    let mut bytes = [0; 4096];
    loop {
        let count = stream.read(&mut bytes).expect("the server answers in time");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(count > 0, "no answer to {request:?}");
            continue;
        };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.parse().expect("a number"));
        let has_body = !request.starts_with("HEAD") && !request.starts_with("OPTIONS");
        if count == 0 || !has_body || body.len() >= length {
            return (head.to_owned(), body.to_owned());
        }
    }
}

#[test]
fn every_prober_is_answered_as_it_asks() {
    let server = Running::start(1, app);
    for path in ["/__lbheartbeat__", "/__heartbeat__", "/__version__"] {
        for (prober, request, status) in PROBERS {
            let request = request.replace("PATH", path);
            let (head, body) = answer(&server, &request);
            let first = head.lines().next().expect("a status line");
            assert_eq!(first, *status, "{prober} at {path}");
            if request.starts_with("OPTIONS") {
                assert!(
                    head.contains("\r\nallow: GET, HEAD, OPTIONS"),
                    "{prober} at {path}: {head}"
                );
                assert!(!head.contains("content-type"), "{prober} at {path}: {head}");
            }
            let with_body =
                request.starts_with("GET") && path != "/__lbheartbeat__" && status.ends_with("OK");
            assert_eq!(!body.is_empty(), with_body, "{prober} at {path}: {body:?}");
        }
    }
}
