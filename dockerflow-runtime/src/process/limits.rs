//! How many workers the process can have: what actix-web and the limit of open files allow.

use rlimit::{INFINITY, Resource};

use crate::error::BadSetting;

/// The maximum number of workers in one server of actix-web.
pub(super) const MOST_WORKERS: usize = 512;

/// The files that a worker has open without a single connection: `epoll`, an event, the two ends of a pair for signals.
const FILES_OF_A_WORKER: u64 = 4;

/// Files that the rest of the process has open, with some room for connections.
const FILES_OF_THE_PROCESS: u64 = 128;

/// Files that a process has open that serves one address with one worker.
const LEAST_FILES: u64 = 32;

/// Files that each further server adds.
const LEAST_FILES_OF_A_SERVER: u64 = 12;

/// Raises the limit of open files as far as the process may, and returns it; `None` if there is none, or it cannot be read.
pub(super) fn raise_file_limit() -> Option<u64> {
    let raised = rlimit::increase_nofile_limit(INFINITY);
    let limit = raised.or_else(|_| Resource::NOFILE.get_soft());
    limit.ok().filter(|limit| *limit != INFINITY)
}

/// Returns how many workers each of `servers` has: what was asked for, or as many as there are processors and room in the limit of
/// open files.
pub(super) fn workers(
    asked: Option<usize>,
    processors: usize,
    files: Option<u64>,
    servers: usize,
) -> Result<usize, BadSetting> {
    let least = LEAST_FILES + LEAST_FILES_OF_A_SERVER * (servers as u64 - 1);
    if let Some(files) = files.filter(|files| *files < least) {
        return Err(BadSetting {
            name: "the limit on open files (ulimit -n)".into(),
            held: Some(files.to_string()),
            expected: format!("at least {least}"),
        });
    }
    let room = files.map_or(MOST_WORKERS, |files| {
        let room = files.saturating_sub(FILES_OF_THE_PROCESS) / FILES_OF_A_WORKER;
        usize::try_from(room).map_or(MOST_WORKERS, |room| room.min(MOST_WORKERS))
    });
    let room = (room / servers).max(1);
    match asked {
        Some(asked) if asked > room => Err(BadSetting {
            name: "WORKERS".into(),
            held: Some(asked.to_string()),
            expected: format!("at most {room}: the limit on open files (ulimit -n) allows no more"),
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
        assert_eq!(workers(None, 8, None, 1), Ok(8));
        assert_eq!(workers(None, 1000, Some(1 << 20), 1), Ok(512));
        assert_eq!(workers(None, 64, Some(528), 2), Ok(50));
        assert_eq!(workers(Some(100), 8, Some(528), 1), Ok(100));
        assert_eq!(workers(None, 8, Some(64), 2), Ok(1));
        let bad = workers(Some(256), 8, Some(1024), 1).expect_err("no room");
        assert_eq!(
            bad.to_string(),
            "WORKERS is \"256\", expected at most 224: the limit on open files (ulimit -n) allows no more"
        );
        let bad = workers(None, 8, Some(20), 2).expect_err("too few");
        assert_eq!(
            bad.to_string(),
            "the limit on open files (ulimit -n) is \"20\", expected at least 44"
        );
    }
}
