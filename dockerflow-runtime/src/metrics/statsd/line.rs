//! What a line of statsd is made of, and how text becomes a harmless part of one.

use std::{borrow::Cow, time::Duration};

/// A line, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) name: &'a str,
    /// Numbers, with a colon between two.
    pub(crate) values: &'a str,
    /// `c`, `g`, `ms`, `h`, `d`, `m` or `s`.
    pub(crate) kind: &'a str,
    /// The rate at which this was sampled, from `|@0.5`.
    pub(crate) rate: Option<&'a str>,
    /// What stands behind `|#`.
    pub(crate) tags: &'a str,
    /// Extensions of the protocol behind the tags: a container, a time.
    pub(crate) rest: &'a str,
}

impl<'a> Parts<'a> {
    /// Takes a line apart at the first place where a number and a type stand, whatever its name and its tags contain.
    pub(crate) fn of(line: &'a str) -> Option<Self> {
        let mut from = 0;
        loop {
            let bar = from + line[from..].find('|')?;
            from = bar + 1;
            let behind = &line[bar + 1..];
            let end = behind.find('|').unwrap_or(behind.len());
            let kind = &behind[..end];
            if !matches!(kind, "c" | "g" | "ms" | "h" | "d" | "m" | "s") {
                continue;
            }
            let Some(start) = values(&line[..bar]) else {
                continue;
            };
            let behind = &behind[end..];
            let (rate, behind) = match behind.strip_prefix("|@") {
                Some(rate) => {
                    let end = rate.find('|').unwrap_or(rate.len());
                    (Some(&rate[..end]), &rate[end..])
                }
                None => (None, behind),
            };
            let (tags, rest) = match behind.strip_prefix("|#") {
                Some(tags) => tags.split_at(extensions(tags)),
                None => ("", behind),
            };
            return Some(Self {
                name: &line[..start],
                values: &line[start + 1..bar],
                kind,
                rate,
                tags,
                rest,
            });
        }
    }
}

/// Where the colon before the numbers at the end of `text` stands.
fn values(text: &str) -> Option<usize> {
    let mut start = None;
    let mut end = text.len();
    while let Some(colon) = text[..end].rfind(':') {
        let number = &text[colon + 1..end];
        let digits = number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
        if number.is_empty() || !digits || number.parse::<f64>().is_err() {
            break;
        }
        start = Some(colon);
        end = colon;
    }
    start
}

/// Where the extensions behind tags begin: `|c:…` and `|T…`, as cadence writes them.
fn extensions(tags: &str) -> usize {
    let mut end = tags.len();
    if let Some(at) = tags[..end].rfind("|T")
        && !tags[at + 2..end].is_empty()
        && tags[at + 2..end].bytes().all(|byte| byte.is_ascii_digit())
    {
        end = at;
    }
    if let Some(at) = tags[..end].rfind("|c:")
        && !tags[at + 3..end].contains(['|', ',', '#', '\n'])
    {
        end = at;
    }
    end
}

/// Whether a byte has a meaning in a line of statsd, or could end it.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'|' | b',' | b'#' | b':' | b'@') || !byte.is_ascii_graphic()
}

/// The text, with `_` in place of what has a meaning to statsd, of white space, and of what is not ASCII.
pub(crate) fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    plain_into(&mut bytes, text);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Appends [`plain`] text.
pub(crate) fn plain_into(into: &mut Vec<u8>, text: &str) {
    into.extend(
        text.bytes()
            .map(|byte| if is_special(byte) { b'_' } else { byte }),
    );
}

