//! Errors reported to Sentry: of requests, of panics, and of checks that begin to fail.
//!
//! ```console
//! $ SENTRY_DSN=https://KEY@HOST/PROJECT cargo run --bin sentry &
//! $ curl localhost:8000/orders/17
//! $ curl localhost:8000/__error__    # an error of no handler, to see that reports arrive
//! ```

use std::process::ExitCode;

use actix_web::{App, error::ErrorInternalServerError, get, web::Path};
use dockerflow::Program;

#[get("/orders/{id}")]
async fn order(id: Path<u32>) -> actix_web::Result<String> {
    // Each request has a hub of its own: this is about this request alone.
    sentry::configure_scope(|scope| scope.set_tag("order", *id));
    Err(ErrorInternalServerError("the shelf is empty"))
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(order)
}

fn main() -> ExitCode {
    // The release is the version object's; SENTRY_ENVIRONMENT is the environment. Nothing else is to be set up.
    Program::new(dockerflow::version!())
        .defaults([("DOCKERFLOW_ERROR_ENDPOINT", "true")])
        .run(async |server| server.run(app).await)
}
