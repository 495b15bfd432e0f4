//! Whether what is sent is what the servers of statsd read, by their own rules.
//!
//! The rules are those that stand in their sources: `pkg/line/line.go` of `statsd_exporter` (commit ac592b1),
//! `plugins/inputs/statsd/statsd.go` of Telegraf (commit b272631, with `datadog_extensions`), and the documentation of the
//! datagrams of `DogStatsD`. They were read, and the servers were not run.

use std::collections::BTreeMap;

use super::serve;
use crate::support::until;

/// What a server has understood.
#[derive(Debug, PartialEq)]
struct Read {
    name: String,
    value: f64,
    kind: String,
    rate: f64,
    tags: BTreeMap<String, String>,
}

/// The exporter of Prometheus.
fn exporter(line: &str) -> Result<Read, String> {
    let (name, rest) = line.split_once(':').ok_or("malformed_line")?;
    let parts: Vec<_> = rest.split('|').collect();
    if name.is_empty() || !(2..=6).contains(&parts.len()) {
        return Err("malformed_component".into());
    }
    // Several values are read of timers, histograms and distributions alone.
    let value = parts[0].parse().map_err(|_| "malformed_value")?;
    if !["c", "g", "ms", "h", "d"].contains(&parts[1]) {
        return Err("illegal_event".into());
    }
    let (mut rate, mut tags) = (1.0, BTreeMap::new());
    for part in &parts[2..] {
        if let Some(text) = part.strip_prefix('@') {
            rate = text.parse().map_err(|_| "invalid_sample_factor")?;
        } else if let Some(text) = part.strip_prefix('#') {
            for tag in text.split(',') {
                let (key, value) = tag.split_once(':').ok_or("a tag without a value")?;
                if key.is_empty() || value.is_empty() {
                    return Err("a tag with an empty part".into());
                }
                let earlier = tags.insert(key.to_owned(), value.to_owned());
                assert_eq!(earlier, None, "the last would count: {line}");
            }
        } else {
            return Err("invalid_sample_factor".into());
        }
    }
    let (name, kind) = (name.to_owned(), parts[1].to_owned());
    Ok(Read {
        name,
        value,
        kind,
        rate,
        tags,
    })
}

/// Telegraf takes the tags out first, then splits at each colon.
fn telegraf(line: &str) -> Result<Read, String> {
    let mut tags = BTreeMap::new();
    let mut kept = Vec::new();
    for segment in line.split('|') {
        match segment.strip_prefix('#') {
            Some(text) => tags.extend(text.split(',').map(|tag| {
                let (key, value) = tag.split_once(':').unwrap_or((tag, "true"));
                (key.to_owned(), value.to_owned())
            })),
            None => kept.push(segment),
        }
    }
    let kept = kept.join("|");
    let [name, sample] = kept.split(':').collect::<Vec<_>>()[..] else {
        return Err(format!("each of several values needs a type: {kept}"));
    };
    if name.contains(',') {
        return Err("a name would have tags".into());
    }
    let parts: Vec<_> = sample.split('|').collect();
    let kind = *parts.get(1).ok_or("no type")?;
    if !["g", "c", "s", "ms", "h", "d"].contains(&kind) {
        return Err(format!("the type {kind} is not supported"));
    }
    if parts[0].starts_with(['+', '-']) && !["g", "c"].contains(&kind) {
        return Err("a sign".into());
    }
    let value = parts[0].parse().map_err(|_| "the value")?;
    let rate = match parts.get(2) {
        Some(rate) => rate
            .strip_prefix('@')
            .and_then(|rate| rate.parse().ok())
            .ok_or("a rate")?,
        None => 1.0,
    };
    let (name, kind) = (name.to_owned(), kind.to_owned());
    Ok(Read {
        name,
        value,
        kind,
        rate,
        tags,
    })
}

