//! What counts as a commit.

/// Returns the text in lower case if it is a whole hash, of SHA-1 or SHA-256. A short one, `HEAD` and `unknown` are not, and neither are
/// zeros, which CI systems write if there is no commit.
#[must_use]
pub fn valid(text: &str) -> Option<String> {
    let hash = text.trim().to_ascii_lowercase();
    let is_hash =
        matches!(hash.len(), 40 | 64) && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_hash && hash.bytes().any(|digit| digit != b'0')).then_some(hash)
}
