//! `#[service]`: an app factory becomes a Dockerflow service.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{
    GenericParam, Ident, LitStr, Path, PathArguments, ReturnType, Signature, Token, Type,
    parenthesized, parse::ParseStream, parse_quote,
};

use crate::{
    errors::Errors,
    function::{self, Function},
    options, place,
};

const WRITE: &str = "write `fn app() -> App { App::new() }`";

/// The options.
///
/// ```text
/// crate = path
/// checks(path, …)
/// version = "file" | main
/// ```
struct Options {
    krate: Path,
    checks: Option<Vec<Path>>,
    version: Source,
}

/// Where the version object of the service comes from.
enum Source {
    /// The facts of the crate.
    Facts,
    /// `version = "file"`.
    File(LitStr),
    /// `version = main`: the program passes its version down, and the crate need not be compiled again for each commit.
    Program,
}

/// Expands the attribute on `item`, which stands in the source file `text`.
pub(crate) fn expand(attribute: TokenStream, item: &TokenStream, text: &str) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(attribute, &mut errors);
    for check in options.checks.iter().flatten() {
        must_be_its_own_name(check, text, &mut errors);
    }
    let output = if let Ok(function) = syn::parse2::<Function>(item.clone()) {
        validate(&function, &mut errors);
        if errors.is_empty() {
            wrapped(&function, &options)
        } else {
            stub(&function, &options)
        }
    } else {
        let text = format!("`#[service]` belongs on a function that returns an `App`: {WRITE}");
        errors.push(syn::Error::new(function::keyword(item), text));
        item.clone()
    };
    let errors = errors.into_compile_errors();
    quote!(#output #errors)
}

impl Options {
    fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut found = Self {
            krate: options::default_crate(),
            checks: None,
            version: Source::Facts,
        };
        options::parse(
            tokens,
            "`checks(…)`, `version = \"…\"` or `crate = …`",
            errors,
            |key, input| {
                Some(match key.to_string().as_str() {
                    "crate" => options::krate(key, input).map(|path| found.krate = path),
                    "checks" => checks(key, input).map(|paths| found.checks = Some(paths)),
                    "version" => version(key, input).map(|source| found.version = source),
                    _ => return None,
                })
            },
        );
        found
    }
}

/// Parses `version = "file"` or `version = main`.
fn version(key: &Ident, input: ParseStream<'_>) -> syn::Result<Source> {
    let form = "`version = \"version.json\"` or `version = main`";
    options::value(key, input, form, |input| {
        if input.peek(Ident) {
            let word: Ident = input.parse()?;
            return if word == "main" {
                Ok(Source::Program)
            } else {
                Err(syn::Error::new(word.span(), ""))
            };
        }
        input.parse().map(Source::File)
    })
    .and_then(|source| match source {
        Source::File(file) => existing(file).map(Source::File),
        other => Ok(other),
    })
}

/// Parses `checks(path, …)`.
fn checks(key: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<Path>> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(
            key.span(),
            "expected `checks(one, module::other)`, the functions that have `#[health_check]`, under the names of their definitions",
        ));
    }
    let list;
    parenthesized!(list in input);
    let path = |list: ParseStream<'_>| {
        let path = list.call(Path::parse_mod_style)?;
        if list.peek(Token![as]) {
            let error = list.error(
                "a check has one name: write its path in the module that defines it, such as `checks(module::database)`, without `as`",
            );
            list.parse::<TokenStream>()?; // what is left would be another error
            return Err(error);
        }
        Ok(path)
    };
    let paths = list.parse_terminated(path, Token![,])?;
    Ok(paths.into_iter().collect())
}

/// Reports a check that is imported under another name: what its attribute adds beside it has its own.
fn must_be_its_own_name(check: &Path, text: &str, errors: &mut Errors) {
    let Some(name) = check.get_ident() else {
        return;
    };
    if let Some(path) = place::renamed(text, &name.to_string()) {
        let text = format!(
            "a check has one name, and `{name}` is another one for `{path}`: write its path in the module that defines it, `checks({path})`"
        );
        errors.push(syn::Error::new_spanned(check, text));
    }
}

