//! How is a long text cut?

use std::borrow::Cow;

/// Cuts `text` to at most `most` bytes, with a mark if that is not all.
pub(crate) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
    format!("{}…", &text[..end.unwrap_or_default()]).into()
}

#[test]
fn a_long_text_is_cut_between_characters_and_has_a_mark() {
    assert_eq!(cut("short", 5), "short");
    assert_eq!(cut("a\u{1f600}b", 3), "a…");
    assert_eq!(cut("a\u{1f600}b", 5), "a\u{1f600}…");
}
