//! Reads strings from a JSON text: `version.json`, `.cargo_vcs_info.json`, or the event file of GitHub Actions.

/// Returns the string at `path`, the keys from the outermost object on. Returns `None` if there is none, or if the text is broken
/// before it.
#[must_use]
pub fn string(text: &str, path: &[&str]) -> Option<String> {
    let mut cursor = Cursor(text);
    for key in path {
        cursor.enter(key)?;
    }
    unescaped(cursor.string()?)
}

/// Returns whether the text is one JSON object and nothing else, as far as its brackets and strings say.
#[must_use]
pub fn is_object(text: &str) -> bool {
    let mut cursor = Cursor(text.trim());
    cursor.0.starts_with('{') && cursor.skip_value().is_some() && cursor.0.is_empty()
}

/// Returns the string that is written with these escapes.
fn unescaped(text: &str) -> Option<String> {
    let mut result = String::new();
    let mut characters = text.chars();
    while let Some(one) = characters.next() {
        if one != '\\' {
            result.push(one);
            continue;
        }
        result.push(match characters.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            escaped @ ('"' | '\\' | '/') => escaped,
            'u' => {
                let digits = characters.as_str().get(..4)?;
                characters.nth(3);
                // Half of a surrogate pair: no fact has such characters.
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        });
    }
    Some(result)
}

/// The rest of the text.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// Goes into the object that begins here, up to the value of `key`.
    fn enter(&mut self, key: &str) -> Option<()> {
        self.eat('{')?;
        loop {
            let found = self.string()?;
            self.eat(':')?;
            if found == key {
                self.0 = self.0.trim_start();
                return Some(());
            }
            self.skip_value()?;
            self.eat(',')?;
        }
    }

    /// Returns the text between the quotes, as it is written.
    fn string(&mut self) -> Option<&'a str> {
        self.eat('"')?;
        let mut escaped = false;
        let end = self.0.find(|character| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        })?;
        let (found, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        Some(found)
    }

    /// Goes past a value. Only its brackets are counted; its strings are skipped, because they may hold brackets.
    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            self.0 = self.0.trim_start();
            match self.0.chars().next()? {
                '"' => drop(self.string()?),
                '{' | '[' => {
                    depth += 1;
                    self.0 = &self.0[1..];
                }
                '}' | ']' => {
                    depth = depth.checked_sub(1)?;
                    self.0 = &self.0[1..];
                }
                ',' | ':' => self.0 = &self.0[1..],
                _ => {
                    let ends = |character| ",:{}[]\" \t\r\n".contains(character);
                    self.0 = &self.0[self.0.find(ends)?..];
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn eat(&mut self, expected: char) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(expected)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_found_by_its_path_and_not_by_a_look_alike() {
        let text = r#"
            {"title": "\"head\": {\"sha\": \"no\"} \\", "n": [1, -2.5e3, true, null, {"head": "no"}],
             "base": {"head": {"sha": "no"}}, "empty": {}, "head" : { "ref":"x", "sha" : "yes" } }"#;
        let find = |path: &[&str]| string(text, path);
        assert_eq!(find(&["head", "sha"]).as_deref(), Some("yes"));
        assert_eq!(find(&["base", "head", "sha"]).as_deref(), Some("no"));
        for path in [["head", "none"], ["none", "sha"], ["title", "head"]] {
            assert_eq!(find(&path), None, "{path:?}");
        }
    }

    #[test]
    fn a_string_is_returned_as_it_is_meant() {
        for (written, meant) in [
            (r"https:\/\/a.b", Some("https://a.b")),
            (r#"\"\""#, Some("\"\"")),
            (r"\u0061\n", Some("a\n")),
            (r"\ud83d", Some("\u{fffd}")),
            (r"\x", None),
            (r"\u00", None),
        ] {
            assert_eq!(
                string(&format!(r#"{{"a":"{written}"}}"#), &["a"]).as_deref(),
                meant,
                "{written}"
            );
        }
    }

    #[test]
    fn broken_json_has_no_string() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            r#"{"a""#,
            r#"{"a":"#,
            r#"{"a":1}"#,
            r#"{"b":]"#,
            r#"{"a":"x"#,
            r#"{"b":"\"#,
        ] {
            assert_eq!(string(text, &["a"]), None, "{text}");
        }
    }

    #[test]
    fn an_object_is_told_from_all_else() {
        for text in ["{}", " {\"a\": [{}]}\n"] {
            assert!(is_object(text), "{text}");
        }
        for text in [
            "",
            "[]",
            "null",
            "\"{}\"",
            "{",
            "{}{}",
            "{} x",
            "{\"a\": \"}",
        ] {
            assert!(!is_object(text), "{text}");
        }
    }
}
