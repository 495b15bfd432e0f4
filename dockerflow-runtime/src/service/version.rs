//! What is running: the version object, embedded or from a file.

use std::{fmt, fs, io, path::Path};

use actix_web::web::Bytes;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::error::Error;

/// Where operations put the version object of a container: the specification's path.
const FILE: &str = "/app/version.json";

/// The version object of the [specification]: what was built, from what, where. The four keys are always there; what is unknown
/// is empty, never a placeholder.
///
/// `dockerflow::version!()` makes it at compile time. `Display` writes it as the JSON that `/__version__` answers: one line, the
/// keys in the order of the fields.
///
/// [specification]: https://github.com/mozilla-services/Dockerflow/blob/main/docs/version_object.md
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version {
    /// URL of the repository, without user, password and query.
    pub source: &'static str,
    /// The tag that was built, else the package's version, as its manifest has it.
    pub version: &'static str,
    /// The commit's whole hash: 40 hexadecimal digits, or 64 in a repository that uses SHA-256.
    pub commit: &'static str,
    /// URL of the build in the CI system.
    pub build: &'static str,
}

impl Version {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        source: &'static str,
        version: &'static str,
        commit: &'static str,
        build: &'static str,
    ) -> Self {
        Self {
            source,
            version,
            commit,
            build,
        }
    }
}

// By hand: without a derive, a service that has none of its own need not compile serde's macros.
impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Version", 4)?;
        object.serialize_field("source", self.source)?;
        object.serialize_field("version", self.version)?;
        object.serialize_field("commit", self.commit)?;
        object.serialize_field("build", self.build)?;
        object.end()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// What `#[service]` embeds.
#[derive(Clone, Copy, Debug)]
pub enum Embedded {
    /// The facts of the build.
    Facts(Version),
    /// `version = "path"`: that file, as it is.
    File {
        /// As the attribute has it.
        path: &'static str,
        /// The file's text.
        text: &'static str,
    },
}

/// What `/__version__` answers, read once: the bytes of `file` or, where that is `None`, of the file at the specification's path,
/// as they are, so that keys which are not known here stay; where there is no file at that path, what is embedded.
///
/// # Errors
///
/// [`Error::VersionFile`] where the file that is to be served cannot be read or is not a JSON object, and where `file` is not
/// there.
pub(crate) fn load(embedded: &Embedded, file: Option<&Path>) -> Result<Bytes, Error> {
    match file {
        Some(path) => read(embedded, path, true),
        None => read(embedded, Path::new(FILE), false),
    }
}

fn read(embedded: &Embedded, path: &Path, must_be_there: bool) -> Result<Bytes, Error> {
    let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    match fs::read(path) {
        Ok(bytes) => {
            let told = object(&path.display().to_string(), &bytes)?;
            if let Some((told, built)) = difference(&told, embedded) {
                log::warn!(
                    "{} names commit {told:?}, this program was built from {built:?}",
                    path.display()
                );
            }
            Ok(bytes.into())
        }
        Err(error) if absent.contains(&error.kind()) && !must_be_there => match embedded {
            Embedded::Facts(version) => Ok(version.to_string().into()),
            Embedded::File { path, text } => {
                object(path, text.as_bytes())?;
                Ok(Bytes::from_static(text.as_bytes()))
            }
        },
        Err(error) => Err(Error::VersionFile {
            path: path.display().to_string(),
            reason: format!("cannot be read: {error}"),
        }),
    }
}

type Object = serde_json::Map<String, serde_json::Value>;

/// The object in `bytes`, which `path` has.
fn object(path: &str, bytes: &[u8]) -> Result<Object, Error> {
    let reason = match serde_json::from_slice(bytes) {
        Ok(serde_json::Value::Object(object)) => return Ok(object),
        Ok(_) => "is not a JSON object".to_owned(),
        Err(_) if bytes.trim_ascii().is_empty() => "is empty, expected a JSON object".to_owned(),
        Err(_) if bytes.starts_with(b"\xEF\xBB\xBF") => {
            "begins with a byte order mark, which JSON must not have".to_owned()
        }
        Err(error) => format!("is not a JSON object: {error}"),
    };
    Err(Error::VersionFile {
        path: path.to_owned(),
        reason,
    })
}

/// The commit that the file tells and the one that the program was built from, where both are known and not the same: the file
/// is of another build. A short hash may stand for the whole.
fn difference(told: &Object, embedded: &Embedded) -> Option<(String, String)> {
    let commit = |object: &Object| {
        let commit = object.get("commit")?.as_str()?.to_ascii_lowercase();
        (!commit.is_empty()).then_some(commit)
    };
    let told = commit(told)?;
    let built = match embedded {
        Embedded::Facts(version) => {
            Some(version.commit.to_owned()).filter(|built| !built.is_empty())
        }
        Embedded::File { text, .. } => commit(&serde_json::from_str(text).ok()?),
    }?;
    (!built.starts_with(&told)).then_some((told, built))
}

#[cfg(test)]
mod tests {
    use std::{env, process};

    use super::*;

    const COMMIT: &str = "5f1e2d3c4b5a69788796a5b4c3d2e1f001234567";
    const EMBEDDED: Embedded = Embedded::Facts(Version::new(
        "https://example.org/team/app",
        "1.2.3",
        COMMIT,
        "",
    ));

