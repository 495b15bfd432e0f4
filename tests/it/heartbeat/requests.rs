//! Requests to the heartbeat that no prober sends: each has an answer that is right, and short.

use actix_web::{App, HttpResponse, web};
use dockerflow::{Message, health_check};

use crate::support::{Response, Running, exchange};

#[health_check(name = "disk \u{1f4be}")]
async fn disk() -> Message {
    Message::ok().with("free_bytes", 17)
}

#[health_check(name = "\u{202e}esrever & <b>")]
async fn reverse() -> Message {
    Message::error("reverse.failed", "it fails")
}

/// The app's own fallback answers 418: what reaches it is not ours.
#[dockerflow::service(checks(disk, reverse))]
fn app() -> App {
    App::new().default_service(web::to(HttpResponse::ImATeapot))
}

fn ask(server: &Running, method: &str, path: &str, headers: &str) -> Response {
    exchange(server.address, method, path, headers, "").expect("it answers")
}

#[test]
fn a_path_is_ours_only_if_it_is_written_as_ours() {
    let server = Running::start(1, app);
    for (path, status) in [
        ("/__heartbeat__", 503),
        ("/__heartbeat__/", 503),
        ("/__heartbeat__?", 503),
        ("/__heartbeat__/?x=y", 503),
        ("/__lbheartbeat__/", 200),
        ("//__heartbeat__", 418),
        ("/__heartbeat__//", 418),
        ("/__HEARTBEAT__", 418),
        ("/%5F_heartbeat__", 418),
        ("/__heartbeat__%2f", 418),
        ("/__heartbeat__;x", 418),
        ("/x/../__heartbeat__", 418),
        ("/__heartbeat", 418),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
}

#[test]
fn a_method_that_changes_something_is_refused_on_every_endpoint() {
    let server = Running::start(1, app);
    for path in ["/__heartbeat__", "/__lbheartbeat__", "/__version__"] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PURGE"] {
            let answer = ask(&server, method, path, "");
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (405, ""),
                "{method} {path}"
            );
            assert_eq!(
                answer.header("allow"),
                Some("GET, HEAD, OPTIONS"),
                "{method} {path}"
            );
        }
    }
    let head = ask(&server, "HEAD", "/__heartbeat__", "");
    assert_eq!((head.status, head.body.as_str()), (503, ""));
    assert_ne!(
        head.header("content-length"),
        Some("0"),
        "the length of what GET has"
    );
}

#[test]
fn a_condition_or_a_range_changes_nothing() {
    let server = Running::start(1, app);
    for headers in [
        "Range: bytes=0-3\r\n",
        "If-None-Match: *\r\n",
        "If-Modified-Since: Fri, 27 Nov 2037 00:00:00 GMT\r\n",
        "Expect: 200-ok\r\n",
    ] {
        let answer = ask(&server, "GET", "/__heartbeat__", headers);
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (503, Some("no-store")),
            "{headers}"
        );
        assert_eq!(answer.json()["status"], "error", "{headers}");
        assert_eq!(answer.header("vary"), Some("Accept"), "{headers}");
    }
}

#[test]
fn a_query_names_checks_that_there_are_or_gets_nothing() {
    let server = Running::start(1, app);
    let long = format!("?check={}", "x".repeat(10_000));
    for (query, status) in [
        ("?check=disk%20%F0%9F%92%BE", 200),
        ("?check=disk+%F0%9F%92%BE", 200),
        ("?%63heck=disk+%F0%9F%92%BE", 200),
        ("?check=%E2%80%AEesrever%20%26%20%3Cb%3E", 503),
        (
            "?check=disk+%F0%9F%92%BE&check=%E2%80%AEesrever%20%26%20%3Cb%3E",
            503,
        ),
        ("?check=", 404),
        ("?check", 404),
        ("?check=disk", 404),
        ("?check=disk+%F0%9F%92%BE&check=unknown", 404),
        ("?check=%FF", 404),
        ("?check=%00", 404),
        ("?check=%3Cscript%3E", 404),
        (long.as_str(), 404),
        ("?checks=disk", 503),
        ("?refresh=0&refresh=-1&refresh=1e9&refresh=abc", 503),
        ("?&&=&=x&%", 503),
    ] {
        for accept in ["", "Accept: text/html\r\n"] {
            let answer = ask(&server, "GET", &format!("/__heartbeat__{query}"), accept);
            assert_eq!(answer.status, status, "{query}");
            assert!(
                status != 404 || answer.body.is_empty(),
                "{query}: no echo: {answer:?}"
            );
        }
    }
}

#[test]
fn a_name_cannot_turn_the_text_around_it() {
    let server = Running::start(1, app);
    let page = ask(&server, "GET", "/__heartbeat__", "Accept: text/html\r\n").body;
    assert!(
        page.contains("Failing: \u{fffd}esrever &amp; &lt;b&gt;."),
        "{page}"
    );
    assert!(!page.contains('\u{202e}'), "{page}");
    let json = server.get("/__heartbeat__").json();
    assert_eq!(json["checks"]["\u{202e}esrever & <b>"], "error");
}
