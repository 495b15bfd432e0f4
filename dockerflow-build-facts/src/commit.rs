//! What counts as a commit.

/// A whole hash, SHA-1 or SHA-256, in lower case. No short one, no `HEAD`, no `unknown`, no zeros (CI's way to say none).
#[must_use]
pub fn valid(text: &str) -> Option<String> {
    let hash = text.trim().to_ascii_lowercase();
    let is_hash =
        matches!(hash.len(), 40 | 64) && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_hash && hash.bytes().any(|digit| digit != b'0')).then_some(hash)
}
