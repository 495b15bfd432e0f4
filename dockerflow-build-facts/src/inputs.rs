//! The environment and the files that facts are read from, with a record of each that was read.

use std::{
    collections::BTreeSet,
    env, fmt, fs,
    path::{Path, PathBuf},
};

type Lookup = Box<dyn Fn(&str) -> Option<String>>;

/// The environment and the files of a build.
///
/// It records everything that is read, so that the caller can have Cargo rebuild when a variable or a file changes.
pub struct Inputs {
    lookup: Lookup,
    variables: BTreeSet<String>,
    files: BTreeSet<String>,
    is_recording_files: bool,
}

impl Inputs {
    /// Returns the inputs of the process that calls this: the compiler that runs a macro, or a build script.
    #[must_use]
    pub fn of_this_build() -> Self {
        Self::new(|name| env::var(name).ok())
    }

    /// Returns inputs whose environment variables are what `lookup` returns for their names.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self {
            lookup: Box::new(lookup),
            variables: BTreeSet::new(),
            files: BTreeSet::new(),
            is_recording_files: true,
        }
    }

    /// Returns the value of a variable, trimmed. An empty variable counts as unset: `ARG X` and `ENV X=$X` in a Dockerfile set
    /// such variables.
    pub fn variable(&mut self, name: &str) -> Option<String> {
        self.variables.insert(name.to_owned());
        let value = (self.lookup)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Returns the value of a variable that Cargo sets for each package. It is not recorded, because Cargo rebuilds by itself
    /// when it changes.
    #[must_use]
    pub fn of_cargo(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// Returns the text of a file, trimmed. Bytes that are not UTF-8, such as in the name of a branch, are replaced.
    pub fn text(&mut self, path: &Path) -> Option<String> {
        let text = self.file(path)?;
        Some(String::from_utf8_lossy(&text).trim().to_owned())
    }

    /// Returns the bytes of a file. A file that does not exist is not recorded: Cargo would rebuild every time.
    pub fn file(&mut self, path: &Path) -> Option<Vec<u8>> {
        let bytes = read(path)?;
        let _ = self.watch(path); // it is read even if it cannot be recorded
        Some(bytes)
    }

    /// Records a file without reading it. Returns `None` if there is no such file, or if its path is not UTF-8 and Rust source
    /// cannot name it.
    pub fn watch(&mut self, path: &Path) -> Option<()> {
        let absolute: PathBuf = std::path::absolute(path).ok()?;
        if !absolute.is_file() {
            return None;
        }
        let name = absolute.to_str()?.to_owned();
        if self.is_recording_files {
            self.files.insert(name);
        }
        Some(())
    }

    /// Calls `read` without recording the files that it reads.
    pub(crate) fn without_recording_files<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.is_recording_files, false);
        let result = read(self);
        self.is_recording_files = before;
        result
    }

    /// Returns the names of the variables that were asked for.
    pub fn variables(&self) -> impl Iterator<Item = &String> {
        self.variables.iter()
    }

    /// Returns the absolute paths of the files that were read.
    pub fn files(&self) -> impl Iterator<Item = &String> {
        self.files.iter()
    }
}

impl fmt::Debug for Inputs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Inputs");
        debug.field("variables", &self.variables);
        debug.field("files", &self.files);
        debug.finish_non_exhaustive()
    }
}

/// How many bytes of a file are read at most: the packed refs of the largest repositories are some 100 MB.
const MOST: u64 = 1 << 30;

/// Returns the bytes of a regular file. Anything else, such as a named pipe, could keep the compiler waiting forever.
pub(crate) fn read(path: &Path) -> Option<Vec<u8>> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > MOST {
        return None;
    }
    fs::read(path).ok()
}
