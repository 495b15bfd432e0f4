//! Files as editors, templates and attackers write them.

use std::time::{Duration, Instant};

use super::*;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Plain {
    name: String,
    port: u16,
    password: String,
    when: String,
    list: Vec<String>,
    inner: BTreeMap<String, String>,
}

#[test]
fn line_ends_of_windows_byte_order_marks_and_empty_files() {
    for (file, text) in [
        ("a.toml", "name = \"n\"\r\nport = 5\r\n"),
        ("a.toml", "\u{feff}name = \"n\"\nport = 5"),
        ("a.yaml", "name: n\r\nport: 5\r\n"),
        ("a.yaml", "\u{feff}name: n\r\nport: 5"),
        ("a.yaml", "%YAML 1.2\n---\nname: n\nport: 5\n...\n"),
        ("a.yaml", "# a comment\n---\n{name: n, port: 5}"),
        ("a.yaml", "name: !!str n\nport: !!int 5"),
        ("a.yaml", "name: &n n\nport: 5\nlist: [*n]"),
        ("a.json", "\u{feff}{\"name\": \"n\",\r\n \"port\": 5}\r\n"),
        ("a.json", "{\"name\": \"\\u006e\", \"port\": 5}"),
    ] {
        let plain: Plain = good(file, text, &[]);
        assert_eq!((plain.name.as_str(), plain.port), ("n", 5), "{text:?}");
    }
    for (file, text) in [
        ("a.toml", ""),
        ("a.yaml", "\r\n"),
        ("a.json", " "),
        ("a.toml", "# \u{e9}\r\n"),
        ("a.json", "{}"),
    ] {
        assert_eq!(good::<Plain>(file, text, &[]), Plain::default(), "{text:?}");
    }
}

#[test]
fn dates_of_toml_and_yaml_are_text() {
    let plain: Plain = good("a.toml", "when = 2026-11-27T16:00:00Z", &[]);
    assert_eq!(plain.when, "2026-11-27T16:00:00Z");
    let plain: Plain = good("a.yaml", "when: 2026-11-27", &[]);
    assert_eq!(plain.when, "2026-11-27");
    assert_eq!(
        faults::<Plain>("a.toml", "port = 2026-11-27", &[]),
        ["port in FILE is \"2026-11-27\", expected a whole number from 0 to 65535"]
    );
}

#[test]
fn what_cannot_be_read_names_the_file_and_the_place_and_quotes_nothing() {
    let mut wrong = Vec::new();
    for (file, text, expected) in [
        (
            "a.json",
            "{\"password\": \"hunter2\", \"password\": \"hunter2\"}",
            "FILE: expected valid JSON: a table has a key twice, at line 1 column 46",
        ),
        (
            "a.yaml",
            "password: hunter2\npassword: hunter2",
            "FILE: expected valid YAML: a table has a key twice, at line 2, column 11",
        ),
        (
            "a.toml",
            "password = \"hunter2\"\npassword = \"hunter2\"",
            "FILE: expected valid TOML: duplicate key, at line 2, column 1",
        ),
        (
            "a.json",
            "{\"password\": \"hunter2\",}",
            "FILE: expected valid JSON: trailing comma, at line 1 column 24",
        ),
        (
            "a.json",
            "// hunter2\n{}",
            "FILE: expected valid JSON: expected value, at line 1 column 1",
        ),
        (
            "a.json",
            "{\"port\": 1e999}",
            "FILE: expected valid JSON: number out of range, at line 1 column 14",
        ),
        (
            "a.json",
            "{\"password\": \"hunter2",
            "FILE: expected valid JSON: EOF while parsing a string, at line 1 column 21",
        ),
        (
            "a.yaml",
            "password: !vault hunter2",
            "FILE: expected valid YAML: the only tags are !!str, !!int, !!float, !!bool, !!null, !!seq and !!map, at line 1, column 18",
        ),
        (
            "a.yaml",
            "port: !!int hunter2",
            "FILE: expected valid YAML: a value does not fit its tag !!int, at line 1, column 13",
        ),
        (
            "a.yaml",
            "<<: hunter2",
            "FILE: expected valid YAML: the value of << must be a table or a list of tables, usually an alias, at line 1, column 5",
        ),
        (
            "a.yaml",
            "a: 1\n---\npassword: hunter2",
            "FILE: expected valid YAML: there is more than one document, at line 3, column 9",
        ),
        (
            "a.yaml",
            "[hunter2]: 1",
            "FILE: expected valid YAML: a key must be text, not a table or a list, at line 1, column 1",
        ),
        (
            "a.yaml",
            "- hunter2",
            "FILE: expected YAML whose outermost value is a table",
        ),
        (
            "a.json",
            "[\"hunter2\"]",
            "FILE: expected JSON whose outermost value is a table",
        ),
        (
            "a.json",
            "null",
            "FILE: expected JSON whose outermost value is a table",
        ),
    ] {
        let lines = faults::<Plain>(file, text, &[]);
        if lines != [expected] {
            wrong.push(format!(
                "{text:?}\n    said:     {lines:?}\n    expected: {expected:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn very_deep_very_long_and_very_many_values_are_read_or_refused_soon() {
    let began = Instant::now();
    for (file, text) in [
        (
            "a.json",
            format!(
                "{{\"inner\": {}{}}}",
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
        ),
        ("a.json", "{\"a\":".repeat(100_000)),
        ("a.yaml", format!("inner: {}", "{a: ".repeat(50_000))),
        ("a.yaml", format!("inner: {}", "- ".repeat(50_000))),
        ("a.toml", format!("inner = {}", "[".repeat(100_000))),
        ("a.toml", format!("{} = 1", vec!["a"; 50_000].join("."))),
        (
            "a.toml",
            format!("[{}]\nx = 1", vec!["a"; 50_000].join(".")),
        ),
    ] {
        let began = Instant::now();
        let lines = faults::<Plain>(file, &text, &[]);
        println!("{file} {text:.20} {:?}", began.elapsed());
        assert!(
            lines
                .iter()
                .all(|line| line.contains("FILE") && line.len() < 1_000),
            "{file}: {lines:.200?}"
        );
    }
    println!("files {:?}", began.elapsed());
    let json = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(faults::<Plain>("a.json", "", &[("LIST", &json)]).len(), 1);
    let name = format!("INNER{}", "__A".repeat(10_000));
    assert!(
        faults::<Plain>("a.json", "", &[(&name, "x")]).is_empty(),
        "it is nobody's"
    );
    println!("variables {:?}", began.elapsed());
    let long = "x".repeat(5 << 20);
    assert_eq!(
        good::<Plain>("a.yaml", &format!("name: {long}"), &[])
            .name
            .len(),
        long.len()
    );
    let lines = faults::<Plain>("a.yaml", &format!("port: {long}"), &[]);
    println!("long {:?}", began.elapsed());
    assert!(
        lines[0].starts_with("port in FILE is \"xxx") && lines[0].len() < 1_000,
        "{}",
        lines[0].len()
    );
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn text_with_control_characters_stays_on_one_line_of_a_message() {
    for (file, text) in [
        ("a.json", "{\"port\": \"a\\nPORT is fine\\u001b[31m\"}"),
        ("a.json", "{\"inner\": {\"a\\nb\\u001b[31m\": 5}}"),
        ("a.yaml", "port: \"a\\nPORT is fine\\e[31m\""),
    ] {
        let lines = faults::<Plain>(file, text, &[]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(!lines[0].contains('\u{1b}'), "{lines:?}");
    }
}
