//! Why a request fails.

use actix_web::http::StatusCode;

use crate::book::Problems;

/// `Display` is for the log; [`Error::told`] is what the visitor learns.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("There is nothing at this address.")]
    NotFound,
    #[error("Some fields need another look.")]
    Invalid(Problems),
    #[error("{0}")]
    Rejected(actix_web::Error),
    #[error("The book is full: its last line has been signed.")]
    Full,
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("template: {0}")]
    Template(#[from] askama::Error),
}

impl Error {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Rejected(error) => error.as_response_error().status_code(),
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::Database(_) | Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn told(&self) -> String {
        match self {
            Self::Database(_) | Self::Template(_) => {
                "Something went wrong on our side. Please try again in a while.".into()
            }
            error => error.to_string(),
        }
    }
}
