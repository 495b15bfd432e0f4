//! `#[health_check]`: a function is registered as a check. The function itself is unchanged.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{
    GenericParam, Ident, LitStr, Path, ReturnType, Type, ext::IdentExt as _, spanned::Spanned as _,
};

use crate::{
    errors::Errors,
    function::{self, Function},
    options, place,
};

const WRITE: &str = "write `async fn database(pool: web::Data<Pool>) -> Result<(), Error>`, or the same as a plain `fn`";
const LEVELS: [(&str, &str); 5] = [
    ("debug", "Debug"),
    ("info", "Info"),
    ("warning", "Warning"),
    ("error", "Error"),
    ("critical", "Critical"),
];

/// The options.
///
/// ```text
/// name = "text"
/// level = debug | info | warning | error | critical
/// timeout = "500ms"
/// crate = path
/// ```
struct Options {
    krate: Path,
    name: Option<LitStr>,
    level: Option<Ident>,
    timeout: Option<u64>,
}

/// Expands the attribute on `item`, which stands in the source file `text`.
pub(crate) fn expand(attribute: TokenStream, item: &TokenStream, text: &str) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(attribute, &mut errors);
    let mut registered = TokenStream::new();
    if let Ok(function) = syn::parse2::<Function>(item.clone()) {
        validate(&function, text, &mut errors);
        if errors.is_empty() {
            registered = registration(&function, &options);
        }
    } else {
        let text = format!("`#[health_check]` belongs on a function: {WRITE}");
        errors.push(syn::Error::new(function::keyword(item), text));
    }
    let errors = errors.into_compile_errors();
    quote!(#registered #item #errors)
}

impl Options {
    fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut found = Self {
            krate: options::default_crate(),
            name: None,
            level: None,
            timeout: None,
        };
        options::parse(
            tokens,
            "`name = \"…\"`, `level = …`, `timeout = \"…\"` or `crate = …`",
            errors,
            |key, input| {
                Some(match key.to_string().as_str() {
                    "crate" => options::krate(key, input).map(|path| found.krate = path),
                    "name" => options::text(key, input, "database")
                        .and_then(not_empty)
                        .map(|name| found.name = Some(name)),
                    "level" => {
                        let form = "`level = warning`, or `debug`, `info`, `error`, `critical`, without quotes";
                        options::value(key, input, form, |input| input.call(level))
                            .map(|level| found.level = Some(level))
                    }
                    "timeout" => options::text(key, input, "500ms")
                        .and_then(|text| milliseconds(&text))
                        .map(|timeout| found.timeout = Some(timeout)),
                    _ => return None,
                })
            },
        );
        found
    }
}

fn level(input: syn::parse::ParseStream<'_>) -> syn::Result<Ident> {
    let written: Ident = input.parse()?;
    let found = LEVELS.iter().find(|(name, _)| written == name);
    found
        .map(|(_, variant)| Ident::new(variant, written.span()))
        .ok_or_else(|| input.error("no level"))
}

fn not_empty(name: LitStr) -> syn::Result<LitStr> {
    if name.value().trim().is_empty() {
        return Err(syn::Error::new(
            name.span(),
            "the name of a check cannot be empty",
        ));
    }
    Ok(name)
}

