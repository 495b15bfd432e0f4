//! The variables of metrics: where they go, and under which names.

use std::net::{IpAddr, Ipv6Addr};

use super::{
    names::{ALL, Names, Ours},
    statsd::{StatsdAddress, plain},
};
use crate::environment::Environment;

/// The settings of metrics.
#[derive(Clone, Debug)]
pub(crate) struct MetricsOptions {
    /// `STATSD_HOST` and `STATSD_PORT`: where metrics are sent; `None` if they are not.
    pub(super) statsd: Option<StatsdAddress>,
    /// `STATSD_PREFIX`: the start of all names; `None` is the program's name.
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
            prefix: environment.get(
                "STATSD_PREFIX",
                None,
                "a name of at most 200 bytes, or off",
                |text| {
                    let name = plain(text.trim_matches('.'));
                    let name = if text.eq_ignore_ascii_case("off") {
                        String::new()
                    } else {
                        name
                    };
                    (name.len() <= 200).then_some(Some(name))
                },
            ),
            tags: environment.get_or("STATSD_TAGS", Vec::new(), tags),
            renames: environment.get_or("STATSD_NAMES", Vec::new(), renames),
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
        "a host name or an IP address, without the port, which STATSD_PORT has",
        |text| {
            let name = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
            let bare = text
                .strip_prefix('[')
                .and_then(|text| text.strip_suffix(']'));
            let good = match bare {
                Some(bare) => bare.parse::<Ipv6Addr>().is_ok(),
                None => text.parse::<IpAddr>().is_ok() || text.bytes().all(name),
            };
            good.then(|| Some(bare.unwrap_or(text).to_owned()))
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

/// The tags of our own metrics.
const OWN_TAGS: [&str; 4] = ["check", "method", "route", "status"];

fn tags(text: &str) -> Result<Vec<(String, String)>, String> {
    let expected = || "comma-separated tags such as env:prod,region:eu".to_owned();
    let tags = pairs(text, ':', expected, |key, value| {
        let key = plain(key);
        if OWN_TAGS.contains(&&*key) {
            return Err(format!("tags other than {}", OWN_TAGS.join(", ")));
        }
        Ok((key, plain(value)))
    })?;
    let bytes: usize = tags
        .iter()
        .map(|(key, value)| key.len() + value.len() + 2)
        .sum();
    if bytes > 800 {
        return Err("tags of at most 800 bytes, because they are in each line".into());
    }
    Ok(tags)
}

fn renames(text: &str) -> Result<Vec<(Ours, Option<String>)>, String> {
    let renames = pairs(text, '=', expected_names, |ours, name| {
        let row = ALL.iter().find(|row| row.name == ours);
        let row = row.filter(|_| name.len() <= 200);
        let row = row.ok_or_else(expected_names)?;
        let name = (!name.eq_ignore_ascii_case("off")).then(|| plain(name));
        Ok((row.metric, name))
    })?;
    let names = Names::new("", &renames);
    let mut all: Vec<_> = ALL.iter().filter_map(|row| names.of(row.metric)).collect();
    all.sort_unstable();
    match all.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("a name for each: two would be {}", pair[0])),
        None => Ok(renames),
    }
}

/// Reads a list of pairs of a key and a value with `between` between them, no key twice and no part empty.
fn pairs<K: PartialEq, V>(
    text: &str,
    between: char,
    expected: impl Fn() -> String,
    read: impl Fn(&str, &str) -> Result<(K, V), String>,
) -> Result<Vec<(K, V)>, String> {
    if text.is_empty() {
        return Err(expected());
    }
    let mut pairs: Vec<(K, V)> = Vec::new();
    for item in items(text) {
        let parts = item.split_once(between);
        let parts = parts.map(|(key, value)| (key.trim(), value.trim()));
        let (key, value) = parts
            .filter(|(key, value)| !key.is_empty() && !value.is_empty())
            .ok_or_else(&expected)?;
        let pair = read(key, value)?;
        if pairs.iter().any(|(earlier, _)| *earlier == pair.0) {
            return Err(format!("each one once: {key} is there twice"));
        }
        pairs.push(pair);
    }
    Ok(pairs)
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
        assert_eq!(prefix("a.b:c d"), Some("a.b_c_d".into()));
        assert_eq!(prefix(".a..b."), Some("a..b".into()));
        for host in ["::1", "[::1]"] {
            let options = read("STATSD_HOST", host).expect(host);
            assert_eq!(options.statsd.expect(host).host, "::1");
        }
        assert_eq!(read("STATSD_TAGS", ",,").expect("none").tags, []);
        let tags = read("STATSD_TAGS", "env: prod, url:http://x ,")
            .expect("tags")
            .tags;
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(tags, [pair("env", "prod"), pair("url", "http_//x")]);
        let swapped = read(
            "STATSD_NAMES",
            "heartbeat.pass=heartbeat.fail,heartbeat.fail=heartbeat.pass",
        );
        assert!(swapped.is_ok(), "names may change places");
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
            ("STATSD_NAMES", "request=x,health_check=x", "two would be x"),
            (
                "STATSD_NAMES",
                "request=log.dropped",
                "two would be log.dropped",
            ),
            (
                "STATSD_NAMES",
                "request=a,request=b",
                "request is there twice",
            ),
            ("STATSD_TAGS", "env", "comma-separated tags"),
            ("STATSD_TAGS", "env:", "comma-separated tags"),
            ("STATSD_TAGS", "env:a,env:b", "env is there twice"),
            ("STATSD_TAGS", "route:a", "tags other than check, method"),
            (
                "STATSD_TAGS",
                &format!("a:{}", "b".repeat(800)),
                "at most 800 bytes",
            ),
            ("STATSD_PREFIX", &"p".repeat(201), "at most 200 bytes"),
            ("STATSD_HOST", "statsd:8125", "without the port"),
            ("STATSD_HOST", "[::1]:8125", "without the port"),
            ("STATSD_HOST", "[statsd]", "a host name or an IP address"),
            (
                "STATSD_HOST",
                "unix:///run/dsd.socket",
                "a host name or an IP address",
            ),
            (
                "STATSD_HOST",
                "fe80::1%eth0",
                "a host name or an IP address",
            ),
            ("STATSD_PORT", "0", "a port from 1 to 65535"),
            ("DOCKERFLOW_METRICS_BUCKETS", "1,0.5", "rising numbers"),
            ("DOCKERFLOW_METRICS_BUCKETS", "0", "rising numbers"),
            ("DOCKERFLOW_METRICS_BUCKETS", "NaN", "rising numbers"),
            ("DOCKERFLOW_METRICS_BUCKETS", "a", "rising numbers"),
        ] {
            let text = read(name, value).expect_err(value);
            assert!(text.starts_with(name), "{text}");
            assert!(text.contains(expected), "{text}");
        }
    }
}
