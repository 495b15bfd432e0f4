//! Under which route is a request counted, whoever answered it?

use std::time::Duration;

use super::serve;
use crate::support::{Connection, until};

#[test]
fn each_request_is_counted_for_the_route_that_it_was_for_whoever_answered_it() {
    let (mut serving, statsd) = serve(&[]);
    let cases = [
        ("/books/7", "", "/books/{id}", 200),
        // A 404 from a route counts for that route.
        ("/books/404", "", "/books/{id}", 404),
        ("/nowhere", "", "unmatched", 404),
        ("/books", "", "unmatched", 404),
        // After a panic or a middleware's error there is no request left to ask.
        ("/panics/1", "", "/panics/{id}", 500),
        ("/refused/1", "", "/refused/{id}", 403),
        ("/refused/1/2", "", "unmatched", 403),
        ("/api/v1/shops/9", "", "/api/{version}/shops/{shop}", 200),
        ("/api/v1/shops", "", "unmatched", 404),
        ("/guarded", "x-kind: a\r\n", "/guarded", 200),
        ("/guarded", "x-kind: b\r\n", "/guarded", 201),
        ("/guarded", "", "unmatched", 404),
        ("/files/a/b/c?d=e", "", "/files/{tail:.*}", 200),
        ("/files/%7C%23%3A", "", "/files/{tail:.*}", 200),
    ];
    for (path, headers, route, status) in cases {
        assert_eq!(serving.get_with(path, headers).status, status, "{path}");
        let class = status / 100;
        // Characters with a meaning to statsd become underscores in a tag.
        let route = route.replace(':', "_");
        let expected = format!("|ms|#method:GET,route:{route},status:{class}xx");
        let count = || {
            let lines = statsd.lines();
            let lines = lines.iter().filter(|line| line.ends_with(&expected));
            lines.count()
        };
        let asked = |case: &(&str, &str, &str, u16)| {
            case.2.replace(':', "_") == route && case.3 / 100 == class
        };
        let until_now = cases
            .iter()
            .take_while(|case| case.0 != path || case.1 != headers);
        let expected_count = until_now.filter(|case| asked(case)).count() + 1;
        until(&format!("{path} is counted as {expected}"), || {
            count() == expected_count
        });
    }
    assert!(serving.stop().success());
}

#[test]
fn other_methods_and_other_ways_to_answer_have_their_route_too() {
    let (mut serving, statsd) = serve(&[]);
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let cases = [
        ("HEAD", "/head/1", "", "/head/{id}", 200),
        ("POST", "/items/1", "", "/items/{id}", 405),
        ("BREW", "/items/2", "", "/items/{id}", 405),
        // The guard of a route that is not in a resource of its own is the resource's.
        ("POST", "/books/1", "", "unmatched", 404),
        ("OPTIONS", "/books/1", "", "/books/{id}", 204),
        ("OPTIONS", "/nowhere", "", "unmatched", 204),
        ("GET", "/gate/1", "", "/gate/{id}", 500),
        ("GET", "/breaks/1", "", "/breaks/{id}", 200),
        ("GET", "/socket/1", upgrade, "/socket/{id}", 101),
        ("GET", "/old/1", "", "/old/{id}", 307),
        ("GET", "/closed/1/inner", "", "/closed/{id}/inner", 410),
        ("GET", "/closed/1/other", "", "unmatched", 410),
        ("GET", "/lenient/known", "", "/lenient/known", 200),
        ("GET", "/lenient/other", "", "unmatched", 202),
    ];
    for (method, path, headers, route, status) in cases {
        let mut connection = serving.connect();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        connection.send(request.as_bytes()).expect("it reads");
        let method = if method == "BREW" { "other" } else { method };
        let class = status / 100;
        let expected = format!("|ms|#method:{method},route:{route},status:{class}xx");
        until(&format!("{method} {path} is counted as {expected}"), || {
            let lines = statsd.lines();
            lines.iter().any(|line| line.ends_with(&expected))
        });
    }
    // A client that resets its connection is in flight no longer, and is not counted.
    let idle = || {
        let lines = statsd.lines();
        let mut gauges = lines.iter().rev();
        gauges
            .find(|line| line.starts_with("metered.request.in_flight"))
            .cloned()
    };
    let mut leaving = Connection::open(serving.address()).expect("it serves");
    leaving.ask("/waits/1").expect("it reads");
    until("it is in flight", || {
        idle().as_deref() == Some("metered.request.in_flight:1|g")
    });
    let stream = leaving.into_stream();
    socket2::SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("it is TCP");
    drop(stream);
    until("it is not any more", || {
        idle().as_deref() == Some("metered.request.in_flight:0|g")
    });
    assert!(serving.stop().success());
    let lines = statsd.lines();
    assert!(!lines.iter().any(|line| line.contains("/waits/")));
}

#[test]
fn hostile_methods_are_one_series() {
    let (serving, statsd) = serve(&[]);
    for method in ["FORGE|c", "X:1", "A,B", "BREW", "get"] {
        let mut connection = serving.connect();
        let request = format!("{method} /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
        connection.send(request.as_bytes()).expect("it reads");
        connection.answer().expect("it answers");
    }
    assert_eq!(serving.get("/books/1").status, 200);
    let series = || {
        let series = statsd.series();
        let ours = |series: &String| series.starts_with("metered.request|");
        series.into_iter().filter(ours).collect::<Vec<_>>()
    };
    until("all are counted", || series().len() >= 2);
    for one in series() {
        let method = one.split("method:").nth(1).expect("a method");
        assert!(
            method.starts_with("other,") || method.starts_with("GET,"),
            "{one}"
        );
    }
}

#[test]
fn a_service_whose_log_is_off_is_measured_all_the_same() {
    let (mut serving, statsd) = serve(&[("LOG_LEVEL", "off")]);
    for (path, status, expected) in [
        (
            "/books/7",
            200,
            "|ms|#method:GET,route:/books/{id},status:2xx",
        ),
        (
            "/panics/1",
            500,
            "|ms|#method:GET,route:/panics/{id},status:5xx",
        ),
    ] {
        assert_eq!(serving.get(path).status, status);
        until(&format!("{path} is measured"), || {
            statsd.lines().iter().any(|line| line.ends_with(expected))
        });
    }
    assert!(serving.stop().success());
}
