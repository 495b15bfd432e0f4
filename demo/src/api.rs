//! The book as JSON, for programs.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header::LOCATION},
    web::{self, Data, Json, JsonConfig, Path, PathConfig, Query, QueryConfig, ServiceConfig},
};
use dockerflow::{Metrics, metrics::cadence::prelude::*};
use serde_json::json;

use crate::{
    Book, Error,
    book::{Draft, Entry, Page},
    pages::Position,
};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .app_data(
            JsonConfig::default()
                .limit(8 * 1024)
                .error_handler(|error, _| rejected(error)),
        )
        .app_data(QueryConfig::default().error_handler(|error, _| rejected(error)))
        .app_data(PathConfig::default().error_handler(|_, _| Failure(Error::NotFound).into()))
        .service(web::resource("/entries").get(list).head(list).post(sign))
        .service(web::resource("/entries/{id}").get(entry).head(entry))
        .default_service(web::to(async || Err::<(), _>(Failure(Error::NotFound))));
}

async fn list(book: Data<Book>, at: Query<Position>) -> Result<Json<Page>, Failure> {
    Ok(Json(book.page(at.page.unwrap_or(1)).await?))
}

async fn entry(book: Data<Book>, id: Path<i64>) -> Result<Json<Entry>, Failure> {
    Ok(Json(book.entry(*id).await?))
}

async fn sign(
    book: Data<Book>,
    draft: Json<Draft>,
    metrics: Metrics,
) -> Result<HttpResponse, Failure> {
    let entry = book.sign(&draft).await?;
    metrics
        .incr_with_tags("signed")
        .with_tag("by", "api")
        .send();
    let address = format!("/api/entries/{}", entry.id);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, address))
        .json(entry))
}

/// An error as a program would like it: `{"error": "…", "problems": {"field": "…"}}`.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Failure(#[from] Error);

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.0.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut body = json!({ "error": self.0.told() });
        if let Error::Invalid(problems) = &self.0 {
            body["problems"] = json!(problems);
        }
        HttpResponse::build(self.status_code()).json(body)
    }
}

fn rejected(error: impl Into<actix_web::Error>) -> actix_web::Error {
    Failure(Error::Rejected(error.into())).into()
}
