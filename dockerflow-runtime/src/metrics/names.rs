//! The names of our own metrics: one table, against which the documentation is tested.

use super::statsd::plain;

/// A metric of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    Request,
    InFlight,
    HeartbeatPass,
    HeartbeatFail,
    HealthCheck,
    LogDropped,
    MetricsDropped,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) metric: Ours,
    /// The name, to which the prefix is added.
    pub(crate) name: &'static str,
    /// The type and the unit. A name has one type.
    #[cfg_attr(
        not(any(test, feature = "prometheus")),
        expect(dead_code, reason = "for Prometheus and the documentation")
    )]
    pub(crate) kind: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the documentation"))]
    pub(crate) tags: &'static str,
    pub(crate) meaning: &'static str,
}

macro_rules! table {
    ($($metric:ident, $name:literal, $kind:literal, $tags:literal, $meaning:literal;)*) => {
        /// All of them, in the order of [`Ours`].
        pub(crate) const ALL: &[Row] = &[$(Row {
            metric: Ours::$metric,
            name: $name,
            kind: $kind,
            tags: $tags,
            meaning: $meaning,
        }),*];
    };
}

table! {
    Request, "request", "timer, ms", "`method`, `route`, `status`", "Time from the head of a request to the head of its response; its count is the number of requests";
    InFlight, "request.in_flight", "gauge", "", "Requests being answered; one whose client went away no longer counts";
    HeartbeatPass, "heartbeat.pass", "counter", "", "Runs of the health checks that passed; an answer from a fresh report is not a run";
    HeartbeatFail, "heartbeat.fail", "counter", "", "Runs of the health checks that failed";
    HealthCheck, "health_check", "timer, ms", "`check`, `status`", "Time that a check took in a run; its status is a level, such as `ok` or `error`";
    LogDropped, "log.dropped", "counter", "", "Log lines that stdout did not take in time";
    MetricsDropped, "metrics.dropped", "counter", "", "Lines of metrics that found no room, or no server";
}

/// The names under which our metrics are sent: with the prefix, renamed, or not at all.
#[derive(Clone, Debug)]
pub(crate) struct Names(Vec<Option<Box<str>>>);

impl Names {
    /// `renames` has `None` for a metric that is off.
    pub(crate) fn new(prefix: &str, renames: &[(Ours, Option<String>)]) -> Self {
        let names = ALL.iter().map(|row| {
            let chosen = renames
                .iter()
                .rev()
                .find(|(metric, _)| *metric == row.metric);
            let name = match chosen {
                Some((_, name)) => name.as_deref()?,
                None => row.name,
            };
            let separator = if prefix.is_empty() { "" } else { "." };
            Some(format!("{prefix}{separator}{}", plain(name)).into())
        });
        Self(names.collect())
    }

    /// The whole name of a metric, unless it is off.
    pub(crate) fn of(&self, metric: Ours) -> Option<&str> {
        self.0[metric as usize].as_deref()
    }

    /// The metrics that are not off.
    #[cfg(feature = "prometheus")]
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static Row, &str)> {
        let names = ALL.iter().zip(&self.0);
        names.filter_map(|(row, name)| Some((row, name.as_deref()?)))
    }

    /// Returns the description of the metric with this whole name, if it is ours.
    pub(crate) fn meaning(&self, name: &str) -> Option<&'static str> {
        let position = self.0.iter().position(|own| own.as_deref() == Some(name));
        position.map(|position| ALL[position].meaning)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_documentation_has_the_table() {
        let rows = ALL.iter().map(|row| {
            let Row {
                name,
                kind,
                tags,
                meaning,
                ..
            } = row;
            format!("| `{name}` | {kind} | {tags} | {meaning} |")
        });
        let rows = rows.collect::<Vec<_>>().join("\n");
        let table = format!("| name | type | tags | meaning |\n|---|---|---|---|\n{rows}\n\n");
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
        let text = fs::read_to_string(path).expect("docs/metrics.md");
        assert!(
            text.contains(&table),
            "docs/metrics.md should have:\n{table}"
        );
    }

    #[test]
    fn the_table_has_the_order_of_the_enumeration_and_each_name_once() {
        for (index, row) in ALL.iter().enumerate() {
            assert_eq!(row.metric as usize, index, "{}", row.name);
            assert_eq!(ALL.iter().filter(|other| other.name == row.name).count(), 1);
        }
    }

    #[test]
    fn a_metric_is_renamed_behind_the_prefix_or_switched_off() {
        let names = Names::new(
            "shop",
            &[
                (Ours::Request, Some("http|requests".into())),
                (Ours::LogDropped, None),
            ],
        );
        assert_eq!(names.of(Ours::Request), Some("shop.http_requests"));
        assert_eq!(names.of(Ours::LogDropped), None);
        assert_eq!(names.of(Ours::HealthCheck), Some("shop.health_check"));
        assert_eq!(Names::new("", &[]).of(Ours::Request), Some("request"));
    }
}
