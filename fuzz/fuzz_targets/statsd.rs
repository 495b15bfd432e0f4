//! Lines of statsd: whatever an app's client writes is refused, or each line that is sent is exactly one metric.
#![no_main]

use dockerflow_runtime::{
    fuzzing::statsd_lines,
    metrics::cadence::{SpyMetricSink, StatsdClient, prelude::*},
};
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};

#[derive(Arbitrary, Debug)]
struct Written {
    prefix: String,
    name: String,
    tags: Vec<(String, String)>,
    kind: Kind,
    any: String,
}

#[derive(Arbitrary, Debug)]
enum Kind {
    Count(i64),
    Gauge(u64),
    GaugeF(f64),
    Time(u64),
    Histogram(u64),
    Set(i64),
}

fuzz_target!(|written: Written| {
    let _ = statsd_lines(&written.any); // it may be an event

    let (lines, sink) = SpyMetricSink::new();
    let client = StatsdClient::from_sink(&written.prefix, sink);
    let name = &*written.name;
    macro_rules! send {
        ($builder:expr) => {{
            let mut builder = $builder;
            for (key, value) in &written.tags {
                builder = builder.with_tag(key, value);
            }
            builder.send();
        }};
    }
    match written.kind {
        Kind::Count(value) => send!(client.count_with_tags(name, value)),
        Kind::Gauge(value) => send!(client.gauge_with_tags(name, value)),
        Kind::GaugeF(value) if !value.is_finite() => return, // cadence writes `NaN`, which no server reads
        Kind::GaugeF(value) => send!(client.gauge_with_tags(name, value)),
        Kind::Time(value) => send!(client.time_with_tags(name, value)),
        Kind::Histogram(value) => send!(client.histogram_with_tags(name, value)),
        Kind::Set(value) => send!(client.set_with_tags(name, value)),
    }
    let Ok(line) = lines.try_recv() else {
        return;
    };
    let line = String::from_utf8(line).expect("text");
    for sent in statsd_lines(&line).lines() {
        check(sent).unwrap_or_else(|fault| panic!("{fault}: {sent:?} of {line:?}"));
    }
});

/// Reads a line as a server does that splits it at bars.
fn check(line: &str) -> Result<(), &'static str> {
    let mut sections = line.split('|');
    let (name, value) = sections
        .next()
        .and_then(|first| first.split_once(':'))
        .ok_or("no value")?;
    if name
        .bytes()
        .any(|byte| b"|:#,@".contains(&byte) || !byte.is_ascii_graphic())
    {
        return Err("a name that is not plain");
    }
    if value.split(':').any(|value| value.parse::<f64>().is_err()) {
        return Err("a value that is not a number");
    }
    if !["c", "g", "ms", "h", "d", "s", "m"].contains(&sections.next().ok_or("no type")?) {
        return Err("not a type");
    }
    for section in sections {
        let known = section.starts_with(['@', '#', 'T']) || section.starts_with("c:");
        if !known {
            return Err("an unknown section");
        }
        if section.chars().any(|letter| letter.is_ascii_control()) {
            return Err("a control character");
        }
    }
    Ok(())
}
