//! One string out of a JSON text: what `.cargo_vcs_info.json` and the event file of GitHub Actions are read for.

/// The string at `path`, keys from the outermost object on. `None` where there is none, where the text is broken before it, or
/// where it has an escape: hashes have none.
#[must_use]
pub fn string<'a>(text: &'a str, path: &[&str]) -> Option<&'a str> {
    let mut cursor = Cursor(text);
    for key in path {
        cursor.enter(key)?;
    }
    cursor.string().filter(|found| !found.contains('\\'))
}

/// What is left to read.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// Into the object that stands here, up to the value of `key`.
    fn enter(&mut self, key: &str) -> Option<()> {
        self.eat('{')?;
        loop {
            let found = self.string()?;
            self.eat(':')?;
            if found == key {
                return Some(());
            }
            self.skip_value()?;
            self.eat(',')?;
        }
    }

    /// What is between the quotes, as it is written.
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

    /// Past a value. Only its brackets are counted, and the strings in it stepped over, as they may hold brackets.
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
        assert_eq!(string(text, &["head", "sha"]), Some("yes"));
        assert_eq!(string(text, &["base", "head", "sha"]), Some("no"));
        for path in [["head", "none"], ["none", "sha"], ["title", "head"]] {
            assert_eq!(string(text, &path), None, "{path:?}");
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
            r#"{"a":"\u0061"}"#,
            r#"{"b":"\"#,
        ] {
            assert_eq!(string(text, &["a"]), None, "{text}");
        }
    }
}
