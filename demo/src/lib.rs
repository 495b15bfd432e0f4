//! A harbour's guest book: a small web application that shows what dockerflow does.

mod api;
mod assets;
mod book;
mod checks;
mod error;
mod pages;
mod settings;

use actix_web::{
    App,
    middleware::DefaultHeaders,
    web::{Data, scope},
};

pub use book::{Book, OpenError};
use error::Error;
pub use settings::Settings;

/// What is running; it stands at the foot of each page, too.
pub const VERSION: dockerflow::Version = dockerflow::version!();

/// The whole application, as `main` serves it and as a test would.
#[dockerflow::service]
pub fn app(book: Data<Book>) -> App {
    App::new()
        .app_data(book)
        .service(scope("/api").configure(api::routes))
        .configure(assets::routes)
        .configure(pages::routes)
        .wrap(
            DefaultHeaders::new()
                .add(("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"))
                .add(("Referrer-Policy", "same-origin"))
                .add(("X-Content-Type-Options", "nosniff")),
        )
}
