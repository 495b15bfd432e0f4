//! What proxies and clients see.

use super::start;
use crate::support::{Process, until};

#[test]
fn the_request_id_of_an_upstream_is_kept() {
    let serving = start("", &[]);
    let own = serving.get("/upstream");
    assert_eq!(own.header("x-request-id"), Some("the-id-of-an-upstream"));
    assert!(serving.get("/").header("x-request-id").is_some());
}

#[test]
fn a_handshake_in_the_drain_has_the_connection_header_that_clients_accept() {
    let serving = start("", &[("DOCKERFLOW_DRAIN_DELAY", "30s")]);
    let handshake = |serving: &Process| {
        let mut connection = serving.connect();
        let headers = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        connection.ask_with("/ws", headers).expect("it reads");
        connection.answer().expect("it answers")
    };
    let before = handshake(&serving);
    serving.signal("TERM");
    until("it drains", || serving.get("/__heartbeat__").status == 503);
    let during = handshake(&serving);
    for answer in [before, during] {
        assert_eq!(answer.status, 101);
        let connection = answer.header("connection").expect("it is there");
        assert!(connection.eq_ignore_ascii_case("upgrade"), "{connection}");
    }
    assert!(serving.get("/").closes(), "other connections close");
}
