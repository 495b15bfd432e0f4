//! One table for every interface and every form of the log: what an awkward value becomes.

use std::{io::Read as _, process::Stdio, thread};

use serde_json::{Value, json};

use super::command_for;
use crate::support::Process;

/// What each value of `tests/programs/values.rs` becomes. `null` is no field at all.
fn table() -> Vec<(&'static str, Value)> {
    let largest = "340282366920938463463374607431768211455";
    vec![
        ("nan", json!("NaN")),
        ("infinity", json!("inf")),
        ("minus infinity", json!("-inf")),
        ("nan of 32 bits", json!("NaN")),
        ("minus zero", json!(-0.0)),
        ("a tenth of 32 bits", json!(0.1)),
        ("a tenth", json!(0.1)),
        ("large", json!(1e300)),
        ("whole", json!(5.0)),
        ("u128", json!(largest)),
        ("small u128", json!(5)),
        ("i128", json!(i128::MIN.to_string())),
        ("small i128", json!(-5)),
        ("u64", json!(u64::MAX)),
        ("i64", json!(i64::MIN)),
        ("u8", json!(255)),
        ("isize", json!(-1)),
        ("usize", json!(usize::MAX)),
        ("yes", json!(true)),
        ("empty", json!("")),
        ("control", json!("\u{0}\u{1}\t\n\u{7f}\u{85}\u{2028}")),
        ("quotes", json!("\"\\=\"")),
        ("emoji", json!("é€🦀")),
        ("null in text", json!("null")),
        ("number in text", json!("1")),
        ("unit", json!(null)),
        ("none", json!(null)),
        ("some", json!(3)),
        ("nested none", json!(null)),
        ("nested some", json!(3)),
        ("letter", json!("x")),
        ("list", json!(r#"["NaN",null]"#)),
        ("map", json!(r#"{"[1,\"a\"]":"inf"}"#)),
        ("map by option", json!(r#"{"2":2}"#)),
        ("map by none", json!(r#"{"null":1}"#)),
        ("unit variant", json!("Unit")),
        ("newtype variant", json!(r#"{"Newtype":0.1}"#)),
        (
            "tuple variant",
            json!(format!(r#"{{"Tuple":["{largest}",null]}}"#)),
        ),
        (
            "struct variant",
            json!(r#"{"Struct":{"none":null,"type":"NaN"}}"#),
        ),
        ("bytes", json!("[97,255]")),
        ("raw bytes", json!("[97,255]")),
        ("refuses", json!("not JSON: it refuses")),
        ("nested control", json!("[\"\\u0000\\n\u{2028}\"]")),
        ("json", json!(r#"{"a":[1.5,null,{"b":"c"}]}"#)),
        ("json number", json!(-0.5)),
        ("nonzero", json!(255)),
        ("shown", json!("shown \"with\"\nquotes")),
        ("half", json!("half")),
        ("arguments", json!("17")),
        ("half debug", json!("half")),
        ("debug", json!("Some([\"a\\0\"])")),
        ("absent", json!(null)),
        ("chain", json!(format!("outer: {}", std::fmt::Error))),
        ("twice", json!(2)),
    ]
}

/// Returns the lines of the requests for all values.
fn lines(format: &str) -> Vec<String> {
    let command = command_for("telemetry", &[("LOG_FORMAT", format)]);
    let mut served = Process::start_unread(command, Stdio::piped());
    let mut stdout = served.stdout();
    // All the time: the lines are more than a pipe holds.
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).expect("lines are text");
        text
    });
    assert_eq!(served.get("/values").body, "logged");
    assert!(served.stop().success());
    let text = reader.join().expect("it reads to the end");
    text.lines().map(Into::into).collect()
}

/// Compares the lines, each as its fields, with the table.
fn compare(format: &str, lines: &[Value]) {
    let table = table();
    let mut seen = 0;
    for line in lines {
        let Some(of) = line["of"].as_str() else {
            continue;
        };
        let by = &line["msg"];
        if of == "names" {
            let names: &[_] = if format == "json" {
                &[
                    "type",
                    "fields.msg",
                    "fields.time",
                    "fields.level",
                    "fields.target",
                ]
            } else {
                &["type", "fields.msg", "time", "level", "target"]
            };
            for (number, name) in (1..).zip(names) {
                assert_eq!(line[name], number, "{format}, {by}: {line:#}");
            }
            continue;
        }
        let expected = table.iter().find(|(name, _)| *name == of);
        let (_, expected) = expected.unwrap_or_else(|| panic!("{of} is not in the table"));
        // `log` has words of its own around the error of a value that cannot be serialized.
        let value = match line["value"].as_str() {
            Some(text) if of == "refuses" => {
                json!(text.replace("`serde` serialization failed: ", ""))
            }
            _ => line["value"].clone(),
        };
        assert_eq!(&value, expected, "{format}, {by}, {of}: {line:#}");
        seen += 1;
    }
    assert!(seen > 200, "{format}: {seen} values by all interfaces");
    let summary = lines.iter().find(|line| line["path"] == "/values");
    let summary = summary.expect("a summary");
    let not_set = ["raw bytes", "half debug", "debug", "chain"];
    for (of, expected) in table.iter().filter(|(of, _)| !not_set.contains(of)) {
        assert_eq!(
            &summary[of], expected,
            "{format}, the summary, {of}: {summary:#}"
        );
    }
    assert_eq!(summary["type"], 1, "{format}");
    for line in lines {
        let keys: Vec<_> = line.as_object().expect("an object").keys().collect();
        assert!(
            !keys.iter().any(|key| key.starts_with("log.")),
            "{format}: {line:#}"
        );
    }
}

#[test]
fn a_value_is_the_same_by_every_interface_in_json_of_every_kind() {
    for format in ["mozlog", "gcp", "json"] {
        let lines: Vec<Value> = lines(format)
            .iter()
            .map(|line| {
                let mut line: Value =
                    serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
                if format == "json" {
                    line
                } else {
                    line["Fields"].take()
                }
            })
            .collect();
        compare(format, &lines);
    }
}

#[test]
fn a_value_is_the_same_by_every_interface_in_text() {
    let lines = lines("text");
    let table = table();
    let mut seen = 0;
    for line in &lines {
        let Some((_, of)) = line.split_once(" of=") else {
            continue;
        };
        if of.starts_with("names") {
            for pair in ["type=1", "fields.msg=2", "time=3", "level=4", "target=5"] {
                assert!(line.contains(&format!(" {pair}")), "{line}");
            }
            continue;
        }
        // The longest name that fits.
        let mut fitting: Vec<_> = table
            .iter()
            .filter(|(name, _)| of.trim_start_matches('"').starts_with(name))
            .collect();
        fitting.sort_by_key(|(name, _)| name.len());
        let (name, expected) = fitting.last().unwrap_or_else(|| panic!("{line}"));
        let pair = format!(" value={}", shown(expected));
        if *name == "refuses" {
            assert!(line.contains("it refuses"), "{line}");
        } else if expected.is_null() {
            assert!(!line.contains(" value="), "{name}: {line}");
        } else {
            // A large exponent may be written with a plus.
            let has = line.replace("e+", "e").contains(&pair.replace("e+", "e"));
            assert!(has, "{name}: {pair}: {line}");
        }
        seen += 1;
    }
    assert!(seen > 200, "{seen} values by all interfaces");
}

/// Returns a value as text has it: without quotes where it reads well.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text)
            if !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_graphic() && !"\"\\=".contains(c)) =>
        {
            text.clone()
        }
        // DEL and the control characters from U+0080 on, which JSON leaves as they are: a `?` for each byte.
        other => other
            .to_string()
            .replace('\u{7f}', "?")
            .replace('\u{85}', "??"),
    }
}
