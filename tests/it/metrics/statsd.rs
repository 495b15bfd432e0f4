//! What a statsd server receives from a process.

use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

use crate::{
    process::serve,
    support::{Connection, Statsd, get, until},
};

#[test]
fn a_statsd_server_hears_every_metric_that_is_documented() {
    let statsd = Statsd::listen();
    let mut serving = serve(&[
        ("STATSD_HOST", "localhost"),
        ("STATSD_PORT", &statsd.port()),
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
    ]);
    let address = serving.address();
    for path in [
        "/",
        "/slow/1",
        "/missing",
        "/count/a",
        "/__heartbeat__",
        "/__version__",
    ] {
        get(address, path).expect("it serves");
    }
    let expected = [
        "process.counted|c|#what:a",
        "process.health_check|ms|#check:always,status:ok",
        "process.heartbeat.pass|c",
        "process.request.in_flight|g",
        "process.request|ms|#method:GET,route:/,status:2xx",
        "process.request|ms|#method:GET,route:/count/{what},status:2xx",
        "process.request|ms|#method:GET,route:/slow/{milliseconds},status:2xx",
        "process.request|ms|#method:GET,route:unmatched,status:4xx",
    ];
    until("all are there", || statsd.series().len() >= expected.len());
    assert_eq!(statsd.series(), expected, "probes do not count as requests");

    // While a request is under way, it is in flight; one that is given up is not.
    let mut slow = Connection::open(address).expect("it serves");
    slow.ask("/slow/60000").expect("it reads");
    let has = |line: &str| statsd.lines().iter().any(|heard| heard == line);
    until("it is in flight", || has("process.request.in_flight:1|g"));
    serving.insist();
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn ten_thousand_random_paths_make_one_series() {
    let statsd = Statsd::listen();
    let serving = serve(&[
        ("STATSD_HOST", "127.0.0.1"),
        ("STATSD_PORT", &statsd.port()),
        ("LOG_LEVEL", "error"),
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
    ]);
    let mut connection = Connection::open(serving.address()).expect("it serves");
    let mut seed: u64 = 42;
    for _ in 0..10_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let path = format!(
            "/{:x}/{:x}?{:x}",
            seed >> 40,
            seed >> 20 & 0xff_ffff,
            seed & 0xfff
        );
        assert_eq!(connection.get(&path).expect("it serves").status, 404);
    }
    serving.signal("TERM");
    assert_eq!(serving.end().0.code(), Some(0));
    // Datagrams on this machine arrive in order. A full buffer loses some, but never a whole series of 10,000.
    let marker = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    marker
        .send_to(
            b"end:1|c",
            ("127.0.0.1", statsd.port().parse::<u16>().expect("a port")),
        )
        .expect("loopback");
    until("the end is heard", || {
        statsd.lines().iter().any(|line| line == "end:1|c")
    });
    let ours = |series: &String| series.starts_with("process.request|");
    let series: Vec<_> = statsd.series().into_iter().filter(ours).collect();
    assert_eq!(
        series,
        ["process.request|ms|#method:GET,route:unmatched,status:4xx",]
    );
}

#[test]
fn a_statsd_server_that_is_not_there_or_not_found_slows_no_request() {
    for host in ["127.0.0.1", "nowhere.invalid"] {
        let serving = serve(&[
            ("STATSD_HOST", host),
            ("STATSD_PORT", "9"),
            ("DOCKERFLOW_DRAIN_DELAY", "0"),
        ]);
        let mut connection = Connection::open(serving.address()).expect("it serves");
        let mut slowest = Duration::ZERO;
        for _ in 0..500 {
            let began = Instant::now();
            assert_eq!(connection.get("/").expect("it serves").status, 200);
            slowest = slowest.max(began.elapsed());
        }
        assert!(slowest < Duration::from_secs(1), "{host}: {slowest:?}"); // a resolver gives up after 5 s
        if host != "127.0.0.1" {
            let line = serving.line("dockerflow.metrics");
            assert!(
                line.contains("nowhere.invalid:9 is not found and will be looked up again"),
                "{line}"
            );
        }
        serving.signal("TERM");
        assert_eq!(serving.end().0.code(), Some(0), "{host}");
    }
}
