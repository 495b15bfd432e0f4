//! What is running: the version object, of the program or from a file.

use std::{fmt, fs, io, path::Path, sync::OnceLock};

use actix_web::web::Bytes;
use dockerflow_build_facts::{url, version};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::Value;

use crate::error::Error;

/// The target of its records.
const TARGET: &str = "dockerflow.version";

/// The path of the specification for the version object of a container.
const FILE: &str = "/app/version.json";

/// The version object of the [specification]: what was built, from which source. All four keys are always there; a fact that is
/// unknown is empty, never a placeholder.
///
/// `dockerflow::version!()` makes it at compile time. `Display` writes it as the JSON that `/__version__` answers: one line, with
/// the keys in the order of the fields.
///
/// ```
/// const VERSION: dockerflow::Version = dockerflow::version!();
///
/// /// Names this program to the services that it calls.
/// fn user_agent() -> String {
///     let commit = VERSION.commit.get(..7).unwrap_or("unknown");
///     format!("shop/{} ({commit})", VERSION.version)
/// }
/// # assert!(user_agent().starts_with("shop/"));
/// ```
///
/// [specification]: https://github.com/mozilla-services/Dockerflow/blob/main/docs/version_object.md
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version {
    /// The URL of the repository, without user, password and query.
    pub source: &'static str,
    /// The tag that was built, or else the version in the package's manifest.
    pub version: &'static str,
    /// The commit's whole hash: 40 hexadecimal digits, or 64 in a repository that uses SHA-256.
    pub commit: &'static str,
    /// The URL of the build in the CI system.
    pub build: &'static str,
}

/// An object with the four keys, in the order of the fields.
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

    /// Returns the value of this key, or "".
    fn fact(&self, key: &str) -> &'static str {
        match key {
            "source" => self.source,
            "version" => self.version,
            "commit" => self.commit,
            "build" => self.build,
            _ => "",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// The version that `#[service]` embeds.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// The facts of the service's own crate. `None` with `version = main`, which takes the program's.
    facts: Option<Version>,
    /// `version = "path"`.
    file: Option<EmbeddedFile>,
}

impl Embedded {
    /// `version = main`.
    pub const PROGRAM: Self = Self {
        facts: None,
        file: None,
    };

    /// Returns the facts of the service's own crate.
    #[must_use]
    pub const fn facts(facts: Version) -> Self {
        Self {
            facts: Some(facts),
            file: None,
        }
    }

    /// Returns a file, and the facts that count if it has no commit.
    #[must_use]
    pub const fn file(file: EmbeddedFile, facts: Version) -> Self {
        Self {
            facts: Some(facts),
            file: Some(file),
        }
    }
}

/// A version file that existed at compile time.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedFile {
    /// As the attribute has it.
    pub path: &'static str,
    /// The file's text.
    pub text: &'static str,
}

// The files of all services of the program, for its `version` command.
inventory::collect!(EmbeddedFile);

/// The version of the program that runs.
static PROGRAM: OnceLock<Version> = OnceLock::new();

/// Sets the version of the program, which comes before that of the crate with the service.
pub(crate) fn set_program(version: Version) {
    let _ = PROGRAM.set(version); // a process runs one program
}

/// Returns the JSON that the `version` command prints: that of `/__version__`.
///
/// # Errors
///
/// As [`load`].
pub(crate) fn of_program(version: Version, file: Option<&Path>) -> Result<Bytes, Error> {
    let mut files: Vec<_> = inventory::iter::<EmbeddedFile>().collect();
    files.dedup();
    let embedded = Embedded {
        facts: Some(version),
        // If two services have a file each, neither is the program's.
        file: files
            .first()
            .filter(|_| files.len() == 1)
            .map(|file| **file),
    };
    // `service version > /app/version.json` has just emptied the file.
    let is_empty = fs::metadata(FILE).is_ok_and(|file| file.is_file() && file.len() == 0);
    if file.is_none() && is_empty {
        return choose(&embedded, None);
    }
    load(&embedded, file)
}

