//! The names and labels that Prometheus reads, made of those of statsd by one rule.

use super::value::Kind;

/// Names and values.
pub(super) type Labels = Vec<(String, String)>;

/// Letters, digits and underscores, in that order of beginning: `db.query` is `db_query`.
pub(super) fn name(name: &str, kind: Kind) -> String {
    let mut exposed = word(name);
    // The encoder adds these.
    let ending = match kind {
        Kind::Counter => "_total",
        Kind::Timer => "_seconds",
        Kind::Gauge | Kind::Histogram => "",
    };
    if let Some(bare) = exposed.strip_suffix(ending)
        && !bare.is_empty()
    {
        exposed.truncate(bare.len());
    }
    exposed
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

/// The tags of a line as labels, each name once. A tag without a value is a label with the value `true`.
pub(super) fn labels(tags: &str) -> Labels {
    let mut labels = Labels::new();
    for tag in tags.split(',').filter(|tag| !tag.is_empty()) {
        let (key, value) = tag.split_once(':').unwrap_or((tag, "true"));
        let mut key = word(key);
        // The label of a histogram's buckets, and those that Prometheus keeps for itself.
        if key == "le" || key.starts_with("__") {
            key.insert_str(0, "tag_");
        }
        if !labels.iter().any(|(earlier, _)| *earlier == key) {
            labels.push((key, value.to_owned()));
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_prometheus_takes_whatever_it_was() {
        for (given, kind, expected) in [
            ("shop.db.query", Kind::Timer, "shop_db_query"),
            ("shop.orders_total", Kind::Counter, "shop_orders"),
            ("shop.took_seconds", Kind::Timer, "shop_took"),
            ("a-b/c é", Kind::Gauge, "a_b_c__"),
            ("2xx", Kind::Gauge, "_2xx"),
            ("", Kind::Gauge, "_"),
        ] {
            assert_eq!(name(given, kind), expected, "{given}");
        }
    }

    #[test]
    fn tags_are_labels_each_once() {
        let expected = [
            ("a", "b:c"),
            ("canary", "true"),
            ("tag_le", "1"),
            ("tag___name__", "x"),
            ("_1", "y"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let tags = "a:b:c,canary,,a:again,le:1,__name__:x,1:y";
        assert_eq!(labels(tags), expected);
    }
}
