//! Answers a number of requests in one scenario: `dockerflow-bench SCENARIO REQUESTS`. Without a scenario: their names.
//!
//! It measures nothing. `cargo bench -p dockerflow-bench` runs it under callgrind with two numbers of requests, and divides.

use std::{env, process::ExitCode};

mod endpoints;
mod records;
mod routes;
mod scenario;

use scenario::Scenario;

/// Every scenario, by topic.
const SCENARIOS: &[&[Scenario]] = &[endpoints::SCENARIOS, routes::SCENARIOS, records::SCENARIOS];

#[actix_web::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let mut scenarios = SCENARIOS.iter().copied().flatten();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            scenarios.for_each(|scenario| println!("{}\t{}", scenario.name, scenario.environment));
        }
        [name, requests] => {
            let scenario = scenarios.find(|scenario| scenario.name == name);
            let (Some(scenario), Ok(requests)) = (scenario, requests.parse()) else {
                eprintln!("no scenario {name:?}, or no number {requests:?}");
                return ExitCode::from(2);
            };
            (scenario.run)(requests).await;
        }
        _ => {
            eprintln!("usage: dockerflow-bench [SCENARIO REQUESTS]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
