//! The service: the middleware around an app, and the endpoints that it answers.

mod accept;
mod drain;
mod endpoints;
mod engine;
mod exchange;
mod heartbeat;
mod last_statuses;
mod middleware;
mod options;
mod page;
mod process_metrics;
mod raise;
mod remote;
mod response;
mod shared;
mod summary_record;
mod target;
mod version;
mod workers;

pub use self::{
    drain::{Drain, Hold},
    engine::ServiceDefinition,
    middleware::{AppFactory, service},
    process_metrics::shared_metrics,
    shared::share_engine,
    version::{Embedded, EmbeddedFile, Version},
};
pub(crate) use self::{
    options::ServiceOptions,
    shared::Shared,
    target::TARGET,
    version::{of_program as version_of_program, set_program},
};
