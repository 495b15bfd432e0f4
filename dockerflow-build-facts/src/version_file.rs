//! `version.json` in the package or the workspace: CI writes it into a build context that has no `.git` and gets no arguments.

use std::path::Path;

use crate::{commit, inputs::Inputs, json, place, url, version};

/// The facts in a `version.json`. It has a commit: one without is a stub.
#[derive(Debug, PartialEq, Eq)]
pub struct VersionFile {
    /// The URL of the repository.
    pub source: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The commit.
    pub commit: String,
    /// The URL of the build.
    pub build: Option<String>,
}

impl VersionFile {
    /// Reads the file in the folder of the package, or else in that of its workspace. A stub does not hide a file that has a
    /// commit.
    pub(crate) fn find(package: &Path, inputs: &mut Inputs) -> Option<Self> {
        let workspace = place::workspace(package);
        let folders = [
            Some(package),
            Some(&*workspace).filter(|folder| *folder != package),
        ];
        folders
            .into_iter()
            .flatten()
            .find_map(|folder| Self::parse(&inputs.text(&folder.join("version.json"))?))
    }

    /// Returns the facts in the text of a version object, or `None` if it is not a JSON object with a whole commit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}');
        if !json::is_object(text) {
            return None;
        }
        let string = |key: &str| json::string(text, &[key]);
        Some(Self {
            commit: commit::valid(&string("commit")?)?,
            source: string("source").and_then(|text| url::of_repository(&text)),
            version: string("version").and_then(|text| version::valid(&text)),
            build: string("build").and_then(|text| url::of_build(&text)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "5f1e2d3c4b5a69788796a5b4c3d2e1f001234567";

    #[test]
    fn a_whole_object_gives_its_facts() {
        let text = format!(
            r#"{{"source": "git@github.com:team/app.git", "version": "v1.2.3", "commit": "{COMMIT}",
                 "build": "https:\/\/ci.example.org\/7?token=x", "extra": {{"commit": "none"}}}}"#
        );
        let file = VersionFile::parse(&text).expect("an object");
        assert_eq!(file.commit, COMMIT);
        assert_eq!(file.source.as_deref(), Some("https://github.com/team/app"));
        assert_eq!(file.version.as_deref(), Some("v1.2.3"));
        assert_eq!(file.build.as_deref(), Some("https://ci.example.org/7"));
    }

    #[test]
    fn a_stub_has_no_facts() {
        for commit in [
            r#""none""#,
            r#""""#,
            r#""undefined""#,
            r#""tbd""#,
            "null",
            r#""\"\"""#,
            r#"{"sha": "x"}"#,
            r#""abc1234""#,
            r#""HEAD""#,
            "7",
            "[]",
            r#""$COMMIT""#,
            r#""0000000000000000000000000000000000000000""#,
        ] {
            let text = format!(
                r#"{{"source": "https://example.org/a", "version": "1", "commit": {commit}, "build": ""}}"#
            );
            assert_eq!(VersionFile::parse(&text), None, "{commit}");
        }
        for text in [
            "",
            "[]",
            "null",
            "{",
            "{}",
            r#"{"commit"}"#,
            &format!(r#"{{"commit": "{COMMIT}""#),
            &format!(r#"{{"commit": "{COMMIT}"}} x"#),
        ] {
            assert_eq!(VersionFile::parse(text), None, "{text}");
        }
    }

    #[test]
    fn placeholders_beside_a_commit_are_unknown() {
        let text = format!(
            r#"{{"source": "javascript:alert(1)", "version": "tbd", "commit": "{COMMIT}", "build": {{"url": "https://a.b"}}}}"#
        );
        let file = VersionFile::parse(&text).expect("an object");
        assert_eq!((file.source, file.version, file.build), (None, None, None));
        assert_eq!(file.commit, COMMIT);
    }
}
