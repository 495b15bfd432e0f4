//! Whether an attribute stands inside of an `impl` or a `trait`, which the tokens of its function do not show.

use std::fs;

use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};

/// Returns whether the innermost braces around `attribute` are those of an `impl` or a `trait`. Returns `false` if the source file
/// cannot be read, as in an editor's analysis: the compiler then reports that the function is not in scope.
pub(crate) fn is_in_impl(attribute: Span) -> bool {
    let place = (attribute.line(), attribute.column());
    let text = attribute
        .local_file()
        .and_then(|file| fs::read_to_string(file).ok())
        .filter(|text| text.contains("impl") || text.contains("trait"));
    text.and_then(|text| text.parse().ok())
        .is_some_and(|tokens| innermost(tokens, place, false))
}

/// Returns whether the innermost braces around `place` are those of an `impl` or a `trait`; `around` says so of those around
/// `tokens`.
fn innermost(tokens: TokenStream, place: (usize, usize), around: bool) -> bool {
    let mut header = Header::Beginning;
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            if is_around(group, place) {
                let is_brace = group.delimiter() == Delimiter::Brace;
                let inside = if is_brace {
                    header == Header::Impl
                } else {
                    around
                };
                return innermost(group.stream(), place, inside);
            }
        }
        header = header.after(&token);
    }
    around
}

fn is_around(group: &Group, place: (usize, usize)) -> bool {
    let [open, close] = [group.span_open(), group.span_close()].map(|at| (at.line(), at.column()));
    open < place && place < close
}

/// What is known of an item from its tokens so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    /// Attributes, `pub`, `unsafe` and the like.
    Beginning,
    /// It is an `impl` or a `trait`.
    Impl,
    Other,
}

impl Header {
    fn after(self, token: &TokenTree) -> Self {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Self::Beginning,
            TokenTree::Punct(punct) if punct.as_char() == ';' => Self::Beginning,
            TokenTree::Punct(punct) if punct.as_char() == '#' || punct.as_char() == '!' => self,
            TokenTree::Group(_) => self,
            TokenTree::Ident(word) if self == Self::Beginning => match &*word.to_string() {
                "impl" | "trait" => Self::Impl,
                "pub" | "unsafe" | "default" | "auto" | "const" => self,
                _ => Self::Other,
            },
            _ if self == Self::Impl => Self::Impl,
            _ => Self::Other,
        }
    }
}