fn milliseconds(text: &LitStr) -> syn::Result<u64> {
    let value = text.value();
    let digits = value.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = match &value[digits.len()..] {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    let time = unit
        .and_then(|unit: u64| digits.parse::<u64>().ok()?.checked_mul(unit))
        .filter(|time| *time > 0);
    time.ok_or_else(|| {
        let remedy = "write a whole number and a unit, such as \"500ms\", \"2s\" or \"1m\"";
        syn::Error::new(
            text.span(),
            format!("{value:?} is not a duration above zero: {remedy}"),
        )
    })
}

fn validate(function: &Function, text: &str, errors: &mut Errors) {
    let signature = &function.signature;
    function.must_be_plain("`#[health_check]`", errors);
    if let Some(receiver) = function.receiver() {
        let text = format!(
            "`#[health_check]` cannot be on a method: move it out of the `impl`, and {WRITE}"
        );
        errors.push(syn::Error::new_spanned(receiver, text));
    } else if place::is_in_impl(text, "health_check", &signature.ident.to_string()) {
        let text = format!(
            "`#[health_check]` cannot be on an associated function: move it out of the `impl`, and {WRITE}"
        );
        errors.push(syn::Error::new_spanned(&signature.ident, text));
    }
    let generic = signature
        .generics
        .params
        .iter()
        .find(|parameter| !matches!(parameter, GenericParam::Lifetime(_)));
    if let Some(parameter) = generic {
        let text = "a health check cannot be generic: write a type in place of the parameter";
        errors.push(syn::Error::new_spanned(parameter, text));
    }
    for argument in function.argument_types() {
        if let Type::ImplTrait(argument) = argument {
            let text = "a health check cannot take `impl Trait`: write the extractor's type, such as `web::Data<Pool>`";
            errors.push(syn::Error::new_spanned(argument, text));
        }
    }
}

/// Returns a function that defines the check and puts it into the program's registry.
fn registration(function: &Function, options: &Options) -> TokenStream {
    let Options {
        krate,
        name,
        level,
        timeout,
    } = options;
    let private = quote!(#krate::__private);
    let visibility = &function.visibility;
    let ident = &function.signature.ident;
    let companion = companion(ident);
    let name = name
        .clone()
        .unwrap_or_else(|| LitStr::new(&ident.unraw().to_string(), ident.span()));
    let kind = if function.signature.asyncness.is_some() {
        quote!(asynchronous)
    } else {
        quote!(blocking)
    };
    // A wrong argument is reported at its type, a wrong result at the result.
    let inputs = function
        .argument_types()
        .map(|argument| quote_spanned!(argument.span()=> #private::input::<#argument>()));
    let mut check = ident.clone();
    if let ReturnType::Type(_, returned) = &function.signature.output {
        check.set_span(returned.span().resolved_at(ident.span()));
    }
    let level = level
        .iter()
        .map(|level| quote!(.worst(#private::Level::#level)));
    let timeout = timeout
        .iter()
        .map(|milliseconds| quote!(.timeout(#milliseconds)));
    // Extractors are values, and only an `async fn` may take one by value without a lint.
    let by_value = quote!(#[allow(clippy::needless_pass_by_value)]);
    let by_value = function.signature.asyncness.is_none().then_some(by_value);
    quote! {
        #[doc(hidden)]
        #visibility fn #companion() -> #private::Definition {
            let __inputs = (#(#inputs,)*);
            #private::Definition::#kind(#name, __inputs, #check) #(#level)* #(#timeout)*
        }
        #private::register!(#companion);
        #by_value
    }
}

/// Returns the name of the function beside the check `ident` that defines it.
pub(crate) fn companion(ident: &Ident) -> Ident {
    format_ident!("__health_check_{}", ident.unraw(), span = ident.span())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(attribute: TokenStream, item: &TokenStream, expected: &Expect) {
        crate::tests::check(item, expand(attribute, item, ""), expected);
    }

    #[test]
    fn an_async_check_is_registered_and_stays_as_it_is() {
        check(
            quote!(),
            &quote! {
                /// Documented.
                pub async fn database(pool: web::Data<Pool>) -> Result<(), Error> { pool.ping().await }
            },
            &expect![[r#"
                #[doc(hidden)]
                pub fn __health_check_database() -> ::dockerflow::__private::Definition {
                    let __inputs = (::dockerflow::__private::input::<web::Data<Pool>>(),);
                    ::dockerflow::__private::Definition::asynchronous("database", __inputs, database)
                }
                ::dockerflow::__private::register!(__health_check_database);
                /// Documented.
                pub async fn database(pool: web::Data<Pool>) -> Result<(), Error> {
                    pool.ping().await
                }
            "#]],
        );
    }

    #[test]
    fn a_plain_check_with_every_option() {
        check(
            quote!(
                name = "disk space",
                level = warning,
                timeout = "2s",
                crate = ::framework::df
            ),
            &quote!(
                fn r#try(path: web::Data<Folder>, limit: web::Data<Limit>) {}
            ),
            &expect![[r#"
                #[doc(hidden)]
                fn __health_check_try() -> ::framework::df::__private::Definition {
                    let __inputs = (
                        ::framework::df::__private::input::<web::Data<Folder>>(),
                        ::framework::df::__private::input::<web::Data<Limit>>(),
                    );
                    ::framework::df::__private::Definition::blocking("disk space", __inputs, r#try)
                        .worst(::framework::df::__private::Level::Warning)
                        .timeout(2000u64)
                }
                ::framework::df::__private::register!(__health_check_try);
                #[allow(clippy::needless_pass_by_value)]
                fn r#try(path: web::Data<Folder>, limit: web::Data<Limit>) {}
            "#]],
        );
    }
}
