//! The page for people, as a browser asks for it.

use actix_web::App;
use dockerflow::{Message, health_check};

use crate::support::{Response, Running, exchange};

const BROWSER: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

#[health_check(name = "<script>alert(1)</script>")]
async fn script() -> Message {
    Message::warning("a.secret", "postgres://scott:tiger@db.example")
}

#[dockerflow::service(checks(script))]
fn app() -> App {
    App::new()
}

#[dockerflow::service(checks())]
fn without_checks() -> App {
    App::new()
}

fn page(server: &Running, path: &str) -> Response {
    exchange(server.address, "GET", path, BROWSER, "").expect("it answers")
}

#[test]
fn a_browser_gets_a_page_with_the_same_status_that_loads_and_runs_nothing() {
    let server = Running::start(1, app);
    let page = page(&server, "/__heartbeat__");
    assert_eq!(page.status, server.get("/__heartbeat__").status);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(page.body.contains("Degraded"), "{}", page.body);
    for forbidden in ["<script", "tiger", "src=", "@import", "url("] {
        assert!(!page.body.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn refreshing_is_off_until_it_is_asked_for_and_never_faster_than_five_seconds() {
    let server = Running::start(1, app);
    let plain = page(&server, "/__heartbeat__").body;
    assert!(!plain.contains("http-equiv") && plain.contains("href=\"?refresh=5\""));
    for (query, seconds) in [
        ("refresh=5", 5),
        ("refresh=1", 5),
        ("refresh=60", 60),
        ("refresh=9999999", 3600),
    ] {
        let body = page(&server, &format!("/__heartbeat__?{query}")).body;
        let refresh = format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">");
        assert!(body.contains(&refresh), "{query}");
        assert!(body.contains("Stop refreshing"), "{query}");
    }
    for query in ["refresh=", "refresh=soon", "refresh=-5"] {
        let body = page(&server, &format!("/__heartbeat__?{query}")).body;
        assert!(!body.contains("http-equiv"), "{query}");
    }
    let one = page(
        &server,
        "/__heartbeat__?check=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    )
    .body;
    assert!(
        one.contains("href=\"?check=%3Cscript%3Ealert(1)%3C%2Fscript%3E&amp;refresh=5\""),
        "{one}"
    );
}

#[test]
fn a_service_without_checks_says_so() {
    let server = Running::start(1, without_checks);
    let body = page(&server, "/__heartbeat__").body;
    assert!(
        body.contains("This service has no health checks."),
        "{body}"
    );
}
