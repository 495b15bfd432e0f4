//! Settings: whatever files and variables hold, reading them ends, and no error repeats a secret.
#![no_main]
#![allow(dead_code, reason = "the fields are read by serde alone")]

use std::{collections::BTreeMap, ffi::OsString, fs, os::unix::ffi::OsStringExt as _};

use dockerflow_runtime::fuzzing::{options, settings};
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    name: String,
    port: u16,
    debug: bool,
    ratio: f64,
    letter: char,
    origins: Vec<String>,
    limits: Vec<i8>,
    pair: (u8, String),
    mode: Mode,
    note: Option<String>,
    deadline: Option<u64>,
    database: Database,
    sites: BTreeMap<String, Database>,
    backend: Backend,
    guess: Guess,
    /// No number: each of these is an error that must not say what it is.
    api_token: Option<u32>,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Database {
    url: String,
    password: Option<u64>,
    #[serde(alias = "pool-size")]
    pool_size: u8,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Fast,
    Safe,
    Custom(u8),
    Both {
        one: u8,
        other: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind")]
enum Backend {
    Memory,
    Disk { path: String },
}

impl Default for Backend {
    fn default() -> Self {
        Self::Memory
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Guess {
    Number(i64),
    Text(String),
    List(Vec<bool>),
}

impl Default for Guess {
    fn default() -> Self {
        Self::Number(0)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Extra {
    verbose: bool,
    level: u8,
}

/// Names that mean something to the app or to us.
const NAMES: [&str; 40] = [
    "NAME",
    "PORT",
    "DEBUG",
    "RATIO",
    "LETTER",
    "ORIGINS",
    "LIMITS",
    "PAIR",
    "MODE",
    "MODE__BOTH__ONE",
    "NOTE",
    "DEADLINE",
    "DATABASE",
    "DATABASE__URL",
    "DATABASE__POOL_SIZE",
    "SITES",
    "SITES__A__URL",
    "BACKEND",
    "BACKEND__KIND",
    "BACKEND__PATH",
    "GUESS",
    "VERBOSE",
    "LEVEL",
    "HOST",
    "WORKERS",
    "DOCKERFLOW_OPS_PORT",
    "DOCKERFLOW_DRAIN_DELAY",
    "DOCKERFLOW_TRUSTED_PROXIES",
    "DOCKERFLOW_REQUEST_ID_HEADER_NAME",
    "LOG_LEVEL",
    "RUST_LOG",
    "LOG_FORMAT",
    "LOG_REPEAT_LIMIT",
    "STATSD_HOST",
    "STATSD_PORT",
    "STATSD_TAGS",
    "STATSD_NAMES",
    "DOCKERFLOW_METRICS_BUCKETS",
    "DOCKERFLOW_HEARTBEAT_TIMEOUT",
    "DOCKERFLOW_SILENCED_CHECKS",
];

const SECRET: &str = "correct-horse-battery-staple";

#[derive(Arbitrary, Debug)]
struct Given {
    format: u8,
    text: String,
    variables: Vec<(u8, Vec<u8>)>,
    others: Vec<(Vec<u8>, Vec<u8>)>,
}

fuzz_target!(|given: Given| {
    let folder = tempfile::tempdir().expect("a folder");
    let ending = ["toml", "yaml", "json"][usize::from(given.format) % 3];
    let file = folder.path().join(format!("settings.{ending}"));
    fs::write(&file, &given.text).expect("a file");
    let named = given.variables.into_iter().map(|(which, value)| {
        let name = NAMES[usize::from(which) % NAMES.len()];
        (name.into(), OsString::from_vec(value))
    });
    let others = given.others.into_iter();
    let others = others.map(|(name, value)| (OsString::from_vec(name), OsString::from_vec(value)));
    let mut variables: Vec<(OsString, OsString)> = vec![
        ("CONFIG_PATH".into(), file.into()),
        ("API_TOKEN".into(), SECRET.into()),
        ("DATABASE__PASSWORD".into(), SECRET.into()),
    ];
    variables.extend(named.chain(others));
    let errors = [
        settings::<Settings>(&variables).err(),
        options(&variables).err(),
    ];
    for error in errors.iter().flatten() {
        let text = format!("{error} {error:?}");
        assert!(!text.contains(SECRET), "{text}");
    }
});