/// `<METRIC_NAME>:<VALUE>|<TYPE>|@<SAMPLE_RATE>|#<TAG_KEY_1>:<TAG_VALUE_1>,<TAG_2>`
fn dogstatsd(line: &str) -> Result<Read, String> {
    let (name, rest) = line.split_once(':').ok_or("no value")?;
    let first = name.bytes().next().ok_or("no name")?;
    if !first.is_ascii_alphabetic() || !name.is_ascii() || name.len() > 200 {
        return Err(format!("the name {name}"));
    }
    let mut parts = rest.split('|');
    let value = parts
        .next()
        .and_then(|value| value.parse().ok())
        .ok_or("the value")?;
    let kind = parts.next().ok_or("no type")?;
    if !["c", "g", "ms", "h", "s", "d"].contains(&kind) {
        return Err(format!("the type {kind}"));
    }
    let (mut rate, mut tags) = (1.0, BTreeMap::new());
    for part in parts {
        match part.split_at_checked(1) {
            Some(("@", text)) => rate = text.parse().map_err(|_| "the rate")?,
            Some(("#", text)) => tags.extend(text.split(',').map(|tag| {
                let (key, value) = tag.split_once(':').unwrap_or((tag, ""));
                (key.to_owned(), value.to_owned())
            })),
            _ => return Err(format!("the part {part}")),
        }
    }
    let (name, kind) = (name.to_owned(), kind.to_owned());
    Ok(Read {
        name,
        value,
        kind,
        rate,
        tags,
    })
}

#[test]
fn every_server_reads_each_line_as_the_same_metric() {
    let (mut serving, statsd) = serve(&[("STATSD_TAGS", "env:test,url:http://x")]);
    for path in [
        "/count",
        "/hostile",
        "/books/1",
        "/files/a",
        "/nowhere",
        "/__heartbeat__",
    ] {
        serving.get(path);
    }
    until("gauges are sent", || {
        let lines = statsd.lines();
        lines
            .iter()
            .any(|line| line.starts_with("metered.pool.size"))
    });
    assert!(serving.stop().success());
    let lines = statsd.lines();
    assert!(lines.len() > 25, "{lines:#?}");
    for line in lines {
        let kind = line.split('|').nth(1).unwrap_or_default();
        match kind {
            // Nobody but some servers of old reads meters; sets are not for Prometheus.
            "m" => {}
            "s" => assert_eq!(telegraf(&line), dogstatsd(&line)),
            _ => {
                let read = dogstatsd(&line).unwrap_or_else(|why| panic!("{why}: {line}"));
                assert_eq!(
                    read.tags.get("env").map(String::as_str),
                    Some("test"),
                    "{line}"
                );
                assert_eq!(exporter(&line).as_ref(), Ok(&read), "{line}");
                assert_eq!(telegraf(&line).as_ref(), Ok(&read), "{line}");
            }
        }
    }
}

#[test]
fn these_rules_refuse_what_the_servers_do() {
    for line in [
        "", "a", "a:1", ":1|c", "a:x|c", "a:1|z", "a:1:2|c", "a:1|c|x",
    ] {
        assert!(exporter(line).is_err(), "exporter: {line}");
    }
    for line in [
        "", "a", "a:1", "a:x|c", "a:1|m", "a:1:2|ms", "a,b:1|c", "a:-1|ms",
    ] {
        assert!(telegraf(line).is_err(), "Telegraf: {line}");
    }
    for line in ["", "a", ":1|c", "2xx:1|c", "a:x|c", "a:1|m", "a:1|c|x"] {
        assert!(dogstatsd(line).is_err(), "DogStatsD: {line}");
    }
}

/// `prometheus/statsd_exporter#355`: of a name that is both a counter and a timer, the exporter keeps the type that comes first.
#[test]
fn no_name_that_is_sent_has_two_types() {
    let (mut serving, statsd) = serve(&[]);
    for path in ["/count", "/books/1", "/nowhere", "/__heartbeat__"] {
        serving.get(path);
    }
    assert!(serving.stop().success());
    let mut types = BTreeMap::new();
    for line in statsd.lines() {
        let (name, rest) = line.split_once(':').expect("a value");
        let kind = rest.split('|').nth(1).expect("a type").to_owned();
        let earlier = types.entry(name.to_owned()).or_insert_with(|| kind.clone());
        assert_eq!(*earlier, kind, "{line}");
    }
    assert_eq!(types.get("metered.request").map(String::as_str), Some("ms"));
    assert!(types.len() > 5, "{types:?}");
}
