//! The files of the application's settings: where they are, and in which order they count.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    formats::{ENDINGS, Format},
    value::{Kind, Origin, Setting, Table, merge},
};
use crate::{environment::Environment, error::BadSetting};

/// Maximum size of a file, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The files at `CONFIG_PATH`, in order: a later one overrides an earlier one.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    layers: Vec<Arc<Setting>>,
    pub(super) warnings: Vec<String>,
    /// What names their path: a variable, or an option of the command line.
    pub(super) named_by: &'static str,
    /// What the names of the application's variables begin with.
    pub(super) prefix: String,
}

impl Default for Files {
    fn default() -> Self {
        Self::named_by("CONFIG_PATH")
    }
}

impl Files {
    /// Reads the files at `CONFIG_PATH`.
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        match environment.path("CONFIG_PATH") {
            Some(path) => Self::at(&path, "CONFIG_PATH", environment),
            None => Self::default(),
        }
    }

    /// Reads the files at `path`, which `name` gave: a variable, or an option of the command line.
    pub(crate) fn at(path: &Path, name: &'static str, environment: &mut Environment<'_>) -> Self {
        let mut files = Self::named_by(name);
        for bad in files.load(path, name) {
            environment.report(bad);
        }
        files
    }

    fn named_by(name: &'static str) -> Self {
        Self {
            layers: Vec::new(),
            warnings: Vec::new(),
            named_by: name,
            prefix: String::new(),
        }
    }

    /// Returns the same files, with `SHOP_DATABASE__URL` for `DATABASE__URL` if the prefix is `SHOP`.
    pub(crate) fn with_prefix(mut self, prefix: &str) -> Self {
        let prefix = prefix.trim_end_matches('_').to_uppercase();
        self.prefix = match prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}_"),
        };
        self
    }

    /// Returns all files as one table.
    pub(super) fn merged(&self) -> Setting {
        let empty = Setting::new(Kind::Table(Table::new()), &Origin::Nowhere);
        self.layers.iter().fold(empty, |below, layer| {
            merge(Arc::new(below), Setting::clone(layer))
        })
    }

    fn load(&mut self, path: &Path, name: &str) -> Vec<BadSetting> {
        // A path is not a secret, whatever it sounds like.
        let expected = |expected: String| {
            vec![BadSetting {
                name: name.into(),
                held: Some(path.display().to_string()),
                expected,
            }]
        };
        match fs::metadata(path) {
            Err(error) => expected(format!("a file or directory that can be read: {error}")),
            Ok(found) if found.is_dir() => match self.directory(path) {
                Err(error) => vec![unreadable(path, &error)],
                Ok(bad) if self.layers.is_empty() && bad.is_empty() => {
                    // Docker makes a directory where a file that is mounted is missing.
                    if Self::format(path).is_some() {
                        return expected(
                            "a file, not an empty directory: Docker's -v creates one if the file is missing on the host".into(),
                        );
                    }
                    self.warnings.push(format!(
                        "{name} is {:?}, a directory that has no file whose name ends in {ENDINGS}",
                        path.display().to_string()
                    ));
                    bad
                }
                Ok(bad) => bad,
            },
            Ok(_) if Self::format(path).is_none() => expected(format!(
                "a directory, or a file whose name ends in {ENDINGS}"
            )),
            Ok(_) => self.file(path).err().into_iter().collect(),
        }
    }

    /// Reads the files of a directory. Kubernetes mounts one whose files are links into `..data`, a link to a directory that it
    /// replaces as a whole.
    fn directory(&mut self, path: &Path) -> io::Result<Vec<BadSetting>> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(path)? {
            let path = entry?.path();
            let hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
            if path.file_name().is_some_and(hidden) || path.is_dir() {
                continue;
            }
            match Self::format(&path) {
                Some(_) => paths.push(path),
                None => self.warnings.push(format!(
                    "{} is ignored: its name does not end in {ENDINGS}",
                    path.display()
                )),
            }
        }
        paths.sort();
        Ok(paths
            .iter()
            .filter_map(|path| self.file(path).err())
            .collect())
    }

    fn file(&mut self, path: &Path) -> Result<(), BadSetting> {
        let text = text(path).map_err(|error| unreadable(path, &error))?;
        let Some(format) = Self::format(path) else {
            return Ok(());
        };
        let name: Arc<str> = path.display().to_string().into();
        let origin = Origin::File {
            name: name.clone(),
            rank: self.layers.len(),
        };
        let layer = format
            .parse(&text, &origin)
            .map_err(|fault| BadSetting::new(&*name, fault))?;
        if let Some(layer) = layer {
            self.unreplaced(&layer, &name);
            self.layers.push(Arc::new(layer));
        }
        Ok(())
    }

    /// Warns of `${NAME}` in a file: it is text here.
    fn unreplaced(&mut self, value: &Setting, file: &str) {
        match &value.kind {
            Kind::Table(table) => {
                for inner in table.values() {
                    self.unreplaced(inner, file);
                }
            }
            Kind::List(items) => {
                for inner in items {
                    self.unreplaced(inner, file);
                }
            }
            Kind::Text(text) => {
                let name = text
                    .split_once("${")
                    .and_then(|(_, rest)| rest.split_once('}'));
                let variable =
                    |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
                if let Some((name, _)) = name
                    && !name.is_empty()
                    && name.bytes().all(variable)
                {
                    self.warnings.push(format!(
                        "${{{name}}} in {file} is plain text: variables in files are not replaced"
                    ));
                }
            }
            _ => {}
        }
    }

    fn format(path: &Path) -> Option<Format> {
        path.extension()?.to_str().and_then(Format::of)
    }
}

/// Returns a file's text. A pipe would wait for a writer, a device may never end.
fn text(path: &Path) -> io::Result<String> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::other("it is a pipe, a socket or a device"));
    }
    let too_large = || io::Error::other(format!("it has more than {LARGEST} bytes"));
    if found.len() > LARGEST {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not text in UTF-8"))
}

fn unreadable(path: &Path, error: &io::Error) -> BadSetting {
    BadSetting::new(
        path.display().to_string(),
        format!("a file that can be read: {error}"),
    )
}