/// A line as an app's client wrote it, in a form in which it is exactly one metric.
///
/// A name has nothing that means something to statsd. In tags, commas and colons stay: they cannot be told from those
/// between tags.
pub(crate) fn clean(line: &str) -> Cow<'_, str> {
    let Some(parts) = Parts::of(line) else {
        // Not one of cadence's: at least it is one line.
        return if line.contains('\n') {
            line.replace('\n', "_").into()
        } else {
            line.into()
        };
    };
    let tag = |byte: u8| matches!(byte, b'|' | b'#' | b'@') || byte.is_ascii_control();
    let good = !parts.name.bytes().any(is_special)
        && !parts.tags.bytes().any(tag)
        && !parts.rest.bytes().any(|byte| byte.is_ascii_control());
    if good {
        return line.into();
    }
    let mut text = plain(parts.name);
    text.extend([":", parts.values, "|", parts.kind]);
    if let Some(rate) = parts.rate {
        text.extend(["|@", &plain(rate)]);
    }
    if !parts.tags.is_empty() {
        text.push_str("|#");
        text.extend(parts.tags.chars().map(|letter| {
            let special = u8::try_from(letter).is_ok_and(tag);
            if special { '_' } else { letter }
        }));
    }
    text.push_str(&parts.rest.replace(|letter: char| letter.is_control(), "_"));
    text.into()
}

/// Appends milliseconds with three decimals: most requests take less than one.
pub(crate) fn milliseconds(line: &mut Vec<u8>, time: Duration) {
    let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let mut digits = [b'0'; 21];
    let mut rest = microseconds;
    let mut start = digits.len();
    while rest > 0 || digits.len() - start < 4 {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    let (whole, decimals) = digits[start..].split_at(digits.len() - start - 3);
    line.extend_from_slice(whole);
    line.push(b'.');
    line.extend_from_slice(decimals);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_with_three_decimals() {
        for (microseconds, expected) in [
            (0, "0.000"),
            (7, "0.007"),
            (1_000, "1.000"),
            (61_234_567, "61234.567"),
        ] {
            let mut line = Vec::new();
            milliseconds(&mut line, Duration::from_micros(microseconds));
            assert_eq!(line, expected.as_bytes());
        }
    }

    #[test]
    fn a_line_is_exactly_one_metric_whatever_its_name_and_tags_contain() {
        for (line, expected) in [
            ("app.a:1|c", "app.a:1|c"),
            ("app.a:1:2:3|ms|@0.5|#k:v", "app.a:1:2:3|ms|@0.5|#k:v"),
            (
                "app.a:-1.5|g|#k:v,w|c:box|T16",
                "app.a:-1.5|g|#k:v,w|c:box|T16",
            ),
            ("app.a|b:1|c", "app.a_b:1|c"),
            ("app.a:b:1|c", "app.a_b:1|c"),
            ("app.a#b@c,d e:1|c", "app.a_b_c_d_e:1|c"),
            ("app.a\nb:1|c", "app.a_b:1|c"),
            ("app.a:1|c\nforged:1|c", "app.a_1_c_forged:1|c"),
            ("app.é:1|c", "app.__:1|c"),
            ("app.d:7|g|#queue:a|b\nc:1|c", "app.d:7|g|#queue:a_b_c:1_c"),
            ("app.d:7|g|#url:http://x#y", "app.d:7|g|#url:http://x_y"),
            ("app.d:7|g|#a:é", "app.d:7|g|#a:é"),
            ("nothing\nat all", "nothing_at all"),
        ] {
            assert_eq!(clean(line), expected, "{line:?}");
            assert!(!clean(line).contains('\n'), "{line:?}");
            assert_eq!(clean(expected), expected, "what is clean stays");
        }
    }

    #[test]
    fn a_line_is_taken_apart() {
        let parts = Parts::of("app.a:1:2|ms|@0.5|#k:v,w:x|T16").expect("a line");
        let expected = Parts {
            name: "app.a",
            values: "1:2",
            kind: "ms",
            rate: Some("0.5"),
            tags: "k:v,w:x",
            rest: "|T16",
        };
        assert_eq!(parts, expected);
        for other in ["", "a", "a:1", "a:|c", "a:x|c", "a:1|z", "a|c", "a:1:|c"] {
            assert_eq!(Parts::of(other), None, "{other}");
        }
    }
}
