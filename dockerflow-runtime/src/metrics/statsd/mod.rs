//! Statsd: lines that are sent over UDP without waiting.

mod address;
mod line;
mod outbox;
mod own;
mod sender;

pub(super) use self::{
    address::StatsdAddress,
    line::{Parts, accept, milliseconds, plain, plain_into, spell_out, with_constant},
    outbox::Outbox,
    own::Own,
    sender::{Pace, Resolve},
};
