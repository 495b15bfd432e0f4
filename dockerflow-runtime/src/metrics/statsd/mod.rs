//! Statsd: lines over UDP, which nobody waits for.

mod address;
mod line;
mod outbox;
mod own;
mod sender;

#[cfg(feature = "prometheus")]
pub(super) use self::line::Parts;
pub(super) use self::{
    address::StatsdAddress,
    line::{clean, milliseconds, plain, plain_into},
    outbox::Outbox,
    own::Own,
    sender::{Pace, Resolve},
};
