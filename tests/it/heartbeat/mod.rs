//! The heartbeat as a prober sees it, over TCP, from a server with eight workers in a process of its own.

mod backends;
mod counted;
mod databases;
mod faults;
mod forms;
mod late;
mod liveness;
mod page;
mod parity;
mod requests;
mod served;
