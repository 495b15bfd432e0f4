//! The configuration of a repository, as git reads it.

/// Returns the URL of the remote `origin` in the text of a configuration file. Of several `url` lines the first one counts, and
/// an empty one makes git forget those before it. Returns `None` if there is none, or if git would refuse the file.
#[must_use]
pub fn origin(config: &str) -> Option<String> {
    let mut urls = Vec::new();
    let mut reader = Reader {
        rest: config.strip_prefix('\u{feff}').unwrap_or(config).chars(),
    };
    let mut section = String::new();
    while let Some(one) = reader.next() {
        match one {
            '\n' | ' ' | '\t' | '\r' | '\u{b}' | '\u{c}' => {}
            '#' | ';' => reader.skip_line(),
            '[' => section = reader.section()?,
            _ if one.is_ascii_alphabetic() => {
                let (key, value) = reader.entry(one)?;
                if section == "remote.origin" && key == "url" {
                    match value {
                        Some(url) if url.is_empty() => urls.clear(),
                        Some(url) => urls.push(url),
                        None => return None,
                    }
                }
            }
            _ => return None,
        }
    }
    urls.into_iter().next()
}

struct Reader<'a> {
    rest: std::str::Chars<'a>,
}

impl Reader<'_> {
    /// Returns the next character. The end of a line on Windows becomes `\n`.
    fn next(&mut self) -> Option<char> {
        let one = self.rest.next()?;
        if one == '\r' && self.rest.as_str().starts_with('\n') {
            return self.rest.next();
        }
        Some(one)
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|one| one != '\n') {}
    }

    /// Returns the name of the section whose `[` was read: `remote.origin` for `[remote "origin"]`. The part in quotes keeps its
    /// capitals, all else is in lower case.
    fn section(&mut self) -> Option<String> {
        let mut name = String::new();
        loop {
            match self.next()? {
                ']' => return Some(name),
                one if one.is_whitespace() && one != '\n' => break,
                one if one.is_ascii_alphanumeric() || one == '-' || one == '.' => {
                    name.push(one.to_ascii_lowercase());
                }
                _ => return None,
            }
        }
        let mut one = self.next()?;
        while one.is_whitespace() && one != '\n' {
            one = self.next()?;
        }
        if one != '"' {
            return None;
        }
        name.push('.');
        loop {
            match self.next()? {
                '\n' => return None,
                '"' => break,
                '\\' => match self.next()? {
                    '\n' => return None,
                    escaped => name.push(escaped),
                },
                one => name.push(one),
            }
        }
        (self.next()? == ']').then_some(name)
    }

    /// Returns the key that begins with `first`, and its value, or `None` in its place if there is no `=`.
    fn entry(&mut self, first: char) -> Option<(String, Option<String>)> {
        let mut key = first.to_ascii_lowercase().to_string();
        loop {
            match self.next() {
                Some(one) if one.is_ascii_alphanumeric() || one == '-' => {
                    key.push(one.to_ascii_lowercase());
                }
                mut after => {
                    while after == Some(' ') || after == Some('\t') {
                        after = self.next();
                    }
                    return match after {
                        None | Some('\n') => Some((key, None)),
                        Some('=') => Some((key, Some(self.value()?))),
                        // git accepts no comment here
                        Some(_) => None,
                    };
                }
            }
        }
    }

    fn value(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut is_quoted = false;
        let mut spaces = String::new(); // those at the end do not count
        loop {
            match self.next() {
                None | Some('\n') if is_quoted => return None,
                None | Some('\n') => return Some(value),
                Some(one) if one.is_whitespace() && !is_quoted => {
                    if !value.is_empty() {
                        spaces.push(one);
                    }
                }
                Some('#' | ';') if !is_quoted => {
                    self.skip_line();
                    return Some(value);
                }
                Some('"') => {
                    value.push_str(&std::mem::take(&mut spaces));
                    is_quoted = !is_quoted;
                }
                Some('\\') => match self.next()? {
                    '\n' => {}
                    escaped => {
                        value.push_str(&std::mem::take(&mut spaces));
                        value.push(match escaped {
                            'n' => '\n',
                            't' => '\t',
                            'b' => '\u{8}',
                            '\\' | '"' => escaped,
                            _ => return None,
                        });
                    }
                },
                Some(one) => {
                    value.push_str(&std::mem::take(&mut spaces));
                    value.push(one);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    /// Configurations and the URL of `origin` in them.
    const CASES: &[(&str, Option<&str>)] = &[
        (
            "[remote \"origin\"]\n\turl = https://a.b/c\n\tfetch = +refs/*\n[branch \"x\"]\n url = no",
            Some("https://a.b/c"),
        ),
        (
            "[Remote \"origin\"]\r\nURL=\"https://a.b/c\" \r\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"] # ours\nurl = https://a.b/c # here\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"]\nurl = https://a.b/c ; here\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"]\nurl = https://a.b/c;here\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"]\nurl = https://a.b/c#here\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"]\nurl = \"https://a.b/c;d#e\"\n",
            Some("https://a.b/c;d#e"),
        ),
        (
            "[remote \"origin\"]\nurl = https://\"a.b\"/c\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"]\nurl = \\\"a\\\\b\\\"\n",
            Some("\"a\\b\""),
        ),
        (
            "[remote \"origin\"]\nurl = https://a.b\\\n/c\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"]\nurl = \\\n  https://a.b/c\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"]\nurl = https://a.b/c ; no \\\nfetch = x\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"] url = https://a.b/c\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"]url=https://a.b/c",
            Some("https://a.b/c"),
        ),
        (
            "[remote.origin]\nurl = https://a.b/c\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote.ORIGIN]\nurl = https://a.b/c\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote   \"origin\"]\nurl = https://a.b/c\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"ori\\gin\"]\nurl = https://a.b/c\n",
            Some("https://a.b/c"),
        ),
        (
            "[remote \"origin\"]\nurl = one\nurl = two\npushurl = three",
            Some("one"),
        ),
        (
            "[remote \"origin\"]\nurl = one\n[core]\nbare = no\n[remote \"origin\"]\nurl = two",
            Some("one"),
        ),
        ("[remote \"origin\"]\npushurl = three", None),
        (
            "; comment\n# [remote \"origin\"]\n# url = no\n[core]\n\tbare\n[remote \"origin\"]\n\turl = a b\n",
            Some("a b"),
        ),
        (
            "[remote \"upstream\"]\nurl = no\n[remote \"Origin\"]\nurl = no",
            None,
        ),
        ("[remote \"origin.x\"]\nurl = no", None),
        ("[remote]\nurl = no", None),
        ("[remote \"origin\"]\nurlx = no\n", None),
        ("", None),
    ];

    #[test]
    fn the_url_of_origin_is_found_however_it_is_written() {
        for (config, url) in CASES {
            assert_eq!(origin(config).as_deref(), *url, "{config}");
        }
    }

    #[test]
    fn git_finds_the_same_url() {
        let folder =
            std::env::temp_dir().join(format!("build-facts-config-{}", std::process::id()));
        fs::create_dir_all(folder.join(".git/objects")).expect("a folder");
        fs::create_dir_all(folder.join(".git/refs")).expect("a folder");
        fs::write(folder.join(".git/HEAD"), "ref: refs/heads/main\n").expect("a file");
        for (config, url) in CASES {
            fs::write(folder.join(".git/config"), config).expect("a file");
            let mut git = Command::new("git");
            git.current_dir(&folder)
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_CONFIG_GLOBAL", "/dev/null");
            let output = git
                .args(["config", "--get-all", "remote.origin.url"])
                .output();
            let output = output.expect("git, which this test needs");
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            assert_eq!(text.lines().next(), *url, "{config}");
        }
        fs::remove_dir_all(&folder).expect("the folder");
    }

    #[test]
    fn a_file_that_git_refuses_has_no_url() {
        for broken in [
            "[remote",
            "[remote \"origin\"",
            "[remote \"origin]\n",
            "= x",
            "[a]\n1x = y",
            "[a]\nx y",
            "[a]\nx = \"y",
            "[a]\nx = \\q",
        ] {
            let config = format!("[remote \"origin\"]\nurl = https://a.b/c\n{broken}");
            assert_eq!(origin(&config), None, "{config}");
        }
    }
}
