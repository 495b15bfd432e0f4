//! Settings as files and variables have them: each module asks one question.

mod attributes;
mod environment;
mod faults;
mod files;
mod formats;
mod kept_by_serde;
mod maps;
mod names;
mod not_coerced;
mod secrets;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Strict {
    name: String,
    port: u16,
    debug: bool,
    ratio: f64,
    origins: Vec<String>,
    limits: Vec<u32>,
    mode: Mode,
    note: Option<String>,
    database: Database,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Database {
    url: String,
    password: String,
    pool: Pool,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
struct Pool {
    size: u8,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Fast,
    Safe,
}

impl Default for Strict {
    fn default() -> Self {
        Self {
            name: "app".into(),
            port: 1,
            debug: false,
            ratio: 0.5,
            origins: Vec::new(),
            limits: Vec::new(),
            mode: Mode::Fast,
            note: None,
            database: Database::default(),
        }
    }
}

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(directory.path().join(name), text).expect("a file");
    }
    directory
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn load<T: DeserializeOwned>(path: Option<&Path>, pairs: &[(&str, &str)]) -> Result<T, String> {
    let mut environment = Environment::new(|name| {
        path.filter(|_| name == "CONFIG_PATH")
            .map(|path| path.as_os_str().to_owned())
    });
    let files = Files::read(&mut environment);
    let files = environment
        .finish(files)
        .map_err(|error| error.to_string())?;
    files
        .settings_with(variables(pairs))
        .map_err(|error| error.to_string())
}

/// Returns the error for this file and these variables, one line for each fault, with the file's path replaced by FILE.
fn faults<T: DeserializeOwned>(name: &str, text: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let directory = directory(&[(name, text)]);
    let file = directory.path().join(name).display().to_string();
    match load::<T>(Some(directory.path()), pairs) {
        Ok(_) => Vec::new(),
        Err(fault) => fault
            .lines()
            .map(|line| line.replace(&file, "FILE"))
            .collect(),
    }
}

fn good<T: DeserializeOwned>(name: &str, text: &str, pairs: &[(&str, &str)]) -> T {
    let directory = directory(&[(name, text)]);
    load(Some(directory.path()), pairs).unwrap_or_else(|fault| panic!("{text} {pairs:?}: {fault}"))
}

/// A file's text, variables, and the errors that are expected of the two.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

/// Asserts that each case has the errors that were expected. It checks every case before it fails.
fn assert_each<T: DeserializeOwned>(name: &str, cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for (text, pairs, expected) in cases {
        let mut lines = faults::<T>(name, text, pairs);
        let mut expected = expected.to_vec();
        lines.sort();
        expected.sort_unstable();
        if lines != expected {
            wrong.push(format!(
                "{text:?} {pairs:?}\n    said:     {lines:#?}\n    expected: {expected:#?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
