//! The options of an attribute: `key = value` and `key(values)`, in any order, each at most once.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Ident, LitStr, Path, Token,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
};

use crate::errors::Errors;

/// Reads `tokens`, and calls `read` after each key. `read` returns `None` for a key that it does not know. A mistake in one
/// option does not hide those in the others.
pub(crate) fn parse(
    tokens: TokenStream,
    known: &str,
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, ParseStream<'_>) -> Option<syn::Result<()>>,
) {
    let mut seen: Vec<Ident> = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let result = parse_one(input, known, &mut seen, &mut read);
            if let Err(error) = result {
                errors.push(error);
                skip_option(input);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        errors.push(error);
    }
}

fn parse_one(
    input: ParseStream<'_>,
    known: &str,
    seen: &mut Vec<Ident>,
    read: &mut impl FnMut(&Ident, ParseStream<'_>) -> Option<syn::Result<()>>,
) -> syn::Result<()> {
    let unknown = |what: &str| format!("{what}: expected {known}");
    let Ok(key) = input.call(Ident::parse_any) else {
        return Err(input.error(unknown("not an option")));
    };
    if seen.contains(&key) {
        return Err(syn::Error::new(
            key.span(),
            format!("duplicate option `{key}`: remove one"),
        ));
    }
    let Some(result) = read(&key, input) else {
        return Err(syn::Error::new(
            key.span(),
            unknown(&format!("unknown option `{key}`")),
        ));
    };
    seen.push(key);
    result?;
    if input.is_empty() || input.peek(Token![,]) {
        Ok(())
    } else {
        Err(input.error("expected `,` or the end of the options"))
    }
}

/// Skips the rest of a broken option.
fn skip_option(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        // A token tree that is there can be parsed: the error cannot happen, and would end the loop below anyway.
        if input.parse::<proc_macro2::TokenTree>().is_err() {
            return;
        }
    }
}

/// Parses the value after `key =`. `form` is what the whole should look like.
pub(crate) fn value<T>(
    key: &Ident,
    input: ParseStream<'_>,
    form: &str,
    parse: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let wrong = |span| syn::Error::new(span, format!("expected {form}"));
    input.parse::<Token![=]>().map_err(|_| wrong(key.span()))?;
    if input.is_empty() {
        return Err(wrong(key.span()));
    }
    let span = input.span();
    parse(input).map_err(|_| wrong(span))
}

/// Parses `key = "text"`.
pub(crate) fn text(key: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<LitStr> {
    value(key, input, &format!("`{key} = \"{example}\"`"), |input| {
        input.parse()
    })
}

/// Parses `crate = path`, the path of the facade under another name.
pub(crate) fn krate(key: &Ident, input: ParseStream<'_>) -> syn::Result<Path> {
    value(
        key,
        input,
        "`crate = path`, without quotes, such as `crate = ::framework::dockerflow`",
        Path::parse_mod_style,
    )
}

/// Returns the path of the facade if there is no `crate = path`.
pub(crate) fn default_crate() -> Path {
    syn::parse_quote!(::dockerflow)
}

/// Returns whether `tokens` mention `word` at any depth: enough to see an `impl` in a type.
pub(crate) fn mentions(tokens: &impl ToTokens, word: &str) -> bool {
    fn any(tokens: TokenStream, word: &str) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident == word,
            proc_macro2::TokenTree::Group(group) => any(group.stream(), word),
            _ => false,
        })
    }
    any(tokens.to_token_stream(), word)
}

/// Returns whether `tokens` have a reference or a lifetime at any depth.
pub(crate) fn borrows(tokens: &impl ToTokens) -> bool {
    fn any(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Punct(punct) => ['&', '\''].contains(&punct.as_char()),
            proc_macro2::TokenTree::Group(group) => any(group.stream()),
            _ => false,
        })
    }
    any(tokens.to_token_stream())
}
