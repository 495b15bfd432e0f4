//! YAML as values: the core schema of YAML 1.2, merge keys, aliases within bounds.

use std::{collections::HashMap, sync::Arc};

use yaml_rust2::{
    Event,
    parser::{Parser, Tag},
    scanner::{Marker, ScanError, TScalarStyle},
};

use super::value::{Kind, Origin, Setting, Table};

/// How many values a file may have. An alias counts as all values that it stands for.
const MOST: usize = 100_000;
/// How deeply tables and lists may be nested.
const DEEPEST: usize = 100;
const CORE: &str = "tag:yaml.org,2002:";

/// Returns the document in `text`; `Err` says what is wrong, and where, without a word of the text.
pub(super) fn parse(text: &str, origin: &Origin) -> Result<Setting, String> {
    let mut loader = Loader {
        parser: Parser::new_from_str(text),
        origin,
        anchors: HashMap::new(),
        left: MOST,
    };
    loader
        .document()
        .map_err(|(fault, at)| format!("{fault}, at line {}, column {}", at.line(), at.col() + 1))
}

struct Loader<'a> {
    parser: Parser<std::str::Chars<'a>>,
    origin: &'a Origin,
    /// The value of each anchor, and how many values it contains.
    anchors: HashMap<usize, (Arc<Setting>, usize)>,
    left: usize,
}

type Fault = (String, Marker);

