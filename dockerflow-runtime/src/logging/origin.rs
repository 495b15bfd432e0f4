//! Where a record comes from, and what its target is, of which mozlog's `Type` is made.

use slog::Record;

#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordOrigin<'a> {
    pub(crate) target: &'a str,
    pub(crate) file: Option<&'a str>,
    pub(crate) line: u32,
}

/// Returns the target of a record of slog: its tag, else its module.
pub(crate) fn target_of<'a>(record: &'a Record<'_>) -> &'a str {
    match record.tag() {
        "" => record.module(),
        tag => tag,
    }
}