/// Returns the JSON that `/__version__` answers: of the file that `DOCKERFLOW_VERSION_FILE` names, or else of `/app/version.json`,
/// or else of the file of `version = "path"`, or else the facts of the program.
///
/// A file counts only if it has a commit, or if nothing has one. It is served byte for byte, so that keys which are not known
/// here stay, unless a fact in it is a placeholder or could be a credential.
///
/// # Errors
///
/// [`Error::VersionFile`] if a file cannot be read or is not a JSON object, or if `file` does not exist.
pub(crate) fn load(embedded: &Embedded, file: Option<&Path>) -> Result<Bytes, Error> {
    match file {
        Some(path) => read(embedded, path, true),
        None => read(embedded, Path::new(FILE), false),
    }
}

fn read(embedded: &Embedded, path: &Path, must_exist: bool) -> Result<Bytes, Error> {
    let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    match fs::read(path) {
        Ok(bytes) => choose(
            embedded,
            Some(File::new(path.display().to_string(), bytes)?),
        ),
        Err(error) if absent.contains(&error.kind()) && !must_exist => choose(embedded, None),
        Err(error) => Err(Error::VersionFile {
            path: path.display().to_string(),
            reason: format!("cannot be read: {error}"),
        }),
    }
}

/// Chooses between a file, the embedded file and the facts of the program.
fn choose(embedded: &Embedded, file: Option<File>) -> Result<Bytes, Error> {
    let built = PROGRAM.get().copied().or(embedded.facts);
    let built = built.unwrap_or(Version::new("", "", "", ""));
    let embedded_file = match embedded.file {
        Some(EmbeddedFile { path, text }) => Some(File::new(path.to_owned(), text.into())?),
        None => None,
    };
    let has_commit =
        |file: &Option<File>| file.as_ref().is_some_and(|file| file.commit().is_some());
    let is_known = !built.commit.is_empty() || has_commit(&file) || has_commit(&embedded_file);
    let mut files: Vec<File> = [file, embedded_file].into_iter().flatten().collect();
    if is_known {
        files.retain(|file| {
            let counts = file.commit().is_some();
            if !counts {
                log::warn!(
                    target: TARGET,
                    "{} has no commit and is not served as the version",
                    file.path
                );
            }
            counts
        });
    }
    let Some(file) = files.into_iter().next() else {
        warn_if_unknown(built.commit);
        return Ok(built.to_string().into());
    };
    if let Some(commit) = file
        .commit()
        .filter(|commit| !built.commit.starts_with(commit))
        && !built.commit.is_empty()
    {
        log::warn!(
            target: TARGET,
            "{} names commit {commit:?}, this program was built from {:?}",
            file.path,
            built.commit
        );
    }
    warn_if_unknown(&file.commit().unwrap_or_default());
    Ok(file.cleaned(&built))
}

fn warn_if_unknown(commit: &str) {
    if commit.is_empty() {
        log::warn!(
            target: TARGET,
            "/__version__ has no commit: set DOCKERFLOW_COMMIT when the program is built, or put version.json into the build context"
        );
    }
}

/// A version file.
struct File {
    path: String,
    bytes: Bytes,
    object: serde_json::Map<String, Value>,
}

impl File {
    /// Reads the JSON object in `bytes`.
    fn new(path: String, bytes: Vec<u8>) -> Result<Self, Error> {
        let reason = match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => {
                return Ok(Self {
                    path,
                    bytes: bytes.into(),
                    object,
                });
            }
            Ok(_) => "is not a JSON object".to_owned(),
            Err(_) if bytes.trim_ascii().is_empty() => {
                "is empty, expected a JSON object".to_owned()
            }
            Err(_) if bytes.starts_with(b"\xEF\xBB\xBF") => {
                "begins with a byte order mark, which JSON must not have".to_owned()
            }
            Err(error) => format!("is not a JSON object: {error}"),
        };
        Err(Error::VersionFile { path, reason })
    }

    /// Returns the commit, in lower case. It may be short.
    fn commit(&self) -> Option<String> {
        let commit = fact("commit", self.object.get("commit")?.as_str()?)?;
        Some(commit.to_ascii_lowercase())
    }

    /// Returns the file as it is if its facts are facts. One that is not is replaced by that of the program, if that is of the
    /// same commit, or else by "".
    fn cleaned(mut self, built: &Version) -> Bytes {
        let commit = self.commit().unwrap_or_default();
        let is_same = built.commit.starts_with(&commit);
        let mut is_changed = false;
        for key in ["source", "version", "commit", "build"] {
            let Some(value) = self.object.get_mut(key) else {
                continue;
            };
            let text = value.as_str();
            let clean = text.and_then(|text| fact(key, text));
            if text.is_some_and(|text| text.is_empty() || clean.as_deref() == Some(text)) {
                continue;
            }
            is_changed = true;
            let replacement = if is_same { built.fact(key) } else { "" };
            *value = clean.unwrap_or_else(|| replacement.to_owned()).into();
        }
        if !is_changed {
            return self.bytes;
        }
        log::warn!(
            target: TARGET,
            "{} has placeholders or credentials in it, which are not served",
            self.path
        );
        Value::Object(self.object).to_string().into()
    }
}

