//! The request that is handled: its id, the fields of its summary, and the scope that its code runs in.

mod id;
mod scope;
mod summary;

pub use self::{id::RequestId, scope::block, summary::Summary};
pub(crate) use self::{
    scope::{InScope, Scope, with},
    summary::Fields,
};
