//! What lines have, whatever is logged.

use std::fmt;

use serde_json::Value as Json;
use slog::Level;

use super::{
    bounds::{CUT, LONGEST, VALUE},
    line::{Format, Layout, Line, known},
    value::{Value, is_plain},
};

const FORMATS: [Format; 4] = [
    Format::Mozlog,
    Format::Gcp,
    Format::Json,
    Format::Text { coloured: true },
];

/// Returns the line, and its fields if it is JSON.
fn line(
    format: Format,
    message: Option<Value<'_>>,
    fields: impl FnOnce(&mut Line<'_>),
) -> (String, Json) {
    let layout = Layout::new(format, &"program ".repeat(100));
    let fields = |line: &mut Line<'_>| {
        fields(line);
        line.outer("rid", Value::Plain(&[b'r'; 128]));
    };
    let text = layout.line(Level::Info, "a::target", message, fields, <[u8]>::to_vec);
    let text = String::from_utf8(text).expect("a line is text");
    assert!(text.len() <= LONGEST, "{format:?}: {}", text.len());
    assert!(text.ends_with('\n'));
    let fields = match format {
        Format::Text { .. } => Json::Null,
        Format::Json => serde_json::from_str(&text).expect(&text),
        Format::Mozlog | Format::Gcp => {
            let mut line: Json = serde_json::from_str(&text).expect(&text);
            line["Fields"].take()
        }
    };
    (text, fields)
}

/// A `Display` that goes on and on, and says so if it is asked for more than a line can hold.
struct Endless(&'static str);

impl fmt::Display for Endless {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for _ in 0..LONGEST {
            formatter.write_str(self.0)?;
        }
        panic!("nobody listens any more");
    }
}

#[test]
fn the_number_of_lost_fields_replaces_a_field_of_its_name() {
    for format in FORMATS {
        let long = "x".repeat(VALUE);
        let (_, fields) = line(format, None, |line| {
            line.last("log.cut", Value::Text("the app's"));
            for key in ["a", "b", "c", "d"] {
                line.last(key, Value::Text(&long));
            }
        });
        if format != (Format::Text { coloured: true }) {
            assert_eq!(fields["log.cut"], 2, "{format:?}");
        }
    }
}

#[test]
fn a_line_keeps_to_its_bound_and_has_its_id_whatever_is_in_it() {
    for format in FORMATS {
        for part in ["x", "é€🦀", "\"\\\n", "\u{1}", "\u{7f}\u{85}"] {
            let long = part.repeat(50_000);
            for value in [
                Value::Text(&long),
                Value::Bytes(long.as_bytes()),
                Value::Format(format_args!("{}", Endless(part))),
                Value::Format(format_args!("{long}")),
            ] {
                let (text, fields) = line(format, Some(value), |line| {
                    for key in ["a", "b", &long, "d"] {
                        line.outer(key, value);
                    }
                    for number in 0..3_000_u64 {
                        line.last(&format!("key{number}"), Value::Unsigned(number));
                    }
                });
                assert!(text.contains(CUT), "{format:?}: {text}");
                assert!(text.contains("log.cut"), "{format:?}: {text}");
                if !fields.is_null() {
                    assert_eq!(fields["rid"].as_str().map(str::len), Some(128));
                    let cut = fields["log.cut"].as_u64().expect("a number");
                    assert!((1_000..3_004).contains(&cut), "{cut}");
                }
            }
        }
    }
}

#[test]
fn a_summary_of_a_request_with_long_parts_has_all_of_them() {
    let long = "\"".repeat(9_000);
    let bytes = Value::Bytes(long.as_bytes());
    for format in [Format::Mozlog, Format::Gcp, Format::Json] {
        let (_, fields) = line(format, Some(Value::Text(&long)), |line| {
            line.known(known!("agent"), bytes);
            line.known(known!("lang"), bytes);
            line.known(known!("method"), Value::Plain(&[b'M'; 5_000]));
            line.known(known!("path"), bytes);
            line.known(known!("querystring"), bytes);
            line.known(known!("t"), Value::Unsigned(7));
        });
        for key in ["agent", "lang", "method", "path", "querystring"] {
            let text = fields[key].as_str().expect(key);
            assert!(
                text.len() > 100 && text.ends_with(CUT),
                "{format:?} {key}: {text}"
            );
        }
        assert_eq!(fields["t"], 7);
    }
}