/// Returns `text` as the value of this key: "" for a placeholder, and without credentials.
fn fact(key: &str, text: &str) -> Option<String> {
    let text = version::valid(text)?;
    match key {
        "commit" => {
            let is_hash =
                (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            (is_hash && text.bytes().any(|byte| byte != b'0')).then_some(text)
        }
        // A clean address stays as it is, even if it could be shorter.
        "source" | "build" => {
            let clean = if key == "source" {
                url::of_repository(&text)
            } else {
                url::of_build(&text)
            };
            let is_web = ["https://", "http://"]
                .iter()
                .any(|scheme| text.starts_with(scheme));
            let is_kept = is_web && clean.is_some() && !text.contains(['@', '?', '#']);
            // The number of a build is not an address, and not a secret.
            let is_number = key == "build"
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
            if is_kept || is_number {
                Some(text)
            } else {
                clean
            }
        }
        _ => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use std::{env, process};

    use super::*;

    const COMMIT: &str = "5f1e2d3c4b5a69788796a5b4c3d2e1f001234567";
    const OTHER: &str = "00112233445566778899aabbccddeeff00112233";
    const FACTS: Version = Version::new("https://example.org/team/app", "1.2.3", COMMIT, "");
    const EMBEDDED: Embedded = Embedded {
        facts: Some(FACTS),
        file: None,
    };
    const UNKNOWN: Embedded = Embedded {
        facts: Some(Version::new(
            "https://example.org/team/app",
            "1.2.3",
            "",
            "",
        )),
        file: None,
    };
    const FACTS_TEXT: &str = r#"{"source":"https://example.org/team/app","version":"1.2.3","commit":"5f1e2d3c4b5a69788796a5b4c3d2e1f001234567","build":""}"#;

    /// Returns what is served if a file has `text`.
    fn served_with(embedded: &Embedded, name: &str, text: &[u8]) -> Result<String, String> {
        let path = env::temp_dir().join(format!("version-{}-{name}.json", process::id()));
        fs::write(&path, text).expect("a file");
        let served = load(embedded, Some(&path));
        fs::remove_file(&path).expect("the file again");
        let served = served.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        served.map_err(|error| {
            error
                .to_string()
                .replace(&path.display().to_string(), "FILE")
        })
    }

    fn served(name: &str, text: &[u8]) -> Result<String, String> {
        served_with(&EMBEDDED, name, text)
    }

    #[test]
    fn a_file_is_served_byte_for_byte_with_keys_that_are_not_known_here() {
        for text in [
            format!(
                " {{\n\t\"commit\":\"\u{e9}\", \"commit\": \"{OTHER}\", \"built by\": [1.0, null], \"a\": {{}} }}\r\n\n"
            ),
            format!(
                r#"{{"source": "https://github.com/team/app.git", "version": "", "commit": "{COMMIT}", "build": "42"}}"#
            ),
            format!(r#"{{"commit": "{}"}}"#, &COMMIT[..7]),
        ] {
            assert_eq!(served("bytes", text.as_bytes()).expect("an object"), text);
        }
    }

    #[test]
    fn a_stub_does_not_hide_the_embedded_facts() {
        for commit in [
            r#""none""#,
            r#""""#,
            r#""undefined""#,
            r#""tbd""#,
            "null",
            r#""\"\"""#,
            r#"{"sha":"x"}"#,
            r#""HEAD""#,
            "7",
            r#""0000000000000000000000000000000000000000""#,
            r#""$COMMIT""#,
        ] {
            let text = format!(
                r#"{{"source":"https://example.org/stub","version":"9","commit":{commit},"build":""}}"#
            );
            assert_eq!(
                served("stub", text.as_bytes()).expect("an object"),
                FACTS_TEXT,
                "{commit}"
            );
        }
        assert_eq!(
            served("without", br#"{"of":"a file"}"#).expect("an object"),
            FACTS_TEXT
        );
    }

    #[test]
    fn a_placeholder_is_never_served() {
        let text = format!(
            r#"{{"source":null,"version":"tbd","commit":"{OTHER}","build":{{"a":"b"}},"x":"none"}}"#
        );
        let expected =
            format!(r#"{{"build":"","commit":"{OTHER}","source":"","version":"","x":"none"}}"#);
        let other = served("other", text.as_bytes()).expect("an object");
        assert_eq!(sorted(&other), sorted(&expected));
        let text = text.replace(OTHER, COMMIT);
        let expected = format!(
            r#"{{"build":"","commit":"{COMMIT}","source":"https://example.org/team/app","version":"1.2.3","x":"none"}}"#
        );
        let same = served("same", text.as_bytes()).expect("an object");
        assert_eq!(
            sorted(&same),
            sorted(&expected),
            "of the same commit, the embedded facts are known"
        );
        let stub = r#"{"source":"undefined","version":"v2","commit":"none","build":""}"#;
        let expected =
            r#"{"build":"","commit":"","source":"https://example.org/team/app","version":"v2"}"#;
        let unknown = served_with(&UNKNOWN, "unknown", stub.as_bytes()).expect("an object");
        assert_eq!(
            sorted(&unknown),
            sorted(expected),
            "where nothing has a commit"
        );
    }

    #[test]
    fn an_address_that_could_hold_a_credential_or_a_script_is_never_served() {
        for (source, clean) in [
            ("https://user:SECRET@example.org/a", "https://example.org/a"),
            ("https://tok/SECRET@example.org/a", ""),
            (
                "https://example.org/a?token=SECRET",
                "https://example.org/a",
            ),
            ("git@github.com:team/app.git", "https://github.com/team/app"),
            ("javascript:alert(1)", ""),
            ("/srv/git/app", ""),
        ] {
            let text = format!(r#"{{"commit":"{OTHER}","source":"{source}"}}"#);
            let expected = format!(r#"{{"commit":"{OTHER}","source":"{clean}"}}"#);
            assert_eq!(
                sorted(&served("source", text.as_bytes()).expect("an object")),
                sorted(&expected),
                "{source}"
            );
        }
    }

    /// Returns an object with its keys in one order.
    fn sorted(text: &str) -> String {
        let object: std::collections::BTreeMap<String, Value> =
            serde_json::from_str(text).expect("an object");
        serde_json::to_string(&object).expect("JSON")
    }

    #[test]
    fn a_file_that_is_not_an_object_is_an_error_that_names_it_and_says_why() {
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
        const TEXT: &str =
            r#"{ "of": "a file", "commit": "00112233445566778899aabbccddeeff00112233" }"#;
        let with_file = |text| Embedded {
            facts: Some(FACTS),
            file: Some(EmbeddedFile {
                path: "version.json",
                text,
            }),
        };
        for absent in ["/no such folder/version.json", "/dev/null/version.json"] {
            let absent = Path::new(absent);
            assert_eq!(
                read(&EMBEDDED, absent, false).expect("the embedded object"),
                FACTS_TEXT
            );
            assert_eq!(
                read(&with_file(TEXT), absent, false).expect("the file"),
                TEXT
            );
            let stub = with_file(r#"{"commit": "none"}"#);
            assert_eq!(read(&stub, absent, false).expect("the facts"), FACTS_TEXT);
            let error = read(&with_file("[]"), absent, false)
                .expect_err("an array")
                .to_string();
            assert_eq!(error, "the version file version.json is not a JSON object");
        }
    }

    #[test]
    fn the_version_command_prints_what_is_served() {
        let path = env::temp_dir().join(format!("version-{}-command.json", process::id()));
        let text = format!(r#"{{"commit":"{OTHER}"}}"#);
        fs::write(&path, &text).expect("a file");
        let printed = of_program(FACTS, Some(&path));
        fs::remove_file(&path).expect("the file again");
        assert_eq!(printed.expect("an object"), text);
        assert_eq!(of_program(FACTS, None).expect("the facts"), FACTS_TEXT);
        assert!(of_program(FACTS, Some(&path)).is_err());
    }

    #[test]
    fn a_file_that_was_asked_for_must_exist_and_be_readable() {
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
}