impl Loader<'_> {
    fn next(&mut self) -> Result<(Event, Marker), Fault> {
        self.parser
            .next_token()
            .map_err(|fault: ScanError| (fault.info().replace('\n', " "), *fault.marker()))
    }

    fn document(&mut self) -> Result<Setting, Fault> {
        let null = Setting::new(Kind::Null, self.origin);
        let mut document = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(document.unwrap_or(null)),
                Event::StreamStart | Event::DocumentStart | Event::DocumentEnd | Event::Nothing => {
                }
                _ if document.is_some() => {
                    return Err(("there is more than one document".into(), at));
                }
                event => {
                    document = Some(Arc::unwrap_or_clone(self.node(event, at, 0)?));
                }
            }
        }
    }

    fn node(&mut self, event: Event, at: Marker, depth: usize) -> Result<Arc<Setting>, Fault> {
        let left = self.left;
        if depth > DEEPEST {
            return Err((format!("values are more than {DEEPEST} levels deep"), at));
        }
        let (kind, anchor) = match event {
            Event::Alias(anchor) => {
                let Some((value, size)) = self.anchors.get(&anchor) else {
                    return Err(("an alias refers to a value that it is part of".into(), at));
                };
                let (value, size) = (value.clone(), *size);
                self.count(size, at)?;
                return Ok(value);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == TScalarStyle::Plain;
                let kind = scalar(text, plain, tag.as_ref()).map_err(|fault| (fault, at))?;
                (kind, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                container(tag.as_ref(), "seq").map_err(|fault| (fault, at))?;
                (self.list(depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                container(tag.as_ref(), "map").map_err(|fault| (fault, at))?;
                (self.table(depth)?, anchor)
            }
            _ => return Err(("there is no value".into(), at)),
        };
        self.count(1, at)?;
        let value = Arc::new(Setting::new(kind, self.origin));
        if anchor > 0 {
            self.anchors
                .insert(anchor, (value.clone(), left - self.left));
        }
        Ok(value)
    }

    fn count(&mut self, size: usize, at: Marker) -> Result<(), Fault> {
        let over = || {
            let fault = format!(
                "more than {MOST} values, with each alias counted as the values that it refers to"
            );
            (fault, at)
        };
        self.left = self.left.checked_sub(size).ok_or_else(over)?;
        Ok(())
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Kind::List(items));
            }
            items.push(self.node(event, at, depth + 1)?);
        }
    }

    fn table(&mut self, depth: usize) -> Result<Kind, Fault> {
        let mut table = Table::new();
        let mut merged: Vec<Arc<Setting>> = Vec::new();
        loop {
            let (event, at) = self.next()?;
            let merge =
                matches!(&event, Event::Scalar(text, TScalarStyle::Plain, _, None) if text == "<<");
            let key = match &event {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => Some(text.clone()),
                _ => None,
            };
            let node = self.node(event, at, depth + 1)?;
            let key = match (key, &node.kind) {
                (Some(key), _) => key,
                // An alias of a text.
                (None, Kind::Text(text)) => text.clone(),
                (None, _) => return Err(("a key must be text, not a table or a list".into(), at)),
            };
            let (event, at) = self.next()?;
            let value = self.node(event, at, depth + 1)?;
            if merge {
                merged.extend(sources(&value).ok_or_else(|| {
                    (
                        "the value of << must be a table or a list of tables, usually an alias"
                            .into(),
                        at,
                    )
                })?);
            } else if table.insert(key, value).is_some() {
                return Err(("a table has a key twice".into(), at));
            }
        }
        // A table's own keys, then those of the first that is merged into it.
        for source in &merged {
            if let Kind::Table(entries) = &source.kind {
                for (key, value) in entries {
                    table.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        Ok(Kind::Table(table))
    }
}

/// Returns the tables that `<<` names.
fn sources(value: &Arc<Setting>) -> Option<Vec<Arc<Setting>>> {
    match &value.kind {
        Kind::Table(_) => Some(vec![value.clone()]),
        Kind::List(items) if items.iter().all(|item| item.is_table()) => Some(items.clone()),
        _ => None,
    }
}

fn container(tag: Option<&Tag>, core: &str) -> Result<(), String> {
    match tag {
        None => Ok(()),
        Some(tag) if tag.handle == CORE && tag.suffix == core => Ok(()),
        Some(_) => Err(UNKNOWN_TAG.into()),
    }
}

const UNKNOWN_TAG: &str =
    "the only tags are !!str, !!int, !!float, !!bool, !!null, !!seq and !!map";

fn scalar(text: String, plain: bool, tag: Option<&Tag>) -> Result<Kind, String> {
    let Some(tag) = tag else {
        return Ok(if plain {
            resolve(text)
        } else {
            Kind::Text(text)
        });
    };
    let core = match (tag.handle.as_str(), tag.suffix.as_str()) {
        (CORE, suffix) => suffix,
        ("", "!") | ("!", "") => "str",
        _ => return Err(UNKNOWN_TAG.into()),
    };
    match (core, resolve(text.clone())) {
        ("str", _) => Ok(Kind::Text(text)),
        #[allow(
            clippy::cast_precision_loss,
            reason = "a float is what the file asks for"
        )]
        ("float", Kind::Integer(value)) => Ok(Kind::Float(value as f64)),
        ("int", kind @ Kind::Integer(_))
        | ("float", kind @ Kind::Float(_))
        | ("bool", kind @ Kind::Bool(_))
        | ("null", kind @ Kind::Null) => Ok(kind),
        ("int" | "float" | "bool" | "null", _) => {
            Err(format!("a value does not fit its tag !!{core}"))
        }
        _ => Err(UNKNOWN_TAG.into()),
    }
}

