//! Copies sources of the runtime, with shuttle's locks, atomics and threads in place of the standard library's.

use std::{env, fs, path::Path};

/// The imports of a file, and those that its copy has.
const QUEUE: [(&str, &str); 2] = [
    (
        "use std::{
    cmp, fmt, io, mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};",
        "use std::{
    cmp, fmt, io, mem,
    sync::{Arc, OnceLock, PoisonError, TryLockError},
    time::{Duration, Instant},
};
use shuttle::{
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread::{self, Thread},
};",
    ),
    // Two shards for three threads, so that they meet.
    (
        "let cores = thread::available_parallelism().map_or(1, usize::from);
        let shards = (2 * cores).next_power_of_two().clamp(16, 64);",
        "let shards = crate::SHARDS;",
    ),
];

/// Likewise of the function that locks.
const LOCK: (&str, &str) = (
    "use std::sync::{Mutex, MutexGuard, PoisonError};",
    "use shuttle::sync::{Mutex, MutexGuard};
use std::sync::PoisonError;",
);

/// Likewise of the runs of the checks.
const FLIGHT: (&str, &str) = (
    "use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};",
    "use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use shuttle::sync::Mutex;",
);

/// Its neighbours are not here.
const VISIBLE: (&str, &str) = ("pub(super)", "pub(crate)");

/// Each run gives its threads the same numbers.
const HOME: (&str, &str) = (
    "HOME.with(|home| *home)",
    "usize::from(shuttle::current::me())",
);

fn copy(file: &str, changes: &[(&str, &str)]) {
    let source = Path::new("../../dockerflow-runtime/src").join(file);
    println!("cargo::rerun-if-changed={}", source.display());
    let mut text = fs::read_to_string(&source).expect("the source");
    for (from, to) in changes {
        assert!(
            text.contains(from),
            "{file} has no longer {from:?}: adapt tests/models/build.rs"
        );
        text = text.replace(from, to);
    }
    // Neither its own tests nor what it keeps for each thread, if it has them.
    let (text, _) = text.split_once("\n#[cfg(test)]").unwrap_or((&text, ""));
    let (before, after) = match text.split_once("thread_local! {") {
        Some((before, rest)) => (before, rest.split_once("\n}\n").expect("it ends").1),
        None => (text, ""),
    };
    // A file that is included has no comment of its own.
    let before = before.replace("\n//!", "\n//").replacen("//!", "//", 1);
    let name = source.file_name().expect("it is a file");
    let out = Path::new(&env::var("OUT_DIR").expect("Cargo sets it")).join(name);
    fs::write(out, before + after).expect("a free disk");
}

fn main() {
    let [imports, shards] = QUEUE;
    copy("queue.rs", &[imports, shards, HOME]);
    copy("lock.rs", &[LOCK]);
    copy("health/flight.rs", &[FLIGHT, VISIBLE]);
}
