//! Which request this is: the id that the client sent if it is safe to log, else a fresh one.

use std::{cell::RefCell, error, fmt, str::FromStr};

use actix_web::http::header::HeaderValue;
use rand::{Rng as _, rngs::Xoshiro256PlusPlus};

/// A longer id is not taken from a client: it would be on every line.
const LONGEST: usize = 128;

/// The id of a request.
///
/// It is the request's `X-Request-ID` (or the header that `DOCKERFLOW_REQUEST_ID_HEADER_NAME` names) if that is valid: 1 to 128
/// letters, digits and `-_.:;/=+~|@,`. Else it is a fresh UUID, version 4. Every line that is logged while the request is handled
/// has it as the field `rid`, and the response has it in the same header.
///
/// As an extractor it fails with 500 if the app is not a Dockerflow service.
///
/// ```
/// # use dockerflow::RequestId;
/// # fn store(job: &str, request_id: &str) {}
/// async fn order(id: RequestId) -> String {
///     store("send the invoice", id.as_str());
///     format!("please name {id} when you call us")
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Returns the id as it is logged.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }

    /// Returns the id that the client sent if it is valid, else a fresh one.
    pub(crate) fn accept(sent: Option<&HeaderValue>) -> Self {
        sent.filter(|value| is_sane(value.as_bytes()))
            .map_or_else(Self::fresh, |value| Self(value.clone()))
    }

    fn fresh() -> Self {
        let (high, low) =
            GENERATOR.with_borrow_mut(|generator| (generator.next_u64(), generator.next_u64()));
        let text = uuid(high, low);
        Self(HeaderValue::from_bytes(&text).expect("hexadecimal digits are fit for a header"))
    }

    /// The id. It is valid, so it needs no escaping.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn into_value(self) -> HeaderValue {
        self.0
    }
}

/// Reads an id that was stored elsewhere, such as in a queue, by the rules for one that a client sends.
impl FromStr for RequestId {
    type Err = InvalidRequestId;

    fn from_str(text: &str) -> Result<Self, InvalidRequestId> {
        let value = HeaderValue::from_str(text).ok();
        let value = value.filter(|value| is_sane(value.as_bytes()));
        value.map(Self).ok_or(InvalidRequestId(()))
    }
}

/// The error for a text that is not a [`RequestId`].
///
/// ```
/// use dockerflow::{InvalidRequestId, RequestId};
///
/// /// Reads the id of the request that a job in a queue belongs to.
/// fn of_job(stored: &str) -> Result<RequestId, InvalidRequestId> {
///     stored.parse()
/// }
///
/// assert!(of_job("6a2f41a3-c54c-4fce-bc5e-7a9c2f6a3c1d").is_ok());
/// let error = of_job("two words").unwrap_err();
/// assert_eq!(error.to_string(), "expected a request id: 1 to 128 letters, digits and -_.:;/=+~|@,");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRequestId(());

impl fmt::Display for InvalidRequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "expected a request id: 1 to {LONGEST} letters, digits and -_.:;/=+~|@,"
        )
    }
}

impl error::Error for InvalidRequestId {}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RequestId({})", self.as_str())
    }
}

thread_local! {
    static GENERATOR: RefCell<Xoshiro256PlusPlus> = RefCell::new(rand::make_rng());
}

fn is_sane(id: &[u8]) -> bool {
    let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:;/=+~|@,".contains(byte);
    (1..=LONGEST).contains(&id.len()) && id.iter().all(sane)
}

/// Each byte in two hexadecimal digits.
static HEX: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

/// The text of a UUID of version 4 (RFC 9562, 5.4) with these random bits.
fn uuid(high: u64, low: u64) -> [u8; 36] {
    /// Where the digits of each byte stand.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    let mut text = [b'-'; 36];
    let bits = u128::from(high) << 64 | u128::from(low);
    for (byte, place) in bits.to_be_bytes().into_iter().zip(PLACES) {
        text[place..place + 2].copy_from_slice(&HEX[usize::from(byte)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_id_is_a_uuid_of_version_4() {
        assert_eq!(&uuid(0, 0), b"00000000-0000-4000-8000-000000000000");
        assert_eq!(
            &uuid(u64::MAX, u64::MAX),
            b"ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(
            &uuid(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210),
            b"01234567-89ab-4def-bedc-ba9876543210"
        );
        assert_ne!(RequestId::fresh(), RequestId::fresh());
    }

    #[test]
    fn an_id_is_read_from_text_as_it_is_from_a_header() {
        let id: RequestId = "abc-1".parse().expect("sane");
        assert_eq!(id.as_str(), "abc-1");
        for text in ["", "a b", "é", "a\nb"] {
            let error = text.parse::<RequestId>().expect_err(text).to_string();
            assert!(error.starts_with("expected a request id"), "{error}");
        }
    }

    #[test]
    fn a_sane_id_is_taken_and_another_is_not() {
        let longest = "x".repeat(LONGEST);
        for sane in [
            "1",
            "abc-DEF_1.2",
            "105445aa7843bc8bf206b12000100000/1;o=1",
            "Root=1-67891233-ab",
            &longest,
        ] {
            let sent = HeaderValue::from_str(sane).expect("fit");
            assert_eq!(RequestId::accept(Some(&sent)).as_str(), sane);
        }
        let long = "x".repeat(LONGEST + 1);
        for insane in [
            "", " ", "a b", "a\"b", "a\\b", "a\tb", "<b>", "é", "{}", &long,
        ] {
            let sent = HeaderValue::from_bytes(insane.as_bytes()).expect("fit");
            assert_eq!(
                RequestId::accept(Some(&sent)).as_str().len(),
                36,
                "{insane:?}"
            );
        }
        assert_eq!(RequestId::accept(None).as_str().len(), 36);
    }
}
