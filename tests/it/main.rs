//! The facade's integration tests: one binary, a module for each topic.

mod endpoints;
mod examples;
mod health_check;
mod heartbeat;
mod hygiene;
mod logs;
mod metrics;
mod probers;
mod process;
mod service;
mod support;
