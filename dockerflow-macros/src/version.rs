//! `version!()`: the facts of the build as a literal, and what makes Cargo rebuild when they change.

use dockerflow_build_facts::{Facts, Inputs};
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use crate::{errors::Errors, options};

// version!()
// version!(crate = path)

/// Returns a `Version`, and beside it a compile error for each mistake.
///
/// rustc puts each variable and file into its list of dependencies, by which Cargo knows that the crate is out of date. They are
/// in a function that nobody calls, so that none of them reaches a program, or the metadata of a library, as a constant would.
pub(crate) fn expand(arguments: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut krate = options::default_crate();
    options::parse(
        arguments,
        "`crate = …` alone",
        &mut errors,
        |key, input| (key == "crate").then(|| options::krate(key, input).map(|path| krate = path)),
    );
    let mut inputs = Inputs::of_this_build();
    let Facts {
        source,
        version,
        commit,
        build,
    } = Facts::find(&mut inputs).unwrap_or_else(|problems| {
        for problem in problems {
            errors.push(syn::Error::new(Span::call_site(), problem));
        }
        Facts::default()
    });
    let (variables, files) = (inputs.variables(), inputs.files());
    let errors = errors.into_compile_errors();
    quote_spanned! {Span::mixed_site()=> {
        #errors
        fn _sources() {
            let _: &[::core::option::Option<&::core::primitive::str>] = &[#(::core::option_env!(#variables)),*];
            let _: &[&[::core::primitive::u8]] = &[#(::core::include_bytes!(#files)),*];
        }
        #krate::__private::Version::new(#source, #version, #commit, #build)
    }}
}
