//! The parts of a line of statsd, and how any text becomes a harmless part of one.

use std::{borrow::Cow, time::Duration};

/// The parts of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) name: &'a str,
    /// Numbers, with a colon between two.
    pub(crate) values: &'a str,
    /// `c`, `g`, `ms`, `h`, `d`, `m` or `s`.
    pub(crate) kind: &'a str,
    /// The rate at which this was sampled, from `|@0.5`.
    pub(crate) rate: Option<&'a str>,
    /// The tags, which follow `|#`.
    pub(crate) tags: &'a str,
    /// Extensions of the protocol after the tags: a container, a time.
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
            // Otherwise it is the name that contains what looks like a metric.
            if !rest.is_empty() && extensions(rest) > 0 {
                continue;
            }
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

/// Returns the text with `_` in place of each byte that has a meaning to statsd, is white space, or is not ASCII.
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

/// The longest line that is sent: it fits a datagram that an Ethernet carries in one piece.
pub(crate) const LONGEST: usize = 1432;

/// Returns a line as an app's client wrote it in a form in which it is exactly one metric, or why it cannot be one.
///
/// A name has nothing that means something to statsd. In tags, commas and colons stay: they cannot be distinguished from those
/// between tags.
pub(crate) fn accept(line: &str) -> Result<Cow<'_, str>, &'static str> {
    if line.len() > LONGEST {
        return Err(TOO_LONG);
    }
    let Some(parts) = Parts::of(line) else {
        return if ["_e{", "_sc|"].iter().any(|start| line.starts_with(start)) {
            // Events and service checks of DogStatsD, which cadence passes on: each is one line.
            Ok(line.replace('\n', "_").into())
        } else if has_number_that_is_none(line) {
            Err(NOT_FINITE)
        } else {
            Err("its line is not in the format of statsd")
        };
    };
    if has_number_that_is_none(parts.name) {
        return Err(NOT_FINITE);
    }
    if parts.name.is_empty() || parts.name.ends_with('.') {
        return Err("it has no name");
    }
    if let Some(rate) = parts.rate
        && !rate
            .parse()
            .is_ok_and(|rate: f64| rate > 0.0 && rate <= 1.0)
    {
        return Err("its rate of sampling is not above 0 and at most 1");
    }
    Ok(clean(line, &parts))
}

const TOO_LONG: &str = "its line is longer than 1,432 bytes";
const NOT_FINITE: &str = "its value is infinite or not a number";

/// Whether one of the values before a type is written as Rust writes numbers that are not finite.
fn has_number_that_is_none(text: &str) -> bool {
    [":NaN", ":inf", ":-inf"].iter().any(|number| {
        let mut found = text.match_indices(number);
        found.any(|(at, _)| {
            matches!(
                text.as_bytes().get(at + number.len()),
                None | Some(b'|' | b':')
            )
        })
    })
}

fn clean<'a>(line: &'a str, parts: &Parts<'_>) -> Cow<'a, str> {
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
        text.extend(["|@", rate]);
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

/// Returns a line that was accepted with the constant tags, each with a comma before it, whose keys it does not have: the line's own
/// tag is the more specific one.
pub(crate) fn with_constant<'a>(
    line: Cow<'a, str>,
    constant: &str,
) -> Result<Cow<'a, str>, &'static str> {
    let Some(parts) = Parts::of(&line).filter(|_| !constant.is_empty()) else {
        return Ok(line);
    };
    let key = |tag: &str| tag.split_once(':').map_or(tag, |(key, _)| key).to_owned();
    let own: Vec<_> = parts.tags.split(',').map(key).collect();
    let mut text = line[..line.len() - parts.rest.len()].to_owned();
    let mut sign = if parts.tags.is_empty() { "|#" } else { "," };
    for tag in constant.split(',').filter(|tag| !tag.is_empty()) {
        if !own.contains(&key(tag)) {
            text.push_str(sign);
            text.push_str(tag);
            sign = ",";
        }
    }
    text.push_str(parts.rest);
    if text.len() > LONGEST {
        return Err(TOO_LONG);
    }
    Ok(text.into())
}

/// Appends a line in a form that every server understands.
///
/// Several values become a line each, which Telegraf wants. A gauge below zero is set by way of zero, as servers take a number with
/// a sign for a difference.
pub(crate) fn spell_out(line: &str, into: &mut Vec<u8>) {
    let Some(parts) = Parts::of(line).filter(|parts| parts.values.contains([':', '-'])) else {
        return into.extend_from_slice(line.as_bytes());
    };
    let after = &line[parts.name.len() + 1 + parts.values.len()..];
    let mut first = true;
    for value in parts.values.split(':') {
        let falls = parts.kind == "g" && value.starts_with('-');
        for value in falls.then_some("0").into_iter().chain([value]) {
            if !first {
                into.push(b'\n');
            }
            first = false;
            for part in [parts.name, ":", value, after] {
                into.extend_from_slice(part.as_bytes());
            }
        }
    }
}

