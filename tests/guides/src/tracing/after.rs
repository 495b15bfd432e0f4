//! A shop.

use std::{fs, io, process::ExitCode};

use actix_web::{App, get, web::Path};
use dockerflow::{Program, health_check};

#[health_check]
fn temporary_files() -> io::Result<()> {
    fs::read_dir("/tmp").map(drop)
}

#[get("/orders/{id}")]
#[tracing::instrument]
async fn order(id: Path<u32>) -> String {
    tracing::info!("sold");
    format!("order {id}\n")
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(order)
}

fn main() -> ExitCode {
    Program::new(dockerflow::version!())
        .name("shop")
        .defaults([("DOCKERFLOW_METRICS_ENDPOINT", "true")])
        .run(async |server| server.run(app).await)
}
