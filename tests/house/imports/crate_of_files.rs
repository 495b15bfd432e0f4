//! A crate as a tree of modules, and the arrows between its files: from each path to what it names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, Meta, UseTree, VisRestricted, visit::Visit};

/// The path of a module from the root of the crate, or a path as it is written.
type Segments = Vec<String>;

/// A path that leads from one file to another.
#[derive(Debug)]
pub(crate) struct Arrow {
    pub(crate) from_file: String,
    /// The file that defines what the path names.
    pub(crate) to_file: String,
    pub(crate) from_room: String,
    /// The folder that defines it, and those on the way that only re-export it.
    pub(crate) rooms: BTreeSet<String>,
    line: usize,
    written: String,
}

impl fmt::Display for Arrow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from_file,
            line,
            written,
            to_file,
            ..
        } = self;
        write!(formatter, "{from_file}:{line}: `{written}` in {to_file}")
    }
}

/// All modules of a crate.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    modules: BTreeMap<Segments, Module>,
    /// Macros that are exported stand in the root, wherever they are defined.
    macros: BTreeMap<String, Segments>,
}

#[derive(Debug, Default)]
struct Module {
    file: String,
    items: BTreeSet<String>,
    names: BTreeMap<String, Segments>,
    globs: Vec<Segments>,
    paths: Vec<(Segments, usize)>,
}

impl Crate {
    /// Reads a crate from its `lib.rs` on. `source` returns the text of a file by its path from there, if there is one.
    pub(crate) fn read(source: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut all = Self::default();
        let text = source("lib.rs").expect("a lib.rs");
        let mut reader = Reader {
            all: &mut all,
            source,
            file: "lib.rs".to_owned(),
            folder: String::new(),
            module: Vec::new(),
        };
        reader.file(&text);
        all
    }

    /// Returns the names of the folders, and of the files beside them.
    pub(crate) fn rooms(&self) -> BTreeSet<String> {
        self.modules.keys().map(|module| room(module)).collect()
    }

    /// Returns every path that leads to a module of this crate.
    pub(crate) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (from, module) in &self.modules {
            for (written, line) in &module.paths {
                let mut passed = Vec::new();
                let Some(to) = self.resolve(from, written, &mut passed, 0) else {
                    continue;
                };
                passed.push(to.clone());
                arrows.push(Arrow {
                    from_file: module.file.clone(),
                    to_file: self.modules[&to].file.clone(),
                    from_room: room(from),
                    rooms: passed.iter().map(|module| room(module)).collect(),
                    line: *line,
                    written: written.join("::"),
                });
            }
        }
        arrows
    }

    /// The module that defines what a path written in `from` names; `None` outside this crate. Modules that re-export it are `passed`.
    fn resolve(
        &self,
        from: &[String],
        path: &[String],
        passed: &mut Vec<Segments>,
        depth: usize,
    ) -> Option<Segments> {
        let (first, rest) = path.split_first()?;
        let mut here = from.to_vec();
        let rest = match &**first {
            "crate" => {
                here.clear();
                rest
            }
            "self" => rest,
            "super" => {
                here.pop();
                let mut rest = rest;
                while let Some(("super", after)) =
                    rest.split_first().map(|(next, after)| (&**next, after))
                {
                    here.pop();
                    rest = after;
                }
                rest
            }
            "" => return None, // a leading `::`
            _ => {
                // A name that is in scope but is not an item of this module.
                return self.member(&here, first, rest, &mut Vec::new(), depth);
            }
        };
        Some(self.walk(here, rest, passed, depth))
    }

    /// Follows `path` down from a module.
    fn walk(
        &self,
        module: Segments,
        path: &[String],
        passed: &mut Vec<Segments>,
        depth: usize,
    ) -> Segments {
        let Some((name, rest)) = path.split_first() else {
            return module;
        };
        if let Some(found) = self.member(&module, name, rest, passed, depth) {
            let child = [&*module, std::slice::from_ref(name)].concat();
            if !self.modules.contains_key(&child) {
                passed.push(module);
            }
            return found;
        }
        if module.is_empty()
            && let Some(definer) = self.macros.get(name)
        {
            return definer.clone();
        }
        module // an item that stands there
    }

    /// A name in a module that is itself a module, or is imported there.
    fn member(
        &self,
        module: &[String],
        name: &str,
        rest: &[String],
        passed: &mut Vec<Segments>,
        depth: usize,
    ) -> Option<Segments> {
        if depth > 20 {
            return None;
        }
        let mut child = module.to_vec();
        child.push(name.to_owned());
        if self.modules.contains_key(&child) {
            return Some(self.walk(child, rest, passed, depth + 1));
        }
        let here = self.modules.get(module)?;
        if here.items.contains(name) {
            return Some(module.to_vec());
        }
        if let Some(target) = here.names.get(name) {
            let target = [target, rest].concat();
            // `use name;` names an external crate.
            if target.first().is_some_and(|first| first == name) {
                return None;
            }
            return self.resolve(module, &target, passed, depth + 1);
        }
        here.globs.iter().find_map(|glob| {
            let from = self.resolve(module, glob, &mut Vec::new(), depth + 1)?;
            self.member(&from, name, rest, passed, depth + 1)
        })
    }
}

