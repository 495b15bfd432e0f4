//! The facts of a build in every situation that it may run in: real git, and the variables of each CI system. The kit's
//! `.dockerflow/version.sh` is asked the same in each, by every POSIX shell that is here, and has to agree.

#![cfg(unix)]

mod git;
mod layouts;
mod pipelines;
mod scene;
mod tables;
mod version_file;
