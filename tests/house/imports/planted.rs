//! The check itself: does it see an arrow of each kind, and none where there is none?

use std::collections::BTreeMap;

use crate::{
    crate_of_files::Crate,
    rules::{Rules, circles},
};

const TABLE: &str = "
| folder | answers | may import |
|---|---|---|
| `low.rs` | | |
| `middle/` | | `low.rs` |
| `high/` | | all above |
| `lib.rs` | | all above |
";

/// A crate with the files of the house, in which `middle/part.rs` is this.
fn with(part: &str) -> Crate {
    with_files(&[("middle/part.rs", part)])
}

fn with_files(files: &[(&str, &str)]) -> Crate {
    let mut all = BTreeMap::from([
        (
            "lib.rs",
            "mod low; mod middle; mod high; pub use high::Thing as Named; pub struct Root;",
        ),
        (
            "low.rs",
            "pub(crate) struct Low; pub(crate) mod inner { pub struct Inner; }",
        ),
        (
            "middle/mod.rs",
            "mod part; mod other; pub(crate) use part::Part; pub(crate) use other::*;",
        ),
        ("middle/part.rs", ""),
        ("middle/other.rs", "pub(crate) struct Other;"),
        (
            "high/mod.rs",
            "mod deep; pub(crate) use crate::low::Low as Passed; pub struct Thing;",
        ),
        ("high/deep.rs", ""),
    ]);
    all.extend(files.iter().copied());
    Crate::read(&|file| all.get(file).map(|text| (*text).to_owned()))
}

#[test]
fn an_arrow_of_each_kind_is_seen() {
    for part in [
        "use crate::high::Thing;",
        "use crate::high;",
        "use crate::{high::{self}, low::Low};",
        "use crate::high::*;",
        "use crate::high::Thing as _;",
        "pub use crate::high::Thing;",
        "pub(crate) use super::super::high::Thing as Other;",
        "use crate::high::Passed;",
        "use crate::Named;",
        "use crate::Root;",
        "fn f() { use crate::high::Thing; }",
        "fn f() { crate::high::thing() }",
        "fn f() { let _ = super::super::high::Thing; }",
        "fn f(_: crate::high::Thing) {}",
        "fn f() -> Vec<Option<crate::high::Thing>> { Vec::new() }",
        "fn f<T: crate::high::Trait>() {}",
        "fn f<T>() where T: Into<crate::high::Thing> {}",
        "impl crate::high::Trait for u8 {}",
        "impl<T> From<crate::high::Thing> for Own<T> {}",
        "const C: &[crate::high::Thing] = &[];",
        "fn f(x: u8) { match x { crate::high::CONSTANT => {} _ => {} } }",
        "fn f() { crate::high::made!() }",
        "fn f() { println!(\"{}\", crate::high::NUMBER) }",
        "fn f() { vec![(1, [super::super::high::NUMBER])]; }",
        "macro_rules! made { () => { $crate::high::thing() } }",
        "macro_rules! made { () => { use crate::high::{Thing, Other}; } }",
        "#[serde(with = \"crate::high\")] struct S;",
        "#[crate::high::attribute] struct S;",
        "#[derive(crate::high::Derive)] struct S;",
        "mod inner { use super::super::super::high::Thing; }",
        "mod inner { mod more { fn f() { crate::high::thing() } } }",
        "#[cfg(test)] mod tests { use crate::high::Thing; }",
        "use crate as all; fn f() { all::high::thing() }",
        "use super::super as all; use all::high::Thing;",
        "async fn f() { async { crate::high::thing().await } }",
        "fn f() { let _ = <crate::high::Thing as Default>::default(); }",
        "fn f() { let _ = |x: crate::high::Thing| x; }",
        "static S: fn() -> crate::high::Thing = f;",
        "trait T { type A: crate::high::Trait; }",
        "extern \"C\" { fn f(_: crate::high::Thing); }",
        "type A = dyn Fn(&crate::high::Thing);",
    ] {
        let faults = Rules::read(TABLE).forbidden(&with(part));
        assert!(!faults.is_empty(), "not seen: {part}");
        assert!(
            faults
                .iter()
                .all(|fault| fault.starts_with("middle/part.rs:1: ")),
            "{part}: {faults:?}"
        );
    }
}

#[test]
fn what_is_allowed_or_outside_is_not_an_arrow() {
    for part in [
        "use crate::low::{Low, inner::Inner};",
        "use super::Other;",
        "use super::other::Other;",
        "/// [`crate::high::Thing`]\nstruct S;",
        "pub(in crate::middle) struct S;",
        "use ::high::Thing;",
        "use high::Thing;",
        "fn f() { high::thing(); ::crate_of_others::high::thing() }",
        "fn f() { println!(\"crate::high::Thing\") }",
        "mod high { pub struct Thing; } use high::Thing;",
        "use self::own::high; mod own { pub mod high {} }",
    ] {
        let faults = Rules::read(TABLE).forbidden(&with(part));
        assert_eq!(faults, <[String; 0]>::default(), "{part}");
        let circles = circles(&with(part));
        assert_eq!(circles, <[String; 0]>::default(), "{part}");
    }
}

#[test]
fn a_circle_is_seen_however_long_and_named_by_its_arrows() {
    for (files, length) in [
        // two files of a folder
        (
            vec![
                (
                    "middle/part.rs",
                    "use super::other::Other; pub struct Part;",
                ),
                ("middle/other.rs", "use super::part::Part;"),
            ],
            2,
        ),
        // a folder's own file and one in it
        (
            vec![
                ("middle/part.rs", "use super::Own; pub struct Part;"),
                (
                    "middle/mod.rs",
                    "mod part; mod other; use part::Part; pub struct Own;",
                ),
            ],
            2,
        ),
        // without a `use`
        (
            vec![
                ("middle/part.rs", "fn f() { super::own() } pub fn part() {}"),
                (
                    "middle/mod.rs",
                    "mod part; mod other; fn own() { part::part() }",
                ),
            ],
            2,
        ),
        // by way of a re-export
        (
            vec![
                ("middle/part.rs", "use super::Other; pub struct Part;"),
                ("middle/other.rs", "use super::Part; pub struct Other;"),
            ],
            2,
        ),
        // in a module inside the file
        (
            vec![
                (
                    "middle/part.rs",
                    "mod inner { use crate::middle::Other; } pub struct Part;",
                ),
                (
                    "middle/other.rs",
                    "fn f(_: super::Part) {}\npub struct Other;",
                ),
            ],
            2,
        ),
        // three files of two folders
        (
            vec![
                ("middle/part.rs", "use super::Other; pub struct Part;"),
                ("middle/other.rs", "use crate::low::Low; pub struct Other;"),
                ("low.rs", "use crate::middle::Part; pub struct Low;"),
            ],
            3,
        ),
    ] {
        let found = circles(&with_files(&files));
        assert_eq!(found.len(), 1, "{files:?}: {found:?}");
        assert_eq!(found[0].lines().count(), 1 + length, "{files:?}: {found:?}");
    }
}

#[test]
fn a_folder_that_the_table_does_not_have_is_a_fault() {
    let found = Rules::read(TABLE).forbidden(&with_files(&[
        ("lib.rs", "mod low; mod middle; mod high; mod attic;"),
        ("attic.rs", ""),
    ]));
    assert_eq!(found, ["the table does not have \"attic\""]);
}