fn room(module: &[String]) -> String {
    module.first().map_or("lib", |first| first).to_owned()
}

/// Reads one module after the other.
struct Reader<'a> {
    all: &'a mut Crate,
    source: &'a dyn Fn(&str) -> Option<String>,
    file: String,
    /// Where the files of this module's children are, with a `/` at its end.
    folder: String,
    module: Segments,
}

impl Reader<'_> {
    fn file(&mut self, text: &str) {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", self.file));
        self.here();
        self.visit_file(&file);
    }

    fn here(&mut self) -> &mut Module {
        let module = self.all.modules.entry(self.module.clone()).or_default();
        module.file.clone_from(&self.file);
        module
    }

    fn path(&mut self, path: Segments, line: usize) {
        self.here().paths.push((path, line));
    }

    fn import(&mut self, tree: &UseTree, mut path: Segments, line: usize) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.import(&part.tree, path, line);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, path.clone(), line);
                }
            }
            UseTree::Glob(_) => {
                self.here().globs.push(path.clone());
                self.path(path, line);
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                let imported = if name == "self" {
                    path.last().cloned().unwrap_or_default()
                } else {
                    path.push(name.clone());
                    name
                };
                self.here().names.insert(imported, path.clone());
                self.path(path, line);
            }
            UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    path.push(rename.ident.to_string());
                }
                let imported = rename.rename.to_string();
                self.here().names.insert(imported, path.clone());
                self.path(path, line);
            }
        }
    }

    /// Every path of two or more names in tokens, with what stands in `{…}` after `use a::`.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    at += 1;
                }
                TokenTree::Ident(_) => {
                    let line = tokens[at].span().start().line;
                    let outside = at >= 2 && is_separator(&tokens, at - 2);
                    let mut path = Vec::new();
                    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
                        path.push(name.to_string());
                        at += 1;
                        if !is_separator(&tokens, at) {
                            break;
                        }
                        at += 2;
                    }
                    if !outside && path.len() > 1 {
                        self.path(path, line);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => at += 1,
            }
        }
    }
}

/// Whether `::` stands there.
fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at| match tokens.get(at) {
        Some(TokenTree::Punct(punct)) => (punct.as_char() == ':').then(|| punct.spacing()),
        _ => None,
    };
    colon(at) == Some(Spacing::Joint) && colon(at + 1).is_some()
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        for attribute in &item.attrs {
            self.visit_attribute(attribute);
        }
        let name = item.ident.to_string();
        let file = self.file.clone();
        let folder = self.folder.clone();
        self.module.push(name.clone());
        self.folder = format!("{folder}{name}/");
        if let Some((_, items)) = &item.content {
            self.here();
            for item in items {
                self.visit_item(item);
            }
        } else {
            let found = [
                format!("{folder}{name}.rs"),
                format!("{folder}{name}/mod.rs"),
            ]
            .into_iter()
            .find_map(|file| Some(((self.source)(&file)?, file)));
            let (text, file) = found.unwrap_or_else(|| panic!("no file of {:?}", self.module));
            self.file = file;
            self.file(&text);
        }
        self.module.pop();
        self.file = file;
        self.folder = folder;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let start = if item.leading_colon.is_some() {
            vec![String::new()]
        } else {
            Vec::new()
        };
        self.import(&item.tree, start, item.use_token.span.start().line);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Macro(made) = item
            && let Some(name) = &made.ident
            && made
                .attrs
                .iter()
                .any(|one| one.path().is_ident("macro_export"))
        {
            let module = self.module.clone();
            self.all.macros.insert(name.to_string(), module);
        }
        let name = match item {
            Item::Const(one) => Some(&one.ident),
            Item::Enum(one) => Some(&one.ident),
            Item::Fn(one) => Some(&one.sig.ident),
            Item::Static(one) => Some(&one.ident),
            Item::Struct(one) => Some(&one.ident),
            Item::Trait(one) => Some(&one.ident),
            Item::Type(one) => Some(&one.ident),
            Item::Union(one) => Some(&one.ident),
            _ => None,
        };
        self.here().items.extend(name.map(ToString::to_string));
        syn::visit::visit_item(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let mut names: Vec<_> = names.collect();
        if path.leading_colon.is_some() {
            names.insert(0, String::new());
        }
        if names.len() > 1 {
            self.path(names, path.segments[0].ident.span().start().line);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, one: &'ast Macro) {
        self.visit_path(&one.path);
        self.tokens(one.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return; // a link is not an import
        }
        if let Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
            // As serde has them: `with = "crate::module"`.
            for token in list.tokens.clone() {
                let text = token.to_string();
                let text = text.trim_matches('"');
                if let (TokenTree::Literal(_), Ok(path)) = (token, syn::parse_str(text)) {
                    self.visit_path(&path);
                }
            }
        }
        self.visit_path(attribute.path());
    }

    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {
        // `pub(in crate::module)` is not an import
    }
}
