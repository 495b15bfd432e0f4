//! What generated code names. Not part of the API: any of it may change in any release.

pub use actix_web::App;
pub use inventory::submit;

pub use crate::{
    check::Level,
    definition::{Definition, Registration},
    engine::Facts,
    service::{AppFactory, service},
    version::{Embedded, Version},
};
