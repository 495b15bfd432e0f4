//! The macros of the [`dockerflow`](https://docs.rs/dockerflow) crate: use them through it, where their documentation is.

use proc_macro::TokenStream;

mod errors;
mod function;
mod health_check;
mod options;
mod place;
mod program;
mod service;
mod version;

#[allow(missing_docs)] // documented where it is re-exported
#[proc_macro_attribute]
pub fn service(attribute: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(attribute.into(), &item.into(), &source_file()).into()
}

#[allow(missing_docs)] // documented where it is re-exported
#[proc_macro_attribute]
pub fn health_check(attribute: TokenStream, item: TokenStream) -> TokenStream {
    health_check::expand(attribute.into(), &item.into(), &source_file()).into()
}

/// Returns the text of the source file that the attribute stands in. An editor's analysis has none.
fn source_file() -> String {
    let file = proc_macro::Span::call_site().local_file();
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    text.unwrap_or_default()
}

#[allow(missing_docs)] // documented where it is re-exported
#[proc_macro_attribute]
pub fn main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    program::expand(attribute.into(), &item.into()).into()
}

#[allow(missing_docs)] // documented where it is re-exported
#[proc_macro]
pub fn version(arguments: TokenStream) -> TokenStream {
    version::expand(arguments.into()).into()
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;

    /// Compares an expansion with what a reviewer read, and counts what it adds to the item: at most twelve lines.
    pub(crate) fn check(
        item: &TokenStream,
        expansion: TokenStream,
        expected: &expect_test::Expect,
    ) {
        let [item, expansion] = [item.clone(), expansion].map(|tokens| {
            prettyplease::unparse(&syn::parse2(tokens).expect("what macros take and give is items"))
        });
        let added = expansion.lines().count() - item.lines().count();
        assert!(added <= 12, "{added} generated lines:\n{expansion}");
        expected.assert_eq(&expansion);
    }
}
