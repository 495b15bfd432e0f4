//! The request that is handled: its id, the fields of its summary, and the scope that its code runs in.

mod id;
mod scope;
mod summary;
mod trace;

#[cfg(feature = "opentelemetry-0_33")]
pub(crate) use self::scope::note_span;
pub use self::{
    id::{InvalidRequestId, RequestId},
    scope::block,
    summary::Summary,
    trace::TraceContext,
};
pub(crate) use self::{
    scope::{InScope, Scope, with, work_without_service},
    summary::Fields,
};
