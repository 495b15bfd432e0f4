//! The messages that the runtime itself adds to a check's, with their ids.

use std::time::Duration;

use super::{check::Check, message::Message};

pub(super) fn panicked(check: &Check, panic: String) -> Message {
    Message::critical(format!("{}.panicked", check.name), panic)
}

pub(super) fn timed_out(check: &Check, limit: Duration) -> Message {
    timeout(check, format!("no answer within {limit:?}"))
}

/// An argument was not extracted by the check's deadline, so that the check did not begin.
pub(super) fn not_extracted(check: &Check, limit: Duration) -> Message {
    let text = format!("its arguments were not extracted within {limit:?}");
    timeout(check, text)
}

fn timeout(check: &Check, text: String) -> Message {
    Message::error(format!("{}.timeout", check.name), text)
}

pub(super) fn running(check: &Check, since: Duration) -> Message {
    Message::error(
        format!("{}.running", check.name),
        format!("still running after {since:.1?}"),
    )
}

pub(super) fn unavailable(check: &'static str, text: String) -> Message {
    Message::error(format!("{check}.unavailable"), text)
}

/// Returns the id under which a state is remembered: a check that hangs times out in one run and is still running in the next,
/// which is one state.
pub(super) fn state_id(message: &Message) -> String {
    match message.id.strip_suffix(".running") {
        Some(check) => format!("{check}.timeout"),
        None => message.id.to_string(),
    }
}
