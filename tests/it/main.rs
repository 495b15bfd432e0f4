//! The facade's integration tests: one binary, a module for each topic.

mod common;
mod endpoints;
mod health_check;
mod heartbeat;
mod hygiene;
mod logs;
mod process;
mod service;
