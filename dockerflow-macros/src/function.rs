//! A function whose body is not parsed: mistakes in it are rustc's to report.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, FnArg, Signature, Type, Visibility,
    parse::{Parse, ParseStream},
};

use crate::errors::Errors;

/// `#[attributes] visibility signature { body }`.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

impl Function {
    /// Reports `const`, `unsafe` and `extern`, which the generated call could not respect.
    pub(crate) fn must_be_plain(&self, what: &str, errors: &mut Errors) {
        let signature = &self.signature;
        let qualifiers = [
            signature.constness.to_token_stream(),
            signature.safety.to_token_stream(),
            signature.abi.to_token_stream(),
        ];
        for qualifier in qualifiers.into_iter().filter(|tokens| !tokens.is_empty()) {
            let text = format!("{what} cannot be on a function that is `{qualifier}`: remove that");
            errors.push(syn::Error::new_spanned(&qualifier, text));
        }
    }

    /// Returns the `self` of a method.
    pub(crate) fn receiver(&self) -> Option<&FnArg> {
        self.signature
            .inputs
            .first()
            .filter(|argument| matches!(argument, FnArg::Receiver(_)))
    }

    /// Returns the types of the arguments, without `self`.
    pub(crate) fn argument_types(&self) -> impl Iterator<Item = &Type> {
        self.signature
            .inputs
            .iter()
            .filter_map(|argument| match argument {
                FnArg::Typed(typed) => Some(&*typed.ty),
                FnArg::Receiver(_) => None,
            })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            attributes,
            visibility,
            signature,
            body,
        } = self;
        for attribute in attributes {
            attribute.to_tokens(tokens);
        }
        visibility.to_tokens(tokens);
        signature.to_tokens(tokens);
        body.to_tokens(tokens);
    }
}

/// Returns the span of the token that says what kind of item this is: `struct`, `impl`, …
pub(crate) fn keyword(item: &TokenStream) -> Span {
    let keywords = [
        "struct",
        "enum",
        "union",
        "trait",
        "impl",
        "mod",
        "type",
        "const",
        "static",
        "use",
        "macro_rules",
    ];
    let found = item.clone().into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if keywords.iter().any(|keyword| ident == keyword) => {
            Some(ident.span())
        }
        _ => None,
    });
    found.unwrap_or_else(|| {
        item.clone()
            .into_iter()
            .next()
            .map_or_else(Span::call_site, |token| token.span())
    })
}
