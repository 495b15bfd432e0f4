//! The names and labels for Prometheus, made from those of statsd by one rule.

use super::value::SeriesKind;

/// Names and values.
pub(super) type Labels = Vec<(String, String)>;

/// The unit of timers.
pub(super) const SECONDS: &str = "_seconds";

/// The name of a family: letters, digits and underscores, the first not a digit. The timer `db.query` is `db_query_seconds`.
pub(super) fn name(name: &str, kind: SeriesKind) -> String {
    let mut exposed = word(name);
    match kind {
        // The encoder adds this to the samples.
        SeriesKind::Counter => {
            if let Some(bare) = exposed.strip_suffix("_total")
                && !bare.is_empty()
            {
                exposed.truncate(bare.len());
            }
        }
        SeriesKind::Timer if exposed.ends_with(SECONDS) && exposed != SECONDS => {}
        SeriesKind::Timer => exposed.push_str(SECONDS),
        SeriesKind::Gauge | SeriesKind::Histogram => {}
    }
    exposed
}

/// Returns the help text of a family: `ours`, or that it is the metric `source` of the app.
pub(super) fn help(ours: Option<&str>, source: &str) -> String {
    let text = ours.map_or_else(|| format!("The application's {source}"), str::to_owned);
    text.replace('\\', r"\\").replace('"', r#"\""#)
}

fn word(text: &str) -> String {
    let mut word: String = text
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .collect();
    if word.is_empty() || word.starts_with(|letter: char| letter.is_ascii_digit()) {
        word.insert(0, '_');
    }
    word
}

/// The tags of a line as labels, sorted, each name once. A tag without a value is a label with the value `true`.
pub(super) fn labels(tags: &str) -> Labels {
    let mut labels = Labels::new();
    for tag in tags.split(',').filter(|tag| !tag.is_empty()) {
        let (key, value) = tag.split_once(':').unwrap_or((tag, "true"));
        let mut key = word(key);
        // The label of a histogram's buckets, and those that are reserved by Prometheus.
        if key == "le" || key.starts_with("__") {
            key.insert_str(0, "tag_");
        }
        if !labels.iter().any(|(earlier, _)| *earlier == key) {
            labels.push((key, value.to_owned()));
        }
    }
    labels.sort();
    labels
}

/// Adds the constant tags to labels, which come first.
pub(super) fn with_tags(mut all: Labels, tags: &str) -> Labels {
    for (key, value) in labels(tags) {
        if !all.iter().any(|(earlier, _)| *earlier == key) {
            all.push((key, value));
        }
    }
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_prometheus_takes_whatever_it_was() {
        for (given, kind, expected) in [
            ("shop.db.query", SeriesKind::Timer, "shop_db_query_seconds"),
            ("shop.orders_total", SeriesKind::Counter, "shop_orders"),
            ("shop.took_seconds", SeriesKind::Timer, "shop_took_seconds"),
            ("seconds", SeriesKind::Timer, "seconds_seconds"),
            ("_seconds", SeriesKind::Timer, "_seconds_seconds"),
            ("_total", SeriesKind::Counter, "_total"),
            ("a-b/c é", SeriesKind::Gauge, "a_b_c__"),
            ("2xx", SeriesKind::Gauge, "_2xx"),
            ("", SeriesKind::Gauge, "_"),
        ] {
            assert_eq!(name(given, kind), expected, "{given}");
        }
    }

    #[test]
    fn tags_are_labels_each_once() {
        let expected = [
            ("_1", "y"),
            ("a", "b:c"),
            ("canary", "true"),
            ("tag___name__", "x"),
            ("tag_le", "1"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let tags = "a:b:c,canary,,a:again,le:1,__name__:x,1:y";
        assert_eq!(labels(tags), expected);
        let turned = "1:y,__name__:x,le:1,a:b:c,a:again,canary";
        assert_eq!(labels(turned), expected, "their order makes no series");
        let constant = with_tags(labels("method:GET"), ",method:x,k8s.pod:a");
        let expected = [("k8s_pod", "a"), ("method", "GET")];
        assert_eq!(
            constant,
            expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }
}
