//! What the tokens that an attribute gets do not show, and its source file does: whether a function stands in an `impl` or a `trait`,
//! and under which name something was imported.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::UseTree;

/// Returns whether each function called `name` that has the attribute `attribute` stands in an `impl` or a `trait` in this source
/// file, and there is one.
///
/// If there is another one outside, or if the text cannot be read, nothing is known: the compiler then reports that the function is
/// not in scope.
pub(crate) fn is_in_impl(text: &str, attribute: &str, name: &str) -> bool {
    let mut places = Vec::new();
    if let Ok(tokens) = text.parse() {
        find(tokens, attribute, name, false, &mut places);
    }
    !places.is_empty() && places.into_iter().all(|is_in_impl| is_in_impl)
}

/// Puts into `places`, for each such function, whether the braces around it are those of an `impl` or a `trait`. `around` says so
/// of the braces around `tokens`.
fn find(tokens: TokenStream, attribute: &str, name: &str, around: bool, places: &mut Vec<bool>) {
    let mut item = Item::default();
    for token in tokens {
        match &token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let is_impl = item.kind.as_deref().is_some_and(is_impl);
                find(group.stream(), attribute, name, is_impl, places);
                item = Item::default();
            }
            TokenTree::Group(group) => {
                let stream = group.stream();
                item.has_attribute |= group.delimiter() == Delimiter::Bracket
                    && crate::options::mentions(&stream, attribute);
                find(stream, attribute, name, around, places);
            }
            TokenTree::Ident(word) => {
                let word = word.to_string();
                if item.kind.as_deref() == Some("fn") && item.has_attribute && word == name {
                    places.push(around);
                }
                item.add(word);
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => item = Item::default(),
            _ => {}
        }
    }
}

/// Returns the path of what this source file imports as `name`, if it has another name there. Nothing is known if the file has a
/// function `name` of its own, or if the text cannot be read.
pub(crate) fn renamed(text: &str, name: &str) -> Option<String> {
    let tokens: TokenStream = text.parse().ok()?;
    let mut found = None;
    let defined = find_renamed(tokens, name, &mut found);
    found.filter(|_| !defined)
}

/// Puts the path into `found`, and returns whether there is a function `name`.
fn find_renamed(tokens: TokenStream, name: &str, found: &mut Option<String>) -> bool {
    let mut defined = false;
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => defined |= find_renamed(group.stream(), name, found),
            TokenTree::Ident(word) if word == "fn" => {
                let next = tokens.next();
                defined |= matches!(next, Some(TokenTree::Ident(function)) if function == name);
            }
            TokenTree::Ident(word) if word == "use" => {
                let is_end = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';');
                let tree = tokens.by_ref().take_while(|token| !is_end(token)).collect();
                if let Ok(tree) = syn::parse2::<UseTree>(tree) {
                    find_in_tree(&tree, "", name, found);
                }
            }
            _ => {}
        }
    }
    defined
}

fn find_in_tree(tree: &UseTree, path: &str, name: &str, found: &mut Option<String>) {
    match tree {
        UseTree::Path(tree) => {
            find_in_tree(&tree.tree, &format!("{path}{}::", tree.ident), name, found);
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                find_in_tree(tree, path, name, found);
            }
        }
        UseTree::Rename(rename) if rename.rename == name => {
            *found = Some(format!("{path}{}", rename.ident));
        }
        _ => {}
    }
}

fn is_impl(kind: &str) -> bool {
    ["impl", "trait"].contains(&kind)
}

/// What is known of an item from its tokens so far.
#[derive(Default)]
struct Item {
    has_attribute: bool,
    /// The word that says what it is: `fn`, `impl`, …
    kind: Option<String>,
}

impl Item {
    fn add(&mut self, word: String) {
        let before = [
            "pub", "unsafe", "default", "auto", "const", "async", "extern",
        ];
        if self.kind.is_none() && !before.contains(&&*word) {
            self.kind = Some(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_of_an_impl_or_a_trait_is_found_and_one_of_a_module_is_not() {
        for (expected, text) in [
            (true, "impl Pool { #[health_check] async fn usable() {} }"),
            (
                true,
                "unsafe impl<T> Usable for Pool<T> where T: Fn() -> u8 { #[dockerflow::health_check(level = info)] pub(crate) fn usable() {} }",
            ),
            (
                true,
                "#[doc = \"x\"] pub unsafe auto trait Usable { const X: u8 = 1; #[health_check] fn usable(); }",
            ),
            (
                true,
                "fn main() { impl Pool { fn other() {} #[health_check] fn usable() {} } }",
            ),
            (
                false,
                "#[health_check] async fn usable() {} impl Pool { fn usable() {} }",
            ),
            (false, "mod checks { #[health_check] fn usable() {} }"),
            (
                false,
                "impl Pool { fn run() -> impl Debug { #[health_check] fn usable() {} } }",
            ),
            (
                false,
                "impl Pool { const X: () = { #[health_check] fn usable() {} }; }",
            ),
            (
                false,
                "impl Pool { #[health_check] fn usable() {} } #[health_check] fn usable() {}",
            ),
            (
                false,
                "impl Pool { #[health_check] fn other() {} fn usable() {} }",
            ),
            (
                false,
                "struct Impl { usable: fn() } fn impl_of() -> impl Debug { } #[health_check] fn usable() {}",
            ),
            (false, "impl Pool { \" fn usable"),
            (false, ""),
        ] {
            assert_eq!(
                is_in_impl(text, "health_check", "usable"),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_check_that_is_imported_under_another_name_is_found() {
        for (expected, text) in [
            (Some("checks::database"), "use checks::database as db;"),
            (
                Some("crate::checks::database"),
                "mod app { pub(crate) use crate::{other, checks::{database as db, cache}}; fn app() {} }",
            ),
            (Some("database"), "fn main() { use database as db; }"),
            (None, "use checks::db;"),
            (None, "use checks::database as other;"),
            (None, "use checks::database as db; async fn db() {}"),
            (None, "fn app() -> impl App + use<> { x as db; }"),
            (None, "use checks::{database as db"),
            (None, ""),
        ] {
            assert_eq!(renamed(text, "db").as_deref(), expected, "{text}");
        }
    }
}
