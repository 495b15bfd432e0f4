//! Does every record that the runtime logs name its target? Without one it would have the path of a module that no user knows.

use std::{fs, path::Path};

use syn::{
    ItemMod, Macro,
    visit::{self, Visit},
};

/// The places of records without a target.
struct Records<'a> {
    file: &'a str,
    nameless: Vec<String>,
}

impl<'ast> Visit<'ast> for Records<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|path| path.is_ident("test"))
        });
        if !is_test {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let path: Vec<_> = call
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let logs = matches!(
            path.iter().map(String::as_str).collect::<Vec<_>>()[..],
            ["log", "error" | "warn" | "info" | "debug" | "trace" | "log"]
        );
        let first = call.tokens.clone().into_iter().next();
        if logs && first.is_none_or(|first| first.to_string() != "target") {
            let line = call.path.segments[0].ident.span().start().line;
            self.nameless.push(format!("{}:{line}", self.file));
        }
    }
}

fn nameless(file: &str, text: &str) -> Vec<String> {
    let mut records = Records {
        file,
        nameless: Vec::new(),
    };
    records.visit_file(&syn::parse_file(text).expect(file));
    records.nameless
}

fn search(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            search(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
        {
            let text = fs::read_to_string(&path).expect("text");
            found.extend(nameless(&path.to_string_lossy(), &text));
        }
    }
}

#[test]
fn every_record_of_the_runtime_names_its_target() {
    let mut found = Vec::new();
    search(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dockerflow-runtime/src"),
        &mut found,
    );
    assert!(found.is_empty(), "records without a target: {found:#?}");
}

#[test]
fn a_record_without_a_target_is_found_wherever_it_stands() {
    let text = r#"
        fn outer() {
            log::info!(target: TARGET, "good");
            let closure = || log::warn!("nameless");
        }
        #[cfg(test)]
        mod tests {
            fn test() { log::info!("of a test") }
        }
    "#;
    assert_eq!(nameless("planted", text), ["planted:4"]);
}
