//! The book as pages, for people.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use actix_web::{
    HttpResponse, ResponseError,
    dev::ConnectionInfo,
    http::{
        StatusCode,
        header::{ETag, EntityTag, IfNoneMatch, LOCATION},
    },
    web::{
        self, Data, Form, FormConfig, Header, Path, PathConfig, Query, QueryConfig, ServiceConfig,
    },
};
use askama::Template;
use dockerflow::{Metrics, metrics::cadence::prelude::*};
use serde::Deserialize;

use crate::{
    Book, Error,
    book::{Draft, Entry, Page, Problems},
    held,
};

const HTML: &str = "text/html; charset=utf-8";

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

impl BookPage {
    /// Reports whether a field is the first one that is wrong, which has the focus.
    fn is_first_wrong(&self, field: &(impl AsRef<str> + ?Sized)) -> bool {
        let mut fields = ["name", "home", "message"].into_iter();
        let first = fields.find(|field| self.problems.contains_key(field));
        first == Some(field.as_ref())
    }
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage {
    entry: Entry,
}

#[derive(Template)]
#[template(path = "about.html")]
struct AboutPage {
    /// `https://book.example.org`
    address: String,
}

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

async fn read(
    book: Data<Book>,
    at: Query<Position>,
    held: Header<IfNoneMatch>,
) -> Result<HttpResponse, Failure> {
    let page = book.page(at.page.unwrap_or(1)).await?;
    show_once(
        &held,
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

async fn entry(
    book: Data<Book>,
    id: Path<i64>,
    held: Header<IfNoneMatch>,
) -> Result<HttpResponse, Failure> {
    let entry = book.entry(*id).await?;
    show_once(&held, &EntryPage { entry })
}

async fn about(
    connection: ConnectionInfo,
    held: Header<IfNoneMatch>,
) -> Result<HttpResponse, Failure> {
    let address = address(connection.scheme(), connection.host());
    show_once(&held, &AboutPage { address })
}

/// Returns the address under which the visitor has found the book. The page has it in commands to be copied, so that only what can
/// be an address is taken.
fn address(scheme: &str, host: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let scheme = if scheme == "https" { "https" } else { "http" };
    if host.is_empty() || !host.bytes().all(plain) {
        return format!("{scheme}://localhost:8000");
    }
    format!("{scheme}://{host}")
}

/// Shows a page, unless the browser has it already.
fn show_once(held: &IfNoneMatch, page: &impl Template) -> Result<HttpResponse, Failure> {
    let text = page.render().map_err(Error::from)?;
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let tag = EntityTag::new_weak(format!("{:016x}", hasher.finish()));
    let known = held::has(held, &tag);
    let mut response = HttpResponse::Ok();
    response.insert_header(ETag(tag));
    if known {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    Ok(response.content_type(HTML).body(text))
}

fn show(status: StatusCode, page: &impl Template) -> Result<HttpResponse, Failure> {
    Ok(HttpResponse::build(status)
        .content_type(HTML)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_an_address_is_shown_as_one() {
        for (scheme, host, expected) in [
            ("https", "book.example.org", "https://book.example.org"),
            ("http", "[::1]:8000", "http://[::1]:8000"),
            ("ftp", "localhost", "http://localhost"),
            ("https", "x;rm -rf ~", "https://localhost:8000"),
            ("http", "$(date)", "http://localhost:8000"),
            ("http", "", "http://localhost:8000"),
        ] {
            assert_eq!(address(scheme, host), expected);
        }
    }
}