/// Returns what a plain scalar is in the core schema of YAML 1.2: `no` and `on` are text.
fn resolve(text: String) -> Kind {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Kind::Float(f64::NAN),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        return Kind::Float(sign * f64::INFINITY);
    }
    let radix = |prefix: &str, radix| {
        let digits = text.strip_prefix(prefix)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
            .then_some(())?;
        i128::from_str_radix(digits, radix).ok()
    };
    if let Some(value) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Kind::Integer(value);
    }
    if !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(value) = text.parse()
    {
        return Kind::Integer(value);
    }
    // Rust's numbers are the schema's but for "inf" and "nan", which begin with a letter.
    let number = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    match text.parse() {
        Ok(value) if number => Kind::Float(value),
        _ => Kind::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn parsed(text: &str) -> Result<Setting, String> {
        parse(text, &Origin::Nowhere)
    }

    fn at(text: &str, keys: &[&str]) -> String {
        let mut value = Arc::new(parsed(text).expect(text));
        for key in keys {
            let Kind::Table(table) = &value.kind else {
                panic!("{key} of {text}: not a table");
            };
            value = table[*key].clone();
        }
        value.scalar().expect("a scalar")
    }

    #[test]
    fn a_plain_scalar_is_what_yaml_1_2_says() {
        for (text, scalar) in [
            ("5", "5"),
            ("-5", "-5"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("18446744073709551615", "18446744073709551615"),
            ("5.0", "5.0"),
            ("1e3", "1000.0"),
            (".5", "0.5"),
            ("-.inf", "-inf"),
            ("true", "true"),
            ("no", "no"),
            ("on", "on"),
            ("nil", "nil"),
            ("inf", "inf"),
            ("0x", "0x"),
            ("1_000", "1_000"),
            ("1.2.3", "1.2.3"),
            ("12:30", "12:30"),
            ("~", "null"),
            ("!!str 5", "5"),
            ("'5'", "5"),
        ] {
            assert_eq!(at(&format!("a: {text}"), &["a"]), scalar, "{text}");
        }
        assert!(matches!(resolve("no".into()), Kind::Text(_)));
        assert!(matches!(resolve("0123".into()), Kind::Integer(123)));
        assert!(matches!(scalar("5".into(), false, None), Ok(Kind::Text(_))));
    }

    #[test]
    fn keys_are_names_whatever_they_look_like() {
        for key in [
            "a.b",
            "1-800-Flowers.com",
            "hosts[99999999]",
            "5",
            "true",
            "'x y'",
        ] {
            let plain = key.trim_matches('\'');
            assert_eq!(at(&format!("{key}: 1"), &[plain]), "1", "{key}");
        }
    }

    #[test]
    fn merge_keys_fill_in_what_a_table_does_not_say() {
        let text = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\none:\n  <<: *base\n  a: 9\ntwo:\n  <<: [*more, *base]\n";
        assert_eq!(at(text, &["one", "a"]), "9");
        assert_eq!(at(text, &["one", "b"]), "2");
        assert_eq!(at(text, &["two", "b"]), "3");
        assert_eq!(at(text, &["two", "a"]), "1");
        let fault = parsed("a:\n  <<: 5").expect_err("5 is not a table");
        assert!(fault.contains("<<"), "{fault}");
    }

    #[test]
    fn aliases_depth_and_size_are_bounded() {
        let bomb: Vec<_> = (1..30)
            .map(|level| {
                let alias = format!("*a{}", level - 1);
                format!("a{level}: &a{level} [{}]", vec![alias; 10].join(", "))
            })
            .collect();
        let bomb = format!("a0: &a0 [x, x]\n{}", bomb.join("\n"));
        let began = Instant::now();
        let fault = parsed(&bomb).expect_err("a bomb");
        assert!(fault.starts_with("more than 100000 values"), "{fault}");
        let deep = parsed(&format!("a: {}", "[".repeat(5_000))).expect_err("too deep");
        assert!(deep.contains("recursion limit"), "{deep}");
        let deep: Vec<_> = (0..DEEPEST + 2)
            .map(|level| format!("{}a:", " ".repeat(level)))
            .collect();
        let deep = parsed(&deep.join("\n")).expect_err("too deep");
        assert!(deep.contains("levels deep"), "{deep}");
        assert!(parsed("a: &a [*a]").is_err());
        assert!(parsed("a: *b").is_err());
        assert!(began.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn what_settings_have_no_use_for_is_refused_with_a_sentence() {
        for (text, sentence) in [
            ("a: 1\na: 2", "a table has a key twice"),
            ("? [a]\n: 1", "a key must be text"),
            ("a: !secret x", "the only tags are"),
            ("a: !!int x", "its tag !!int"),
            ("a: 1\n---\nb: 2", "more than one document"),
        ] {
            let fault = parsed(text).expect_err(text);
            assert!(fault.contains(sentence), "{fault}");
            assert!(fault.contains(", at line "), "{fault}");
        }
    }
}
