//! The static files, which are part of the program.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, ETag, EntityTag, IfNoneMatch},
    },
    web::{self, Header, Path, ServiceConfig},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::{Error, held, pages::Failure};

#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/static/{name}").get(file).head(file));
}

/// Returns the address of a file for a page. It changes with the content, so that browsers may keep it for ever.
pub(crate) fn url(name: &str) -> String {
    let file = Assets::get(name).expect("the templates name files that exist");
    format!("/static/{name}?v={}", hash(&file))
}

async fn file(
    name: Path<String>,
    request: HttpRequest,
    if_none_match: Header<IfNoneMatch>,
) -> Result<HttpResponse, Failure> {
    let file = Assets::get(&name).ok_or(Error::NotFound)?;
    let hash = hash(&file);
    let named = request.query_string().strip_prefix("v=") == Some(&hash);
    let tag = EntityTag::new_strong(hash);
    let known = held::has(&if_none_match, &tag);
    let mut response = HttpResponse::Ok();
    response.insert_header(ETag(tag));
    if named {
        response.insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"));
    }
    if known {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    Ok(response
        .content_type(file.metadata.mimetype())
        .body(file.data))
}

fn hash(file: &EmbeddedFile) -> String {
    let [a, b, c, d, ..] = file.metadata.sha256_hash();
    format!("{a:02x}{b:02x}{c:02x}{d:02x}")
}
