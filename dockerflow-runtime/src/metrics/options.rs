//! The variables of metrics: where they go, and under which names.

use std::net::IpAddr;

use super::{
    names::{ALL, Ours},
    statsd::{StatsdAddress, plain},
};
use crate::environment::Environment;

/// What operations set of metrics.
#[derive(Clone, Debug)]
pub(crate) struct MetricsOptions {
    /// `STATSD_HOST` and `STATSD_PORT`: where metrics are sent, if they are.
    pub(super) statsd: Option<StatsdAddress>,
    /// `STATSD_PREFIX`: what names begin with; `None` is the program's name, and empty is nothing.
    pub(super) prefix: Option<String>,
    /// `STATSD_TAGS`: tags of every metric.
    pub(super) tags: Vec<(String, String)>,
    /// `STATSD_NAMES`: our metrics that have another name, or are off.
    pub(super) renames: Vec<(Ours, Option<String>)>,
    /// `DOCKERFLOW_METRICS_ENDPOINT`: whether `/__metrics__` answers.
    pub(crate) endpoint: bool,
    /// `DOCKERFLOW_METRICS_BUCKETS`: the upper bounds of a timer's buckets, in seconds.
    #[cfg_attr(
        not(any(test, feature = "prometheus")),
        expect(dead_code, reason = "Prometheus has buckets")
    )]
    pub(super) buckets: Vec<f64>,
}

/// From 5 ms to 10 s: the default of Prometheus' own clients.
const BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

impl MetricsOptions {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            statsd: address(environment),
            prefix: environment.get("STATSD_PREFIX", None, "a name, or off", |text| {
                Some(Some(if text.eq_ignore_ascii_case("off") {
                    String::new()
                } else {
                    plain(text.trim_end_matches('.'))
                }))
            }),
            tags: environment.get(
                "STATSD_TAGS",
                Vec::new(),
                "comma-separated tags such as env:prod,region:eu",
                tags,
            ),
            renames: environment.get("STATSD_NAMES", Vec::new(), &expected_names(), renames),
            endpoint: environment.flag("DOCKERFLOW_METRICS_ENDPOINT"),
            buckets: environment.get(
                "DOCKERFLOW_METRICS_BUCKETS",
                BUCKETS.to_vec(),
                "at most 50 rising numbers of seconds such as 0.01,0.1,1",
                buckets,
            ),
        }
    }
}

fn address(environment: &mut Environment<'_>) -> Option<StatsdAddress> {
    let host = environment.get(
        "STATSD_HOST",
        None,
        "a host name or an IP address",
        |text| {
            let name = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
            let good = text.parse::<IpAddr>().is_ok() || text.bytes().all(name);
            good.then(|| Some(text.to_owned()))
        },
    );
    let port = environment.get("STATSD_PORT", 8125, "a port from 1 to 65535", |text| {
        text.parse().ok().filter(|port| *port > 0)
    });
    host.map(|host| StatsdAddress { host, port })
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

fn tags(text: &str) -> Option<Vec<(String, String)>> {
    items(text)
        .map(|tag| {
            let (key, value) = tag.split_once(':')?;
            let good = !key.is_empty() && !value.is_empty();
            good.then(|| (plain(key), plain(value)))
        })
        .collect()
}

fn renames(text: &str) -> Option<Vec<(Ours, Option<String>)>> {
    items(text)
        .map(|item| {
            let (ours, name) = item.split_once('=')?;
            let row = ALL.iter().find(|row| row.name == ours.trim())?;
            let name = Some(name.trim()).filter(|name| !name.is_empty())?;
            let name = (!name.eq_ignore_ascii_case("off")).then(|| plain(name));
            Some((row.metric, name))
        })
        .collect()
}

fn expected_names() -> String {
    let names: Vec<_> = ALL.iter().map(|row| row.name).collect();
    format!(
        "pairs such as request=http.requests,log.dropped=off of {}",
        names.join(", ")
    )
}

fn buckets(text: &str) -> Option<Vec<f64>> {
    let bounds: Option<Vec<f64>> = items(text).map(|bound| bound.parse().ok()).collect();
    bounds.filter(|bounds| {
        (1..=50).contains(&bounds.len())
            && bounds.iter().all(|bound| bound.is_finite() && *bound > 0.0)
            && bounds.is_sorted_by(|one, other| one < other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<MetricsOptions, String> {
        let mut environment = Environment::new(|asked| (asked == name).then(|| value.into()));
        let options = MetricsOptions::read(&mut environment);
        environment
            .finish(options)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_tags_and_buckets_are_read_as_documented() {
        let prefix = |text| read("STATSD_PREFIX", text).expect(text).prefix;
        assert_eq!(prefix("autopush."), Some("autopush".into()));
        assert_eq!(prefix("off"), Some(String::new()));
        assert_eq!(prefix("a|b"), Some("a_b".into()));
        let tags = read("STATSD_TAGS", "env:prod, url:http://x ,")
            .expect("tags")
            .tags;
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(tags, [pair("env", "prod"), pair("url", "http_//x")]);
        let renames = read("STATSD_NAMES", "request=web.request, log.dropped=off");
        assert_eq!(
            renames.expect("names").renames,
            [
                (Ours::Request, Some("web.request".into())),
                (Ours::LogDropped, None)
            ]
        );
        let buckets = read("DOCKERFLOW_METRICS_BUCKETS", "0.1,1,10").expect("buckets");
        assert_eq!(buckets.buckets, [0.1, 1.0, 10.0]);
    }

    #[test]
    fn a_bad_value_is_named_with_what_is_expected() {
        for (name, value, expected) in [
            ("STATSD_TAGS", "prod", "comma-separated tags"),
            ("STATSD_TAGS", ":x", "comma-separated tags"),
            (
                "STATSD_NAMES",
                "requests=x",
                "of request, request.in_flight",
            ),
            ("STATSD_NAMES", "request", "pairs such as"),
            ("STATSD_NAMES", "request=", "pairs such as"),
            ("DOCKERFLOW_METRICS_BUCKETS", "1,0.5", "rising numbers"),
            ("DOCKERFLOW_METRICS_BUCKETS", "0", "rising numbers"),
            ("DOCKERFLOW_METRICS_BUCKETS", "NaN", "rising numbers"),
            ("DOCKERFLOW_METRICS_BUCKETS", "a", "rising numbers"),
        ] {
            let text = read(name, value).expect_err(value);
            assert!(text.starts_with(&format!("{name} is {value:?}")), "{text}");
            assert!(text.contains(expected), "{text}");
        }
    }
}
