//! How many workers the process can have: what actix-web and the limit of open files allow.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::BadSetting;

/// The most workers that actix-web starts in one server.
pub(super) const MOST_WORKERS: usize = 512;

/// The files that a worker has open without a single connection: `epoll`, an event, the two ends of a pair for signals.
const FILES_OF_A_WORKER: u64 = 4;

/// What the rest of the process has open, with some room for connections.
const FILES_OF_THE_PROCESS: u64 = 128;

/// Raises the limit of open files as far as the process may, and returns how many workers have room in it.
pub(super) fn raise_file_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let Some(files) = current else {
        return MOST_WORKERS;
    };
    let room = files.saturating_sub(FILES_OF_THE_PROCESS) / FILES_OF_A_WORKER;
    usize::try_from(room)
        .unwrap_or(usize::MAX)
        .clamp(1, MOST_WORKERS)
}

/// Returns how many workers each of `servers` has: what was asked for, or as many as there are processors and room.
pub(super) fn workers(
    asked: Option<usize>,
    processors: usize,
    room: usize,
    servers: usize,
) -> Result<usize, BadSetting> {
    let room = (room / servers).max(1);
    match asked {
        Some(asked) if asked > room => Err(BadSetting {
            name: "WORKERS".into(),
            held: Some(asked.to_string()),
            expected: format!(
                "at most {room}: the limit of open files (ulimit -n) has no room for more"
            ),
        }),
        Some(asked) => Ok(asked),
        None => Ok(processors.min(room)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_fits_and_a_number_that_does_not_is_an_error() {
        assert_eq!(workers(None, 8, 512, 1), Ok(8));
        assert_eq!(workers(None, 1000, 512, 1), Ok(512));
        assert_eq!(workers(None, 64, 100, 2), Ok(50));
        assert_eq!(workers(Some(100), 8, 100, 1), Ok(100));
        assert_eq!(workers(None, 8, 1, 2), Ok(1));
        let bad = workers(Some(256), 8, 224, 1).expect_err("no room");
        assert_eq!(
            bad.to_string(),
            "WORKERS is \"256\", expected at most 224: the limit of open files (ulimit -n) has no room for more"
        );
    }
}
