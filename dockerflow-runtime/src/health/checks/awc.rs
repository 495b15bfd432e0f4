//! Does an HTTP service answer? The feature `awc-3`.

use std::fmt::{Debug, Display};

use awc::{
    Client, ClientRequest,
    error::SendRequestError,
    http::{Method, Uri, header::CONTENT_LENGTH},
};
use futures_util::StreamExt as _;

use crate::health::message::Message;

/// A body is read to its end, so that the connection can be used again, unless it is longer than this.
const MOST: usize = 64 * 1024;

thread_local! {
    /// The client of the thread that the checks run on. It keeps its connections from one run to the next.
    static CLIENT: Client = Client::builder().disable_redirects().finish();
}

/// Sends `GET` to `url`, and reports an error if the service cannot be reached or answers with a status that is not 2xx.
///
/// A redirect is not followed and counts as an error: a service that asks for a log-in, or has
/// moved, does not answer. If the service accepts the connection and does not answer, the check
/// times out. A connection is kept for the next run. The data have the `status`. No message shows a
/// user, a password or the query of `url`.
///
/// For a URL with `https`, enable a TLS feature of `awc` in your own `Cargo.toml`, such as
/// `rustls-0_23-webpki-roots`, and install the provider of cryptography that `awc` needs:
/// `rustls::crypto::ring::default_provider().install_default()`. Certificates are then verified.
///
/// ```
/// # #[cfg(feature = "awc-3")] mod checks_of_this {
/// use dockerflow::{Message, health::checks, health_check};
///
/// #[health_check]
/// async fn payments() -> Message {
///     checks::awc::answers("http://payments:8000/__lbheartbeat__").await
/// }
/// # }
/// ```
pub async fn answers(url: &str) -> Message {
    let client = CLIENT.with(Client::clone);
    answers_to(client.get(url)).await
}

/// Sends `request`, and reports the same as [`answers`]: for a method, headers, or a client of your
/// own, such as one with other root certificates.
///
/// A client of `awc` cannot go to another thread, so make it in the check, once for each thread:
///
/// ```
/// # #[cfg(feature = "awc-3")] mod checks_of_this {
/// use awc::Client;
/// use dockerflow::{Message, health::checks, health_check};
///
/// thread_local! {
///     static CLIENT: Client = Client::builder().disable_redirects().finish();
/// }
///
/// #[health_check]
/// async fn search() -> Message {
///     let request = CLIENT.with(|client| client.head("http://search:9200/").bearer_auth("token"));
///     checks::awc::answers_to(request).await
/// }
/// # }
/// ```
pub async fn answers_to(request: ClientRequest) -> Message {
    let shown = without_secrets(request.get_uri());
    let has_body = *request.get_method() != Method::HEAD;
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => return unreachable(&shown, &error, &cause(&error)),
    };
    let status = response.status();
    let mut length = 0;
    while length <= MOST {
        match response.next().await {
            Some(Ok(part)) => length += part.len(),
            Some(Err(error)) => return broken_off(&shown, &error),
            None => {
                // The client takes the end of a connection for the end of a body.
                let expected = response.headers().get(CONTENT_LENGTH);
                let expected = expected.and_then(|value| value.to_str().ok()?.parse().ok());
                if has_body && expected.is_some_and(|expected: usize| length < expected) {
                    return broken_off(&shown, &"the connection was closed");
                }
                break;
            }
        }
    }
    let message = if status.is_success() {
        Message::ok()
    } else {
        let redirect = if status.is_redirection() {
            ", and redirects are not followed"
        } else {
            ""
        };
        let text = format!("{shown} answers {status}{redirect}");
        Message::error("dockerflow.health.http.status", text)
    };
    message.with("status", status.as_u16())
}

fn unreachable(shown: &str, error: &SendRequestError, cause: &dyn Display) -> Message {
    let text = format!("{shown} cannot be reached: {cause}");
    Message::error("dockerflow.health.http.unreachable", text).caused_by(error)
}

fn broken_off(shown: &str, error: &(impl Debug + Display)) -> Message {
    let text = format!("the answer of {shown} breaks off: {error}");
    Message::error("dockerflow.health.http.unreachable", text).caused_by(error)
}

/// Returns the text of an error. That of some variants is only their name.
fn cause(error: &SendRequestError) -> String {
    match error {
        SendRequestError::Send(error) => format!("the request was not sent: {error}"),
        SendRequestError::Response(error) => format!("the answer is not HTTP: {error}"),
        error => error.to_string(),
    }
}

/// Returns a URL without user, password and query.
fn without_secrets(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = uri.host().unwrap_or_default();
    let port = uri.port().map(|port| format!(":{port}"));
    format!(
        "{scheme}://{host}{}{}",
        port.unwrap_or_default(),
        uri.path()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_no_user_no_password_and_no_query() {
        for (url, shown) in [
            ("http://a.example", "http://a.example/"),
            (
                "https://scott:tiger@a.example:8443/x/y?token=secret",
                "https://a.example:8443/x/y",
            ),
            ("http://[::1]:80/", "http://[::1]:80/"),
            ("/no/host", "http:///no/host"),
        ] {
            assert_eq!(without_secrets(&url.parse().expect("a URL")), shown);
        }
    }
}
