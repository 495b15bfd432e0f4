//! The form of our own responses: none may be stored by a cache.

use actix_web::{
    HttpResponse,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    web::Bytes,
};

pub(super) fn json(status: StatusCode, body: Bytes) -> HttpResponse {
    let mut response = response(status, BoxBody::new(body));
    set(&mut response, header::CONTENT_TYPE, "application/json");
    response
}

/// Makes a response that no cache may store.
pub(super) fn response(status: StatusCode, body: BoxBody) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, body);
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

/// Sets a header that the response does not have.
#[inline]
pub(super) fn set(response: &mut HttpResponse, name: HeaderName, value: &'static str) {
    let value = HeaderValue::from_static(value);
    // `insert` would look for an earlier value, and hand it out.
    response.headers_mut().append(name, value);
}
