//! The request that is handled: its id, what was noted as it arrived, the fields of its summary, and the scope that its code runs in.

mod arrival;
mod fields;
mod id;
mod scope;
mod sent;
mod state;
mod summary;
mod trace;

#[cfg(feature = "opentelemetry-0_33")]
pub(crate) use self::scope::note_span;
pub(crate) use self::{
    arrival::Arrival,
    fields::Fields,
    scope::{InScope, POLLED_AGAIN, Scope, with, work_without_service},
};
pub use self::{
    id::{InvalidRequestId, RequestId},
    scope::block,
    summary::Summary,
    trace::TraceContext,
};
