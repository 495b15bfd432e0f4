//! The service: the middleware around an app, and the endpoints that it answers.

mod accept;
mod drain;
mod endpoints;
mod engine;
mod exchange;
mod heartbeat;
mod middleware;
mod options;
mod page;
mod probes;
mod raise;
mod records;
mod remote;
mod response;
mod sent;
mod version;
mod workers;

pub use self::{
    drain::{Drain, Hold},
    engine::{ServiceDefinition, share_engine, shared_metrics},
    middleware::{AppFactory, service},
    version::{Embedded, EmbeddedFile, Version},
};
pub(crate) use self::{
    engine::Shared,
    options::ServiceOptions,
    records::LOG,
    version::{of_program as version_of_program, set_program},
};
