//! What a scrape reads, beside what a statsd server hears of the same run.

use std::collections::BTreeMap;

use super::serve;
use crate::support::{Process, until};

/// The samples of a scrape: by name and labels, as they stand there.
fn scrape(serving: &Process) -> BTreeMap<String, f64> {
    let response = serving.get("/__metrics__");
    assert_eq!(response.status, 200);
    assert_eq!(
        response.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let text = response.body;
    assert!(text.ends_with("# EOF\n"), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        (series.to_owned(), value.parse().expect(line))
    });
    let count = text.lines().filter(|line| !line.starts_with('#')).count();
    let samples: BTreeMap<_, _> = samples.collect();
    assert_eq!(samples.len(), count, "each series is there once:\n{text}");
    samples
}

#[test]
fn a_scrape_and_a_statsd_server_have_the_same_counts_of_one_run() {
    let (mut serving, statsd) = serve(&[("STATSD_TAGS", "env:test")]);
    for _ in 0..10 {
        assert_eq!(serving.get("/count").status, 200);
    }
    assert_eq!(serving.get("/nowhere").status, 404);
    assert_eq!(serving.get("/__heartbeat__").status, 200);
    let ours = |samples: &BTreeMap<String, f64>, series: &str| samples.get(series).copied();
    let counted =
        r#"metered_request_seconds_count{env="test",method="GET",route="/count",status="2xx"}"#;
    until("all are counted", || {
        ours(&scrape(&serving), counted) == Some(10.0)
    });
    let samples = scrape(&serving);
    let value = |series: &str| {
        ours(&samples, series).unwrap_or_else(|| panic!("no {series} in {samples:#?}"))
    };
    assert!(
        (value(r#"metered_sold_total{env="test",kind="book"}"#) - 30.0).abs() < 0.1,
        "one and two, ten times"
    );
    for (series, expected) in [
        (r#"metered_depth{env="test"}"#, 7.0),
        (r#"metered_took_seconds_count{env="test"}"#, 10.0),
        (r#"metered_took_seconds_bucket{le="0.01",env="test"}"#, 0.0),
        (
            r#"metered_took_seconds_bucket{le="0.025",env="test"}"#,
            10.0,
        ),
        (r#"metered_took_seconds_bucket{le="+Inf",env="test"}"#, 10.0),
        (r#"metered_size_bucket{le="+Inf",env="test"}"#, 10.0),
        (r#"metered_size_bucket{le="500.0",env="test"}"#, 10.0),
        (r#"metered_size_bucket{le="200.0",env="test"}"#, 0.0),
        (r#"metered_db_query_seconds_count{env="test"}"#, 10.0),
        (r#"metered_pool_size{env="test"}"#, 3.0),
        (r#"metered_request_in_flight{env="test"}"#, 0.0),
        (r#"metered_heartbeat_pass_total{env="test"}"#, 1.0),
        (
            r#"metered_health_check_seconds_count{check="a_b_c",env="test",status="ok"}"#,
            1.0,
        ),
        ("dockerflow_log_dropped_total", 0.0),
        ("dockerflow_metrics_dropped_total", 0.0),
        ("dockerflow_metrics_overflow_total", 0.0),
    ] {
        assert!(
            (value(series) - expected).abs() < 1e-9,
            "{series}: {}",
            value(series)
        );
    }
    assert!((value(r#"metered_took_seconds_sum{env="test"}"#) - 0.2).abs() < 1e-9);
    let build = samples
        .keys()
        .find(|series| series.starts_with("dockerflow_build_info{"));
    assert!(build.is_some_and(|build| build.contains("version=") && build.contains("commit=")));
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_start_time_seconds") > 1.7e9);
    assert!(value("process_open_fds") > 3.0);
    assert!(
        samples
            .keys()
            .any(|series| series.starts_with("tokio_tasks{"))
    );
    assert!(
        !samples.keys().any(|series| series.contains("visitors")),
        "sets are left out"
    );
    serving.line("visitors");

    // The same run, over UDP.
    assert!(serving.stop().success());
    let lines = statsd.lines();
    let count = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!(
        count("|ms|#method:GET,route:/count,status:2xx,env:test"),
        10
    );
    assert_eq!(count("metered.sold:1|c"), 10);
    assert_eq!(count("metered.sold:2|c"), 10);
    assert_eq!(count("metered.heartbeat.pass:1|c"), 1);
    assert_eq!(count("|#check:a_b_c,status:ok,env:test"), 1);
}

/// Samples of two calls of each path: what `/hostile` measures is there, as far as Prometheus can hold it.
const HOSTILE: &[(&str, f64)] = &[
    (r#"metered_below{k8s_pod="a"}"#, -5.5),
    (r#"metered_twice_total{k8s_pod="a"}"#, 2.0),
    (r#"metered_a_b_total{k8s_pod="a"}"#, 2.0),
    (r#"metered_turned_total{a="1",b="2",k8s_pod="a"}"#, 4.0),
    (r#"metered_took_seconds_count{k8s_pod="a"}"#, 2.0),
    (r#"metered_packed_seconds_count{k8s_pod="a"}"#, 4.0),
    (
        r#"metered_quoted__name_total{a_b="\\ \" é_forged:1_c",k8s_pod="a"}"#,
        2.0,
    ),
    (
        r#"metered_request_seconds_count{k8s_pod="a",method="GET",route="/hostile",status="2xx"}"#,
        2.0,
    ),
];

/// What is refused of them, in that order, and why.
const REFUSED: &[(&str, &str)] = &[
    (
        "metered.nan",
        "not sent: its value is infinite or not a number",
    ),
    (
        "metered.infinite",
        "not sent: its value is infinite or not a number",
    ),
    (
        "metered.least",
        "not in /__metrics__: a counter of Prometheus cannot fall",
    ),
    ("metered.", "not sent: it has no name"),
    (
        "metered.longlong",
        "not sent: its line is longer than 1,432 bytes",
    ),
    (
        "metered.request",
        "not sent: dockerflow measures something else under this name",
    ),
    (
        "metered.heartbeat_pass",
        "not in /__metrics__: another metric has this name",
    ),
    (
        "metered.twice",
        "not in /__metrics__: another metric has this name",
    ),
    (
        "metered.twice_total",
        "not in /__metrics__: another metric has this name",
    ),
    (
        "metered.a_b",
        "not in /__metrics__: another metric has this name",
    ),
    (
        "metered.took_seconds_count",
        "not in /__metrics__: another metric has this name",
    ),
    (
        "metered.speed",
        "not in /__metrics__: sets and meters have no counterpart",
    ),
];

#[test]
fn what_is_hostile_harms_nothing_else_and_is_named_once() {
    let (mut serving, statsd) = serve(&[("LOG_LEVEL", "warn"), ("STATSD_TAGS", "k8s.pod:a")]);
    for _ in 0..2 {
        assert_eq!(serving.get("/count").status, 200);
        assert_eq!(serving.get("/hostile").status, 200);
    }
    serving.line("metered.visitors");
    let samples = scrape(&serving);
    let value = |series: &str| {
        let found = samples.get(series).copied();
        found.unwrap_or_else(|| panic!("no {series} in {samples:#?}"))
    };
    for &(series, expected) in HOSTILE {
        assert!(
            (value(series) - expected).abs() < 1e-9,
            "{series}: {}",
            value(series)
        );
    }
    let exact = serving.get("/__metrics__").body;
    let twice = 2 * ((1_u64 << 53) + 1);
    assert!(
        exact.contains(&format!("metered_exact_total{{k8s_pod=\"a\"}} {twice}\n")),
        "{exact}"
    );
    for absent in [
        "nan",
        "infinite",
        "least",
        "speed",
        "heartbeat_pass{",
        "took_seconds_count{le",
        "long",
    ] {
        let absent = format!("metered_{absent}");
        assert!(
            !samples.keys().any(|series| series.starts_with(&absent)),
            "{absent}"
        );
    }
    for (name, why) in REFUSED {
        let line = serving.line("dockerflow.metrics");
        assert!(
            line.contains(&format!("the metric \\\"{name}")),
            "{name}: {line}"
        );
        assert!(line.contains(why), "{name}: {line}");
    }
    assert!(serving.stop().success());
    let lines = statsd.lines();
    let position = |text: &str| {
        let text = format!("metered.{text}|#k8s.pod:a");
        let found = lines.iter().position(|line| *line == text);
        found.unwrap_or_else(|| panic!("no {text} in {lines:#?}"))
    };
    assert!(
        position("below:0|g") < position("below:-5.5|g"),
        "zero comes first"
    );
    position("packed:10|ms");
    position("packed:20|ms");
    position("least:-9223372036854775808|c");
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("forged") || line.contains("longlong"))
    );
}

#[test]
fn series_are_bounded_and_what_finds_no_room_is_counted() {
    let (serving, _statsd) = serve(&[("LOG_LEVEL", "warn")]);
    let mut connection = serving.connect();
    for number in 0..6_000 {
        let answer = connection.get(&format!("/series/{number}"));
        assert_eq!(answer.expect("it serves").status, 200);
    }
    let samples = scrape(&serving);
    let many = samples
        .keys()
        .filter(|series| series.starts_with("metered_many_total"));
    let many = many.count();
    assert!((4_900..=5_000).contains(&many), "{many}");
    let overflow = samples["dockerflow_metrics_overflow_total"];
    #[expect(clippy::cast_precision_loss, reason = "it is small")]
    let sum = overflow + many as f64;
    assert!((sum - 6_000.0).abs() < 20.0, "{overflow} and {many}");
    serving.line("too many series");
}

#[test]
fn without_the_variable_the_path_is_the_apps() {
    let (serving, _statsd) = serve(&[("DOCKERFLOW_METRICS_ENDPOINT", "false")]);
    assert_eq!(serving.get("/__metrics__").status, 404);
}
