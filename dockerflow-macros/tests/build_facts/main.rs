//! Whether a program says what it was built from: real Cargo, real git, each test a fresh repository that is built, changed as
//! the test's name says, and built anew. Every build is also searched for what it must not have in it.
//!
//! The first 23 tests in `layouts` are the scenarios in which the crates that do this go wrong. As with every test, Cargo prints how
//! many there are.

#![cfg(unix)]

mod copies;
mod credentials;
mod environment;
mod layouts;
mod rebuilds;
mod scene;
mod tags;