/// Returns the file if it exists at that path from the manifest.
fn existing(file: LitStr) -> syn::Result<LitStr> {
    if std::path::Path::new(&file.value()).has_root() {
        let text = "expected a path relative to the folder of `Cargo.toml`: an absolute one differs between machines";
        return Err(syn::Error::new(file.span(), text));
    }
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    if std::path::Path::new(&folder).join(file.value()).is_file() {
        return Ok(file);
    }
    let text = "file not found: `version` is a path relative to the folder of `Cargo.toml`, and the file must exist when the crate is compiled";
    Err(syn::Error::new(file.span(), text))
}

fn validate(function: &Function, errors: &mut Errors) {
    let signature = &function.signature;
    function.must_be_plain("`#[service]`", errors);
    if let Some(receiver) = function.receiver() {
        let text =
            format!("`#[service]` cannot be on a method: move it out of the `impl`, and {WRITE}");
        errors.push(syn::Error::new_spanned(receiver, text));
    } else if let Some(asyncness) = &signature.asyncness {
        let text = "an app factory cannot be `async`: remove that, await in `main`, and pass the result as an argument";
        errors.push(syn::Error::new_spanned(asyncness, text));
    } else if let Some(config) = function
        .argument_types()
        .find(|argument| is_service_config(argument))
    {
        let text = "`#[service]` belongs on a function that returns an `App`: keep this one, and call it there: `fn app() -> App { App::new().configure(…) }`";
        errors.push(syn::Error::new_spanned(config, text));
    } else if let ReturnType::Type(_, returned) = &signature.output {
        if app(returned).is_none() {
            errors.push(syn::Error::new_spanned(
                returned,
                format!("`#[service]` needs a function that returns an `App`: {WRITE}"),
            ));
        }
    } else {
        let text = format!(
            "`#[service]` needs a function that returns an `App`, and this one returns nothing: {WRITE}"
        );
        errors.push(syn::Error::new_spanned(&signature.ident, text));
    }
}

/// Returns the last segment of `App` or `App<…>`, under any path.
fn app(returned: &Type) -> Option<&syn::PathSegment> {
    let Type::Path(path) = returned else {
        return None;
    };
    path.path
        .segments
        .last()
        .filter(|segment| segment.ident == "App")
}

fn is_service_config(argument: &Type) -> bool {
    let Type::Reference(reference) = argument else {
        return false;
    };
    let Type::Path(path) = &*reference.elem else {
        return false;
    };
    path.path
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "ServiceConfig")
}

