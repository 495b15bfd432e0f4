//! Under which route is a request counted, whoever answered it?

use super::serve;
use crate::support::until;

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
