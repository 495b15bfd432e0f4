//! A harbour's guest book: a small web application that shows what dockerflow does.

mod api;
mod assets;
mod book;
mod checks;
mod error;
mod held;
mod pages;
mod settings;

use actix_web::{
    App,
    http::header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    },
    middleware::DefaultHeaders,
    web::{Data, ServiceConfig, scope},
};

pub use book::{Book, OpenError};
use error::Error;
pub use settings::Settings;

/// The version that is running. The foot of each page shows it, too.
pub const VERSION: dockerflow::Version = dockerflow::version!();

/// What a page may do in a browser: show our style and pictures, send our form, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Returns the whole application, as `main` serves it and as a test would.
#[dockerflow::service]
pub fn app(book: Data<Book>) -> App {
    let headers = DefaultHeaders::new()
        .add((CACHE_CONTROL, "no-cache"))
        .add((CONTENT_SECURITY_POLICY, POLICY))
        .add((REFERRER_POLICY, "same-origin"))
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    App::new().app_data(book).wrap(headers).configure(routes)
}

/// Adds the routes, for visitors and for programs.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(scope("/api").configure(api::routes))
        .configure(assets::routes)
        .configure(pages::routes);
}