/// Returns the function with its app made into a service.
fn wrapped(function: &Function, options: &Options) -> TokenStream {
    let Function {
        attributes,
        visibility,
        signature,
        body,
    } = function;
    let krate = &options.krate;
    let private = quote!(#krate::__private);
    let facts = quote!(#krate::version!(crate = #krate));
    let version = match &options.version {
        Source::Facts => quote!(#private::Embedded::facts(#facts)),
        Source::File(file) => quote!(#private::Embedded::file(#private::file!(#file), #facts)),
        Source::Program => quote!(#private::Embedded::PROGRAM),
    };
    let checks = match &options.checks {
        None => quote!(::core::option::Option::None),
        Some(paths) => {
            let companions = paths.iter().map(companion);
            quote!(::core::option::Option::Some(&[#(#companions),*]))
        }
    };
    let signature = with_full_type(signature, krate);
    quote! {
        #(#attributes)*
        #visibility #signature {
            #private::service(&#private::ServiceDefinition { version: #version, checks: #checks }, (move || #body)())
        }
    }
}

/// Returns the function without its body, so that its callers compile and the mistake is the only error.
fn stub(function: &Function, options: &Options) -> TokenStream {
    let is_app = matches!(&function.signature.output, ReturnType::Type(_, returned) if app(returned).is_some());
    if !is_app {
        return function.into_token_stream();
    }
    let Function {
        attributes,
        visibility,
        signature,
        ..
    } = &function;
    let krate = &options.krate;
    let mut signature = with_full_type(signature, krate);
    signature.constness = None; // `App::new` is not
    quote! {
        #(#attributes)*
        #[allow(unused)]
        #visibility #signature {
            #krate::__private::App::new()
        }
    }
}

/// Returns the signature with the generic argument of a bare `App`. The app does not borrow from the arguments.
fn with_full_type(signature: &Signature, krate: &Path) -> Signature {
    let mut signature = signature.clone();
    // Without a reference, `use<…>` would be redundant, which is a lint. An argument of type `impl Trait` has no name, and
    // `use<…>` must name all: such a function keeps its edition's rule.
    let borrows =
        options::borrows(&signature.inputs) || signature.generics.lifetimes().next().is_some();
    let kept = (borrows && !options::mentions(&signature.inputs, "impl")).then(|| {
        let names = signature
            .generics
            .params
            .iter()
            .filter_map(|parameter| match parameter {
                GenericParam::Type(parameter) => Some(&parameter.ident),
                GenericParam::Const(parameter) => Some(&parameter.ident),
                GenericParam::Lifetime(_) => None,
            });
        quote!(+ use<#(#names),*>)
    });
    if let ReturnType::Type(_, returned) = &mut signature.output
        && let Type::Path(path) = &mut **returned
        && let Some(last) = path.path.segments.last_mut()
        && matches!(last.arguments, PathArguments::None)
    {
        last.arguments =
            PathArguments::AngleBracketed(parse_quote!(<impl #krate::__private::AppFactory #kept>));
    }
    signature
}

/// Converts `module::check` to `module::__health_check_check`, the function that `#[health_check]` adds beside a check.
fn companion(path: &Path) -> Path {
    let mut path = path.clone();
    if let Some(last) = path.segments.last_mut() {
        last.ident = crate::health_check::companion(&last.ident);
    }
    path
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use quote::quote;

    use super::*;

    fn check(attribute: TokenStream, item: &TokenStream, expected: &Expect) {
        crate::tests::check(item, expand(attribute, item, ""), expected);
    }

    #[test]
    fn a_bare_app_is_filled_in_and_everything_else_is_kept() {
        check(
            quote!(),
            &quote! {
                /// Documented.
                pub fn app<P: Clone>(pool: &P) -> App { App::new().app_data(pool.clone()) }
            },
            &expect![[r"
                /// Documented.
                pub fn app<P: Clone>(
                    pool: &P,
                ) -> App<impl ::dockerflow::__private::AppFactory + use<P>> {
                    ::dockerflow::__private::service(
                        &::dockerflow::__private::ServiceDefinition {
                            version: ::dockerflow::__private::Embedded::facts(
                                ::dockerflow::version!(crate = ::dockerflow),
                            ),
                            checks: ::core::option::Option::None,
                        },
                        (move || { App::new().app_data(pool.clone()) })(),
                    )
                }
            "]],
        );
    }

    #[test]
    fn every_option_at_once() {
        check(
            quote!(
                crate = ::framework::df,
                checks(database, checks::cache),
                version = "Cargo.toml"
            ),
            &quote!(
                fn app() -> App<impl Anything> {
                    App::new()
                }
            ),
            &expect![[r#"
                fn app() -> App<impl Anything> {
                    ::framework::df::__private::service(
                        &::framework::df::__private::ServiceDefinition {
                            version: ::framework::df::__private::Embedded::file(
                                ::framework::df::__private::file!("Cargo.toml"),
                                ::framework::df::version!(crate = ::framework::df),
                            ),
                            checks: ::core::option::Option::Some(
                                &[__health_check_database, checks::__health_check_cache],
                            ),
                        },
                        (move || { App::new() })(),
                    )
                }
            "#]],
        );
    }
}
