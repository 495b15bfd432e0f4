//! What is measured, as a statsd server and a scrape see it.

mod pools;
mod prometheus;
mod routes;
mod rules;
mod statsd;

use crate::support::{Process, Statsd, command_of};

/// Starts the program `tests/programs/metered.rs`, which is heard by a statsd server and can be scraped.
fn serve(variables: &[(&str, &str)]) -> (Process, Statsd) {
    let statsd = Statsd::listen();
    let mut command = command_of("metered");
    command.envs([
        ("PORT", "0"),
        ("HOST", "127.0.0.1"),
        ("STATSD_HOST", "127.0.0.1"),
        ("STATSD_PORT", &statsd.port()),
        ("DOCKERFLOW_METRICS_ENDPOINT", "true"),
        ("DOCKERFLOW_DRAIN_DELAY", "0"),
    ]);
    command.envs(variables.iter().copied());
    (Process::start(command), statsd)
}