    /// What is served where a file has `text`.
    fn served(name: &str, text: &[u8]) -> Result<Bytes, String> {
        let path = env::temp_dir().join(format!("version-{}-{name}.json", process::id()));
        fs::write(&path, text).expect("a file");
        let served = load(&EMBEDDED, Some(&path));
        fs::remove_file(&path).expect("the file again");
        served.map_err(|error| {
            error
                .to_string()
                .replace(&path.display().to_string(), "FILE")
        })
    }

    #[test]
    fn a_file_is_served_byte_for_byte_with_keys_that_are_not_known_here() {
        let text = " {\n\t\"commit\":\"\u{e9}\", \"commit\": 7, \"built by\": [1.0, null], \"a\": {} }\r\n\n";
        assert_eq!(
            served("bytes", text.as_bytes()).expect("an object"),
            text.as_bytes()
        );
    }

    #[test]
    fn a_file_that_is_no_object_is_an_error_that_names_it_and_says_why() {
        for (name, text, reason) in [
            ("empty", &b""[..], "is empty, expected a JSON object"),
            ("space", b" \n", "is empty, expected a JSON object"),
            ("array", b"[{}]", "is not a JSON object"),
            ("string", b"\"1.2.3\"", "is not a JSON object"),
            ("null", b"null", "is not a JSON object"),
            (
                "cut",
                b"{\"commit\": ",
                "is not a JSON object: EOF while parsing a value at line 1 column 11",
            ),
            (
                "two",
                b"{} {}",
                "is not a JSON object: trailing characters at line 1 column 4",
            ),
            (
                "text",
                b"commit=1",
                "is not a JSON object: expected value at line 1 column 1",
            ),
            (
                "mark",
                b"\xEF\xBB\xBF{}",
                "begins with a byte order mark, which JSON must not have",
            ),
        ] {
            let error = served(name, text).expect_err(name);
            assert_eq!(error, format!("the version file FILE {reason}"), "{name}");
        }
        assert!(served("latin", b"{\"a\": \"\xE9\"}").is_err());
    }

    #[test]
    fn without_a_file_at_the_specifications_path_the_embedded_object_is_served() {
        let absent = Path::new("/no such folder/version.json");
        let embedded = read(&EMBEDDED, absent, false).expect("the embedded object");
        let text = format!(
            r#"{{"source":"https://example.org/team/app","version":"1.2.3","commit":"{COMMIT}","build":""}}"#
        );
        assert_eq!(embedded, text);
        let not_a_folder = Path::new("/dev/null/version.json");
        assert_eq!(
            read(&EMBEDDED, not_a_folder, false).expect("the embedded object"),
            text
        );
        let file = Embedded::File {
            path: "version.json",
            text: "{ \"of\": \"a file\" }",
        };
        assert_eq!(
            read(&file, absent, false).expect("the file"),
            "{ \"of\": \"a file\" }"
        );
        let error = read(
            &Embedded::File {
                path: "version.json",
                text: "[]",
            },
            absent,
            false,
        );
        assert_eq!(
            error.expect_err("an array").to_string(),
            "the version file version.json is not a JSON object"
        );
    }

    #[test]
    fn a_file_that_was_asked_for_must_be_there_and_readable() {
        for (path, reason) in [
            (
                "/no such folder/version.json",
                "No such file or directory (os error 2)",
            ),
            ("/", "Is a directory (os error 21)"),
        ] {
            let error = load(&EMBEDDED, Some(Path::new(path)))
                .expect_err(path)
                .to_string();
            assert_eq!(
                error,
                format!("the version file {path} cannot be read: {reason}")
            );
        }
        let error = read(&EMBEDDED, Path::new("/"), false)
            .expect_err("a folder")
            .to_string();
        assert_eq!(
            error,
            "the version file / cannot be read: Is a directory (os error 21)"
        );
    }

    #[test]
    fn the_commit_of_a_file_differs_where_both_are_known_and_not_the_same() {
        let other = "0".repeat(40);
        let embedded_file = Embedded::File {
            path: "",
            text: r#"{"commit": "abc1234"}"#,
        };
        let unknown = Embedded::Facts(Version::new("", "1.2.3", "", ""));
        for (text, embedded, differs) in [
            (format!(r#"{{"commit": "{other}"}}"#), EMBEDDED, true),
            (format!(r#"{{"commit": "{COMMIT}"}}"#), EMBEDDED, false),
            (
                format!(r#"{{"commit": "{}"}}"#, COMMIT.to_uppercase()),
                EMBEDDED,
                false,
            ),
            (
                format!(r#"{{"commit": "{}"}}"#, &COMMIT[..7]),
                EMBEDDED,
                false,
            ),
            (format!(r#"{{"commit": "{other}"}}"#), unknown, false),
            (r#"{"commit": ""}"#.to_owned(), EMBEDDED, false),
            (r#"{"commit": 7}"#.to_owned(), EMBEDDED, false),
            ("{}".to_owned(), EMBEDDED, false),
            (r#"{"commit": "abc1235"}"#.to_owned(), embedded_file, true),
            (r#"{"commit": "abc1234"}"#.to_owned(), embedded_file, false),
        ] {
            let told = object("", text.as_bytes()).expect("an object");
            assert_eq!(difference(&told, &embedded).is_some(), differs, "{text}");
        }
    }
}
