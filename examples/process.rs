//! A service with nothing but what the environment sets: the process that the tests of its life start and stop.

use std::{process::ExitCode, time::Duration};

use actix_web::{App, get, rt::time::sleep, web};

#[get("/")]
async fn index() -> &'static str {
    "hello"
}

#[get("/slow/{milliseconds}")]
async fn slow(milliseconds: web::Path<u64>) -> String {
    sleep(Duration::from_millis(*milliseconds)).await;
    format!("{milliseconds} ms later")
}

#[dockerflow::service(checks())]
fn app() -> App {
    App::new().service(index).service(slow)
}

fn main() -> ExitCode {
    dockerflow::main(dockerflow::version!(), async |server| server.run(app).await)
}
