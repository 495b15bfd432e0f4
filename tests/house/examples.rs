//! Does each public item of the facade have an example that uses the facade?
//!
//! The example is in the documentation of the item itself. That of a method may also be in the
//! documentation of its type, if it is called there. An item that is `pub` only for generated code
//! is `#[doc(hidden)]`.

use std::{fs, path::Path};

use syn::{
    Attribute, Expr, Ident, ImplItem, Item, Lit, Meta, TraitItem, Type, UseTree, Visibility,
};

/// A public item or method.
struct Documented {
    /// The type or the trait of a method.
    owner: Option<String>,
    name: String,
    place: String,
    /// The lines of its examples that a reader sees.
    examples: String,
}

#[derive(Default)]
struct Sources {
    items: Vec<Documented>,
    /// The file that is read.
    file: String,
}

impl Sources {
    /// Reads all files in a folder and below it.
    fn read(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.read(&path);
            } else if path.extension() == Some("rs".as_ref()) && !path.ends_with("fuzzing.rs") {
                let text = fs::read_to_string(&path).expect("a source");
                self.file = path.display().to_string();
                let file = syn::parse_file(&text).expect("it parses");
                file.items.iter().for_each(|item| self.item(item));
            }
        }
    }

    fn item(&mut self, item: &Item) {
        let (name, attributes, visibility) = match item {
            Item::Const(item) => (&item.ident, &item.attrs, &item.vis),
            Item::Enum(item) => (&item.ident, &item.attrs, &item.vis),
            Item::Fn(item) => (&item.sig.ident, &item.attrs, &item.vis),
            Item::Struct(item) => (&item.ident, &item.attrs, &item.vis),
            Item::Type(item) => (&item.ident, &item.attrs, &item.vis),
            // Each macro is documented where it is re-exported.
            Item::Use(item) => match &item.tree {
                UseTree::Path(path) if path.ident == "dockerflow_macros" => {
                    (&path.ident, &item.attrs, &item.vis)
                }
                _ => return,
            },
            Item::Trait(item) => {
                for method in &item.items {
                    if let TraitItem::Fn(method) = method {
                        let name = &method.sig.ident;
                        self.add(Some(&item.ident), name, &method.attrs, &item.vis);
                    }
                }
                (&item.ident, &item.attrs, &item.vis)
            }
            Item::Impl(item) => {
                let Type::Path(own) = &*item.self_ty else {
                    return;
                };
                let owner = own.path.segments.last().map(|last| &last.ident);
                for method in &item.items {
                    if let ImplItem::Fn(method) = method {
                        self.add(owner, &method.sig.ident, &method.attrs, &method.vis);
                    }
                }
                return;
            }
            _ => return,
        };
        self.add(None, name, attributes, visibility);
    }

    fn add(&mut self, owner: Option<&Ident>, name: &Ident, docs: &[Attribute], vis: &Visibility) {
        let hides = |one: &Attribute| matches!(&one.meta, Meta::List(list) if list.tokens.to_string() == "hidden");
        if matches!(vis, Visibility::Public(_)) && !docs.iter().any(hides) {
            self.items.push(Documented {
                owner: owner.map(ToString::to_string),
                name: name.to_string(),
                place: format!("{}:{}", self.file, name.span().start().line),
                examples: examples(docs),
            });
        }
    }

    /// Returns whether the item has an example, or its type has one that calls it. A method of a
    /// hidden type needs none.
    fn has_example(&self, item: &Documented) -> bool {
        let owner =
            |one: &&Documented| one.owner.is_none() && item.owner.as_ref() == Some(&one.name);
        let mut owners = self.items.iter().filter(owner).peekable();
        !item.examples.is_empty()
            || (item.owner.is_some() && owners.peek().is_none())
            || owners.any(|one| calls(&one.examples, &item.name))
    }
}

/// Returns the visible lines of each code block that is compiled and names the facade.
fn examples(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        if let Meta::NameValue(doc) = &attribute.meta
            && let Expr::Lit(literal) = &doc.value
            && let Lit::Str(line) = &literal.lit
        {
            text += &(line.value() + "\n");
        }
    }
    let blocks = text.split("```").skip(1).step_by(2);
    let compiled = blocks.filter(|block| {
        let kind = block.lines().next().unwrap_or_default();
        ["", "no_run", "standalone_crate"].contains(&kind) && block.contains("dockerflow::")
    });
    let lines = compiled.flat_map(str::lines);
    let visible = lines.filter(|line| !line.trim_start().starts_with("# "));
    visible.collect::<Vec<_>>().join("\n")
}

/// Returns whether a text calls a method: `.name` or `::name`.
fn calls(text: &str, name: &str) -> bool {
    let goes_on = |next: char| next.is_alphanumeric() || next == '_';
    let ends = |after: &str| !after.starts_with(goes_on);
    text.split(['.', ':'])
        .any(|rest| rest.strip_prefix(name).is_some_and(ends))
}

#[test]
fn each_public_item_has_an_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = Sources::default();
    sources.read(&root.join("src"));
    sources.read(&root.join("dockerflow-runtime/src"));
    let lacks_one = |item: &&Documented| !sources.has_example(item);
    let missing = sources.items.iter().filter(lacks_one);
    let missing = missing.map(|item| format!("{}: {}", item.place, item.name));
    let missing: Vec<_> = missing.collect();
    assert!(sources.items.len() > 100, "{} items", sources.items.len());
    assert!(missing.is_empty(), "without an example: {missing:#?}");
}
