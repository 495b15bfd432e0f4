//! What is running: the version object, embedded or from a file.

use std::{fmt, fs, io, path::Path};

use actix_web::web::Bytes;
use serde::Serialize;

use crate::error::Error;

/// Where operations put the version object of a container: the specification's path.
const FILE: &str = "/app/version.json";

/// The version object of the [specification]: what was built, from what, where. What is unknown is empty.
///
/// `dockerflow::version!()` makes it at compile time. `Display` writes it as the JSON that `/__version__` answers.
///
/// [specification]: https://github.com/mozilla-services/Dockerflow/blob/main/docs/version_object.md
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Version {
    /// URL of the repository, without credentials.
    pub source: &'static str,
    /// The tag that was built, else the package's version.
    pub version: &'static str,
    /// The commit's hash, 40 or 64 hexadecimal digits.
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

impl Embedded {
    fn commit(&self) -> Option<String> {
        match self {
            Self::Facts(version) => Some(version.commit.to_owned()),
            Self::File { text, .. } => commit(text.as_bytes()),
        }
    }
}

/// What `/__version__` answers: `file` or, where that is `None`, the file at the specification's path if there is one, byte for
/// byte; else what is embedded. Read once.
pub(crate) fn load(embedded: &Embedded, file: Option<&Path>) -> Result<Bytes, Error> {
    let path = file.unwrap_or(Path::new(FILE));
    match fs::read(path) {
        Ok(bytes) => {
            must_be_object(&path.display().to_string(), &bytes)?;
            let (told, built) = (commit(&bytes), embedded.commit());
            if let (Some(told), Some(built)) = (told, built)
                && !built.is_empty()
                && told != built
            {
                log::warn!(
                    "{} names commit {told:?}, this program was built from {built:?}",
                    path.display()
                );
            }
            Ok(bytes.into())
        }
        Err(error)
            if file.is_none()
                && matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
        {
            match embedded {
                Embedded::Facts(version) => Ok(version.to_string().into()),
                Embedded::File { path, text } => {
                    must_be_object(path, text.as_bytes())?;
                    Ok(Bytes::from_static(text.as_bytes()))
                }
            }
        }
        Err(error) => Err(Error::VersionFile {
            path: path.display().to_string(),
            reason: format!("cannot be read: {error}"),
        }),
    }
}

fn must_be_object(path: &str, bytes: &[u8]) -> Result<(), Error> {
    let reason = match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(serde_json::Value::Object(_)) => return Ok(()),
        Ok(_) => "is not a JSON object".to_owned(),
        Err(_) if bytes.trim_ascii().is_empty() => "is empty, expected a JSON object".to_owned(),
        Err(error) => format!("is not a JSON object: {error}"),
    };
    Err(Error::VersionFile {
        path: path.to_owned(),
        reason,
    })
}

fn commit(json: &[u8]) -> Option<String> {
    let object: serde_json::Value = serde_json::from_slice(json).ok()?;
    Some(object.get("commit")?.as_str()?.to_owned())
}
