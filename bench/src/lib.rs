//! What the benches share.

pub mod peers;
