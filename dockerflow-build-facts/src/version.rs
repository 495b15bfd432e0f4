//! Whether a text is a version, or a placeholder for one that is unknown.

/// Texts that people and tools write for an unknown version, in lower case.
const PLACEHOLDERS: &[&str] = &[
    "",
    "-",
    "--",
    "?",
    "...",
    "changeme",
    "dummy",
    "empty",
    "example",
    "false",
    "fixme",
    "missing",
    "n/a",
    "na",
    "nil",
    "no",
    "none",
    "not available",
    "not set",
    "null",
    "placeholder",
    "replaceme",
    "tba",
    "tbc",
    "tbd",
    "todo",
    "true",
    "undef",
    "undefined",
    "unknown",
    "unset",
    "version",
    "xxx",
];

/// Returns the text, trimmed, if it is a version: not a placeholder such as `none`, not a variable that was not filled in
/// (`$TAG`, `{{version}}`), and not in quotes, which a line of an environment file or a configuration left around it.
#[must_use]
pub fn valid(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = text.trim_matches(|one: char| one.is_whitespace() || "\"'`<>()[]{}".contains(one));
    let is_placeholder = PLACEHOLDERS.contains(&bare.to_lowercase().as_str());
    let is_template =
        text.contains(['$', '{', '}']) || text.starts_with(['<', '%']) || text.starts_with("__");
    let is_quoted = ["\"", "'", "`"]
        .iter()
        .any(|quote| text.starts_with(quote) && text.ends_with(quote));
    let is_version =
        !is_placeholder && !is_template && !is_quoted && !text.contains(char::is_control);
    is_version.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_kept() {
        for text in [
            "1.2.3",
            "v1.2.3-rc.1+build",
            "release/v1",
            "2026-11-25",
            "main",
            "told \"in\" quotes",
            "dev",
            "latest",
        ] {
            assert_eq!(valid(&format!(" {text}\n")).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_placeholder_is_not_a_version() {
        for text in [
            "",
            "\"\"",
            "''",
            "\"",
            "none",
            "None",
            "\"none\"",
            "NULL",
            "undefined",
            "tbd",
            "TBD",
            "unknown",
            "<unknown>",
            "n/a",
            "$TAG",
            "${TAG}",
            "v1-$SHA",
            "$(git describe)",
            "{{ version }}",
            "<version>",
            "%VERSION%",
            "__VERSION__",
            "-",
            "[]",
            "{}",
            "a\nb",
            "\"v1.2.3\"",
            "'v1.2.3'",
            "`v1.2.3`",
        ] {
            assert_eq!(valid(text), None, "{text}");
        }
    }
}
