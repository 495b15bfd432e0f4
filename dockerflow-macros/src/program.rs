//! `#[main]`: an `async fn` becomes the `main` of a program.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Path, ReturnType, spanned::Spanned as _};

use crate::{
    errors::Errors,
    function::{self, Function},
    options,
};

const WRITE: &str = "write `async fn main(server: Server) -> Result<(), Error>`";

// #[main]
// #[main(crate = path)]

pub(crate) fn expand(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut krate = options::default_crate();
    options::parse(
        attribute,
        "`crate = …` alone",
        &mut errors,
        |key, input| (key == "crate").then(|| options::krate(key, input).map(|path| krate = path)),
    );
    let output = if let Ok(function) = syn::parse2::<Function>(item.clone()) {
        validate(&function, &mut errors);
        if errors.is_empty() {
            program(&function, &krate)
        } else {
            stub(&function)
        }
    } else {
        let text = format!("`#[main]` belongs on a function: {WRITE}");
        errors.push(syn::Error::new(function::keyword(item), text));
        item.clone()
    };
    let errors = errors.into_compile_errors();
    quote!(#output #errors)
}

fn validate(function: &Function, errors: &mut Errors) {
    let signature = &function.signature;
    if let Some(receiver) = function.receiver() {
        let text =
            format!("`#[main]` cannot be on a method: move it out of the `impl`, and {WRITE}");
        errors.push(syn::Error::new_spanned(receiver, text));
        return;
    }
    function.must_be_plain("`#[main]`", errors);
    if signature.asyncness.is_none() {
        let text = format!("`#[main]` needs an `async fn`: {WRITE}");
        errors.push(syn::Error::new_spanned(signature.fn_token, text));
    }
    if !signature.generics.params.is_empty() {
        let text = format!("a program has one `main`, which cannot be generic: {WRITE}");
        errors.push(syn::Error::new_spanned(&signature.generics, text));
    }
    match signature.inputs.len() {
        0 => {
            let text = format!("`#[main]` passes the server to the function: {WRITE}");
            errors.push(syn::Error::new(signature.paren_token.span.join(), text));
        }
        1 => {}
        _ => {
            let text = format!("`#[main]` passes one argument, the server: {WRITE}");
            errors.push(syn::Error::new_spanned(&signature.inputs[1], text));
        }
    }
    if let ReturnType::Default = signature.output {
        let text = format!("`#[main]` needs a result, from which the exit code follows: {WRITE}");
        errors.push(syn::Error::new_spanned(&signature.ident, text));
    }
}

/// Returns the function inside one that runs it.
fn program(function: &Function, krate: &Path) -> TokenStream {
    let Function {
        attributes,
        visibility,
        signature,
        body,
    } = function;
    let ident = &signature.ident;
    // An error about the function's type is reported at its argument, not at the attribute.
    let mut serve = ident.clone();
    serve.set_span(signature.inputs.span().resolved_at(ident.span()));
    quote! {
        #(#attributes)*
        #visibility fn #ident() -> ::std::process::ExitCode {
            #signature #body
            #krate::Program::new(#krate::version!(crate = #krate)).run(#serve)
        }
    }
}

/// Returns a function of the same name that compiles, so that the mistake is the only error. The function itself is inside, so that
/// nothing that it uses is unused.
fn stub(function: &Function) -> TokenStream {
    if function.receiver().is_some() {
        return function.to_token_stream();
    }
    let Function {
        visibility,
        signature,
        ..
    } = function;
    let ident = &signature.ident;
    quote! {
        #[allow(unused)]
        #visibility fn #ident() {
            #function
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(attribute: TokenStream, item: &TokenStream, expected: &Expect) {
        crate::tests::check(item, expand(attribute, item), expected);
    }

    #[test]
    fn an_async_main_is_run_by_a_program() {
        check(
            quote!(),
            &quote! {
                /// Documented.
                async fn main(server: Server) -> Result<(), Error> { server.run(app).await }
            },
            &expect![["
                /// Documented.
                fn main() -> ::std::process::ExitCode {
                    async fn main(server: Server) -> Result<(), Error> {
                        server.run(app).await
                    }
                    ::dockerflow::Program::new(::dockerflow::version!(crate = ::dockerflow)).run(main)
                }
            "]],
        );
    }

    #[test]
    fn the_facade_may_have_another_path_and_the_function_another_name() {
        check(
            quote!(crate = ::framework::df),
            &quote! {
                pub async fn start(server: Server) -> Result<(), Error> { server.run(app).await }
            },
            &expect![["
                pub fn start() -> ::std::process::ExitCode {
                    async fn start(server: Server) -> Result<(), Error> {
                        server.run(app).await
                    }
                    ::framework::df::Program::new(::framework::df::version!(crate = ::framework::df))
                        .run(start)
                }
            "]],
        );
    }
}
