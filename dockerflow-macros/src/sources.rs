//! What the facts are read from: the environment and files, each remembered, so that a change of it is noticed.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

type Lookup = Box<dyn Fn(&str) -> Option<String>>;

/// The environment and the files of a build. Whatever is asked for is remembered.
pub(crate) struct Sources {
    lookup: Lookup,
    variables: BTreeSet<String>,
    files: BTreeSet<String>,
}

impl Sources {
    /// Those of the build that runs this macro.
    pub(crate) fn of_this_build() -> Self {
        Self::new(|name| env::var(name).ok())
    }

    pub(crate) fn new(lookup: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self {
            lookup: Box::new(lookup),
            variables: BTreeSet::new(),
            files: BTreeSet::new(),
        }
    }

    /// A variable without the space around it. An empty one counts as unset: `ARG X` and `ENV X=$X` make such.
    pub(crate) fn variable(&mut self, name: &str) -> Option<String> {
        self.variables.insert(name.to_owned());
        let value = (self.lookup)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A variable that Cargo sets for each package: Cargo knows by itself when it changes.
    pub(crate) fn of_cargo(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// A file's text, without the space around it. What is no UTF-8 in it, such as the name of a branch, does not spoil the rest.
    pub(crate) fn text(&mut self, path: &Path) -> Option<String> {
        let text = self.file(path)?;
        Some(String::from_utf8_lossy(&text).trim().to_owned())
    }

    /// A file's bytes. One that does not exist is not remembered: Cargo would take it for changed in every build.
    pub(crate) fn file(&mut self, path: &Path) -> Option<Vec<u8>> {
        let bytes = fs::read(path).ok()?;
        self.watch(path)?;
        Some(bytes)
    }

    /// Remembers a file without reading it. `None` where it is none, or Rust source cannot name it.
    pub(crate) fn watch(&mut self, path: &Path) -> Option<()> {
        let absolute: PathBuf = std::path::absolute(path).ok()?;
        if !absolute.is_file() {
            return None;
        }
        self.files.insert(absolute.to_str()?.to_owned());
        Some(())
    }

    /// The variables that were asked for.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &String> {
        self.variables.iter()
    }

    /// The files that were read, as absolute paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = &String> {
        self.files.iter()
    }
}
