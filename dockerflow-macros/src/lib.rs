//! The macros of the [`dockerflow`](https://docs.rs/dockerflow) crate: use them through it, where their documentation is.
