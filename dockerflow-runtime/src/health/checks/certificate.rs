//! How long is a certificate valid? The feature `certificate`.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use x509_cert::{Certificate, der::DecodePem as _};

use crate::health::message::Message;

const ID: &str = "dockerflow.health.certificate";

/// A file of certificates is smaller than this.
const MOST: u64 = 1 << 20;

/// Reports a warning if a certificate in the PEM file at `path` expires within `warning`, and an error if it expires within `error`,
/// has expired, is not valid yet, or cannot be read. For a check that is a plain `fn`.
///
/// Of a chain, the certificate that expires first counts. A private key in the same file is
/// skipped. The data have `expires_at`, in UTC, and `days_left`.
///
/// This reads the file. If a server only reads it when it starts, the certificate that it serves
/// may be older: ask the server itself with `checks::awc::answers`.
///
/// ```
/// use std::time::Duration;
/// use dockerflow::{Message, health::checks, health_check};
///
/// const DAY: Duration = Duration::from_secs(24 * 3600);
///
/// #[health_check]
/// fn certificate() -> Message {
///     checks::certificate::file("/etc/tls/tls.crt", 21 * DAY, 7 * DAY)
/// }
/// ```
pub fn file(path: impl AsRef<Path>, warning: Duration, error: Duration) -> Message {
    let path = path.as_ref();
    let shown = path.display();
    match read(path) {
        Ok(pem) => at(&pem, &shown.to_string(), warning, error, SystemTime::now()),
        Err(error) => Message::error(ID, format!("cannot read {shown}: {error}")).caused_by(&error),
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut pem = String::new();
    File::open(path)?.take(MOST).read_to_string(&mut pem)?;
    Ok(pem)
}

/// `shown` names the file, `now` is the present.
fn at(pem: &str, shown: &str, warning: Duration, error: Duration, now: SystemTime) -> Message {
    let mut first: Option<SystemTime> = None;
    for block in certificates(pem) {
        let certificate = match Certificate::from_pem(block) {
            Ok(certificate) => certificate,
            Err(error) => {
                let text = format!("{shown} has a certificate that cannot be read: {error}");
                return Message::error(ID, text);
            }
        };
        let validity = certificate.tbs_certificate().validity();
        let begins = UNIX_EPOCH + validity.not_before.to_unix_duration();
        if begins > now {
            let begins = humantime::format_rfc3339_seconds(begins);
            return Message::error(ID, format!("{shown} is not valid before {begins}"));
        }
        let ends = UNIX_EPOCH + validity.not_after.to_unix_duration();
        first = Some(first.map_or(ends, |first| first.min(ends)));
    }
    let Some(ends) = first else {
        return Message::error(ID, format!("{shown} has no certificate in PEM form"));
    };
    let left = ends.duration_since(now);
    let end = humantime::format_rfc3339_seconds(ends);
    let message = match left {
        Err(_) => Message::error(ID, format!("{shown} has expired at {end}")),
        Ok(left) if left <= error => Message::error(ID, format!("{shown} expires at {end}")),
        Ok(left) if left <= warning => Message::warning(ID, format!("{shown} expires at {end}")),
        Ok(_) => Message::ok(),
    };
    let days = left.unwrap_or_default().as_secs() / (24 * 3600);
    message
        .with("expires_at", end.to_string())
        .with("days_left", days)
}

/// Returns each certificate of a PEM file, from its first line to its last.
fn certificates(pem: &str) -> impl Iterator<Item = &str> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut rest = pem;
    std::iter::from_fn(move || {
        let from_begin = &rest[rest.find(BEGIN)?..];
        // A certificate without an end is what is left of the file, which cannot be read.
        let length = from_begin
            .find(END)
            .map_or(from_begin.len(), |end| end + END.len());
        let (block, after) = from_begin.split_at(length);
        rest = after;
        Some(block)
    })
}
