//! The service: the middleware around an app, and the endpoints that it answers.

mod accept;
mod endpoints;
mod engine;
mod exchange;
mod heartbeat;
mod middleware;
mod options;
mod page;
mod probes;
mod raise;
mod remote;
mod response;
mod version;
mod workers;

pub(crate) use self::{engine::Shared, options::ServiceOptions};
pub use self::{
    engine::{Facts, share_engine},
    middleware::{AppFactory, service},
    version::{Embedded, Version},
};
