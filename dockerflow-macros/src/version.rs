//! What `version!()` expands to: the facts of the build as a literal, and what makes Cargo build anew when they change.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::Path;

use crate::{errors::Errors, facts::Facts, options, sources::Sources};

// version!()
// version!(crate = path)

/// The expansion; where something is wrong, that.
pub(crate) fn expand(arguments: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut krate = options::default_crate();
    options::parse(
        arguments,
        "`crate = …` alone",
        &mut errors,
        |key, input| (key == "crate").then(|| options::krate(key, input).map(|path| krate = path)),
    );
    if !errors.is_empty() {
        return errors.into_compile_errors();
    }
    literal(&krate, &mut Sources::of_this_build())
}

/// The literal, after all that it was made from: rustc notes each variable and file in its dependency list, by which Cargo
/// knows that the crate is out of date. As `const _`, nothing of them reaches the program.
fn literal(krate: &Path, sources: &mut Sources) -> TokenStream {
    let facts = match Facts::find(sources) {
        Ok(facts) => facts,
        Err(problems) => {
            let mut errors = Errors::default();
            for problem in problems {
                errors.push(syn::Error::new(Span::call_site(), problem));
            }
            return errors.into_compile_errors();
        }
    };
    let Facts {
        source,
        version,
        commit,
        build,
    } = facts;
    let (variables, files) = (sources.variables(), sources.files());
    quote_spanned! {Span::mixed_site()=> {
        const _: &[::core::option::Option<&::core::primitive::str>] = &[#(::core::option_env!(#variables)),*];
        #(const _: &[::core::primitive::u8] = ::core::include_bytes!(#files);)*
        #krate::__private::Version::new(#source, #version, #commit, #build)
    }}
}
