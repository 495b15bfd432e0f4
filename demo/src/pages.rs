//! The book as pages, for people.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header::LOCATION},
    web::{self, Data, Form, FormConfig, Path, PathConfig, Query, QueryConfig, ServiceConfig},
};
use askama::Template;
use dockerflow::{Metrics, metrics::cadence::prelude::*};
use serde::Deserialize;

use crate::{
    Book, Error,
    book::{Draft, Entry, Page, Problems},
};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .app_data(
            FormConfig::default()
                .limit(8 * 1024)
                .error_handler(|error, _| Failure(Error::Rejected(error.into())).into()),
        )
        .app_data(QueryConfig::default().error_handler(|_, _| Failure(Error::NotFound).into()))
        .app_data(PathConfig::default().error_handler(|_, _| Failure(Error::NotFound).into()))
        .service(web::resource("/").get(read).head(read).post(sign))
        .service(web::resource("/entries/{id}").get(entry).head(entry))
        .service(web::resource("/about").get(about).head(about))
        .default_service(web::to(async || Err::<(), _>(Failure(Error::NotFound))));
}

#[derive(Template)]
#[template(path = "book.html")]
struct BookPage {
    page: Page,
    draft: Draft,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage {
    entry: Entry,
}

#[derive(Template)]
#[template(path = "about.html")]
struct AboutPage;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    status: StatusCode,
    text: String,
}

/// Which of the pages: `?page=2`.
#[derive(Deserialize)]
pub(crate) struct Position {
    pub(crate) page: Option<u32>,
}

async fn read(book: Data<Book>, at: Query<Position>) -> Result<HttpResponse, Failure> {
    let page = book.page(at.page.unwrap_or(1)).await?;
    show(
        StatusCode::OK,
        &BookPage {
            page,
            draft: Draft::default(),
            problems: Problems::new(),
        },
    )
}

/// Redirects to the new entry, so that reloading does not sign twice. A draft with problems is shown again, with them.
async fn sign(
    book: Data<Book>,
    draft: Form<Draft>,
    metrics: Metrics,
) -> Result<HttpResponse, Failure> {
    match book.sign(&draft).await {
        Ok(entry) => {
            metrics
                .incr_with_tags("signed")
                .with_tag("by", "page")
                .send();
            let address = format!("/entries/{}", entry.id);
            Ok(HttpResponse::SeeOther()
                .insert_header((LOCATION, address))
                .finish())
        }
        Err(Error::Invalid(problems)) => {
            let page = book.page(1).await?;
            show(
                StatusCode::UNPROCESSABLE_ENTITY,
                &BookPage {
                    page,
                    draft: draft.into_inner(),
                    problems,
                },
            )
        }
        Err(error) => Err(error.into()),
    }
}

async fn entry(book: Data<Book>, id: Path<i64>) -> Result<HttpResponse, Failure> {
    show(
        StatusCode::OK,
        &EntryPage {
            entry: book.entry(*id).await?,
        },
    )
}

async fn about() -> Result<HttpResponse, Failure> {
    show(StatusCode::OK, &AboutPage)
}

fn show(status: StatusCode, page: &impl Template) -> Result<HttpResponse, Failure> {
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(page.render().map_err(Error::from)?))
}

/// An error as a page.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Failure(#[from] Error);

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.0.status()
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        show(
            status,
            &ErrorPage {
                status,
                text: self.0.told(),
            },
        )
        .unwrap_or_else(|_| HttpResponse::new(status))
    }
}