/// Appends milliseconds with three decimals: most requests take less than one.
pub(crate) fn milliseconds(line: &mut Vec<u8>, time: Duration) {
    let whole = time.as_secs().saturating_mul(1000);
    let whole = whole.saturating_add(u64::from(time.subsec_millis()));
    let rest = time.subsec_micros() % 1000;
    let digit = |number: u32| b'0' + (number % 10) as u8;
    let [tenth, hundredth, thousandth] = [rest / 100, rest / 10, rest].map(digit);
    if let Ok(whole @ 0..10) = u8::try_from(whole) {
        line.extend_from_slice(&[b'0' + whole, b'.', tenth, hundredth, thousandth]);
    } else {
        line.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
        line.extend_from_slice(&[b'.', tenth, hundredth, thousandth]);
    }
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
            ("app.c:0|g|x:0.5|g", "app.c_0_g_x:0.5|g"),
            ("app.é:1|c", "app.__:1|c"),
            ("app.d:7|g|#queue:a|b\nc:1|c", "app.d:7|g|#queue:a_b_c:1_c"),
            ("app.d:7|g|#url:http://x#y", "app.d:7|g|#url:http://x_y"),
            ("app.d:7|g|#a:é", "app.d:7|g|#a:é"),
            ("app.info:1|c", "app.info:1|c"),
            ("app.h:1:2|h|#a:inf", "app.h:1:2|h|#a:inf"),
            (
                "app.c:-9223372036854775808|c",
                "app.c:-9223372036854775808|c",
            ),
            ("_e{1,1}:a|b\nc", "_e{1,1}:a|b_c"),
        ] {
            assert_eq!(accept(line).as_deref(), Ok(expected), "{line:?}");
            assert!(!expected.contains('\n'), "{line:?}");
            assert_eq!(accept(expected).as_deref(), Ok(expected), "it stays");
        }
    }

    #[test]
    fn a_constant_tag_is_added_unless_the_line_has_one_of_its_key() {
        let constant = ",env:prod,region:eu";
        for (line, expected) in [
            ("a:1|c", "a:1|c|#env:prod,region:eu"),
            ("a:1|c|#k:v", "a:1|c|#k:v,env:prod,region:eu"),
            ("a:1|c|#env:test", "a:1|c|#env:test,region:eu"),
            ("a:1|c|#env", "a:1|c|#env,region:eu"),
            ("a:1|c|@0.5|T16", "a:1|c|@0.5|#env:prod,region:eu|T16"),
            (
                "a:1|c|#region:us,env:x|c:box",
                "a:1|c|#region:us,env:x|c:box",
            ),
            (
                "a:1|c|#environment:x",
                "a:1|c|#environment:x,env:prod,region:eu",
            ),
            ("_e{1,1}:a|b", "_e{1,1}:a|b"),
        ] {
            assert_eq!(
                with_constant(line.into(), constant).as_deref(),
                Ok(expected)
            );
            assert_eq!(with_constant(line.into(), "").as_deref(), Ok(line));
        }
        let full = format!("a:1|c|#k:{}", "v".repeat(LONGEST - 20));
        assert_eq!(with_constant(full.into(), constant), Err(TOO_LONG));
    }

    #[test]
    fn what_no_server_understands_is_refused() {
        let long = format!("app.{}:1|c", "a".repeat(64 * 1024));
        for (line, why) in [
            ("app.g:NaN|g", NOT_FINITE),
            ("app.g:inf|g|#a:b", NOT_FINITE),
            ("app.g:-inf|g", NOT_FINITE),
            ("app.g:NaN|g|#a:1|c", NOT_FINITE),
            ("app.h:1:NaN:2|h", NOT_FINITE),
            (":1|c", "it has no name"),
            ("app.:1|c", "it has no name"),
            (&long, TOO_LONG),
            (
                "app.c:1|c|@0",
                "its rate of sampling is not above 0 and at most 1",
            ),
            (
                "app.c:1|c|@NaN",
                "its rate of sampling is not above 0 and at most 1",
            ),
            ("nothing\nat all", "its line is not in the format of statsd"),
            ("", "its line is not in the format of statsd"),
        ] {
            assert_eq!(accept(line), Err(why), "{line:.40}");
        }
    }

    #[test]
    fn several_values_are_a_line_each_and_a_gauge_below_zero_is_set_by_way_of_zero() {
        for (line, expected) in [
            ("app.g:-5|g", "app.g:0|g\napp.g:-5|g"),
            (
                "app.g:-0.5|g|#a:b|T16",
                "app.g:0|g|#a:b|T16\napp.g:-0.5|g|#a:b|T16",
            ),
            ("app.t:1:2|ms|#a:b", "app.t:1|ms|#a:b\napp.t:2|ms|#a:b"),
            ("app.g:5|g|#a:-1", "app.g:5|g|#a:-1"),
            ("app.c:-5|c", "app.c:-5|c"),
            ("_e{1,1}:a|b", "_e{1,1}:a|b"),
        ] {
            let mut spelt = Vec::new();
            spell_out(line, &mut spelt);
            assert_eq!(String::from_utf8_lossy(&spelt), expected);
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
