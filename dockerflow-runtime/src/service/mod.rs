//! The service: the middleware around an app, and the endpoints that it answers.

mod endpoints;
mod engine;
mod exchange;
mod middleware;
mod options;
mod raise;
mod remote;
mod version;

pub(crate) use self::{engine::Shared, options::ServiceOptions};
pub use self::{
    engine::{Facts, share_engine},
    middleware::{AppFactory, service},
    version::{Embedded, Version},
};
