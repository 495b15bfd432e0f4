//! How long a test waits, and how it reports that it cannot run here.

use std::{
    env, thread,
    time::{Duration, Instant},
};

/// Longer than anything in a test may take, on a busy machine, too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Polls `condition` until it holds.
///
/// # Panics
///
/// If it does not hold within [`PATIENCE`], with `what`.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Reports that this machine cannot run a test.
///
/// # Panics
///
/// Under `CI`, where no test is skipped.
pub fn skip(reason: &str) {
    assert!(
        env::var_os("CI").is_none(),
        "in CI nothing is skipped: {reason}"
    );
    eprintln!("SKIPPED: {reason}");
}