#[test]
fn what_is_plain_is_written_whole_whatever_its_length() {
    for length in 0..300 {
        let text = "a".repeat(length);
        let value = if is_plain(text.as_bytes()) {
            Value::Plain(text.as_bytes())
        } else {
            Value::Bytes(text.as_bytes())
        };
        let (_, fields) = line(Format::Mozlog, None, |line| {
            line.known(known!("agent"), value);
        });
        assert_eq!(fields["agent"], text);
    }
    assert!(is_plain(
        b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101"
    ));
    for byte in (0..=255).filter(|byte| !matches!(byte, 0x20..0x80) || b"\"\\".contains(byte)) {
        for length in [1, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 65, 127, 128, 200] {
            for place in 0..length {
                let mut text = vec![b'a'; length];
                text[place] = byte;
                assert!(!is_plain(&text), "{byte} at {place} of {length}");
            }
        }
    }
}

#[test]
fn among_many_fields_the_last_or_the_innermost_of_one_key_counts() {
    for format in [Format::Mozlog, Format::Gcp, Format::Json] {
        for many in [3, 15, 16, 17, 40, 300] {
            let (text, fields) = line(format, None, |line| {
                for round in 0..3_u64 {
                    for number in 0..many {
                        line.last(&format!("key{number}"), Value::Unsigned(round));
                    }
                }
                for number in 0..=many {
                    line.outer(&format!("key{number}"), Value::Unsigned(3));
                }
            });
            for number in 0..many {
                assert_eq!(fields[format!("key{number}")], 2, "{text}");
                let key = format!("\"key{number}\"");
                assert_eq!(text.matches(&key).count(), 1, "{text}");
            }
            assert_eq!(fields[format!("key{many}")], 3, "{text}");
        }
    }
}

#[test]
fn a_field_that_replaces_a_long_one_has_its_room() {
    let long = "x".repeat(7_000);
    for format in FORMATS {
        let (text, _) = line(format, None, |line| {
            for number in 0..20_u64 {
                line.last("key", Value::Text(&long));
                line.last("count", Value::Unsigned(number));
            }
        });
        assert!(text.contains(&long) && !text.contains("log.cut"), "{text}");
    }
}

#[test]
fn a_message_that_cannot_be_shown_is_cut_in_every_format() {
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("half")?;
            Err(fmt::Error)
        }
    }
    for format in FORMATS {
        let message = Value::Format(format_args!("{Broken}"));
        let (text, _) = line(format, Some(message), |line| line.outer("key", message));
        assert_eq!(
            text.matches("half").count(),
            if format == Format::Gcp { 3 } else { 2 }
        );
    }
}

#[test]
fn flat_json_has_its_own_keys_once() {
    let (text, fields) = line(Format::Json, Some(Value::Text("a \"message\"")), |line| {
        for key in ["time", "level", "target", "msg", "other"] {
            line.outer(key, Value::Float(1e300));
        }
        line.outer("wide", Value::Wide(u128::MAX));
        line.outer("signed", Value::WideSigned(-5));
    });
    assert_eq!(fields["level"], "info");
    assert_eq!(fields["target"], "a.target");
    assert_eq!(fields["msg"], "a \"message\"");
    assert_eq!(fields["wide"], u128::MAX.to_string());
    assert_eq!(fields["signed"], -5);
    for key in [
        "fields.time",
        "fields.level",
        "fields.target",
        "fields.msg",
        "other",
    ] {
        assert_eq!(fields[key], 1e300, "{text}");
    }
}

#[test]
fn numbers_of_32_bits_have_their_digits_and_others_keep_all_of_theirs() {
    for (number, text) in [
        (f64::from(0.1_f32), "0.1"),
        (0.1, "0.1"),
        (1_073_741_824.0, "1073741824.0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (-0.0, "-0.0"),
        (f64::from(f32::MIN_POSITIVE), "1.1754944e-38"),
    ] {
        let (line, _) = line(Format::Mozlog, None, |line| {
            line.outer("key", Value::Float(number));
        });
        assert!(line.contains(&format!("\"key\":{text},")), "{text}: {line}");
    }
}
