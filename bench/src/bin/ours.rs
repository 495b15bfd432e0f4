//! A service with one route, by dockerflow: what `cargo bench -p dockerflow-bench --bench process` starts.

use std::process::ExitCode;

use actix_web::{App, get};

#[get("/hello")]
async fn hello() -> &'static str {
    "hello"
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(hello)
}

fn main() -> ExitCode {
    dockerflow::main(dockerflow::version!(), async |server| server.run(app).await)
}
