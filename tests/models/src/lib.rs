//! What several threads of the runtime share, in many orders of their steps: the queue of the log, and the runs of the checks.
//! `.ci/long models` runs it.

#![cfg(test)]

/// Fewer than the threads that push, so that they meet.
const SHARDS: usize = 2;

mod lock {
    include!(concat!(env!("OUT_DIR"), "/lock.rs"));
}

#[allow(dead_code, reason = "the models do not use all of it")]
mod queue {
    include!(concat!(env!("OUT_DIR"), "/queue.rs"));
}

#[allow(dead_code, reason = "the models do not use all of it")]
mod flight {
    include!(concat!(env!("OUT_DIR"), "/flight.rs"));
}

mod flights;
mod lines;

/// How many orders are tried of each model.
const ORDERS: usize = 20_000;

/// Runs a model in random orders, and in those that a few switches at guessed places make.
fn check(model: impl Fn() + Send + Sync + Copy + 'static) {
    shuttle::check_random(model, ORDERS);
    shuttle::check_pct(model, ORDERS, 4);
}
