//! Is each published package complete, and free of what does not belong in it?

use std::{path::Path, process::Command};

use serde_json::Value;

fn cargo(arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO"));
    let output = command.current_dir(root).args(arguments).output();
    let output = output.expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// What `cargo metadata` says about each package that is published.
fn published() -> Vec<Value> {
    let text = cargo(&["metadata", "--format-version=1", "--no-deps"]);
    let mut metadata: Value = serde_json::from_str(&text).expect("JSON");
    let packages = metadata["packages"].as_array_mut().expect("a list");
    packages.retain(|package| package["publish"].is_null());
    assert!(!packages.is_empty());
    packages.clone()
}

#[test]
fn each_published_package_describes_itself() {
    for package in published() {
        let name = package["name"].as_str().expect("a name");
        for key in [
            "description",
            "license",
            "documentation",
            "readme",
            "rust_version",
        ] {
            assert!(package[key].is_string(), "{name} has no {key}");
        }
        let docs = &package["metadata"]["docs"]["rs"];
        assert_eq!(docs["all-features"], true, "{name}, on docs.rs");
        let repository = &package["repository"];
        assert!(
            repository.is_null(),
            "{name} names {repository}: only once that is public"
        );
    }
}

#[test]
fn each_published_package_has_its_sources_and_nothing_of_the_workshop() {
    for package in published() {
        let name = package["name"].as_str().expect("a name");
        let list = cargo(&["package", "--list", "--allow-dirty", "--package", name]);
        let files: Vec<_> = list.lines().collect();
        for file in ["LICENSE", "README.md", "Cargo.toml", "src/lib.rs"] {
            assert!(files.contains(&file), "{name} lacks {file}");
        }
        for file in files {
            let workshop = [
                ".ci",
                ".github",
                ".dockerflow",
                "tests",
                "bench",
                "demo",
                "deploy",
            ];
            let first = file.split('/').next().expect("it is not empty");
            assert!(!workshop.contains(&first), "{name} contains {file}");
            assert!(!file.ends_with(".stderr"), "{name} contains {file}");
        }
    }
}

#[test]
fn each_feature_is_in_the_page_of_features() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/features.md")).expect("a page");
    let facade = published()
        .into_iter()
        .find(|one| one["name"] == "dockerflow")
        .expect("it is published");
    let features = facade["features"].as_object().expect("a table");
    for feature in features.keys().filter(|feature| *feature != "default") {
        let row = page
            .lines()
            .any(|line| line.starts_with("| `") && line.contains(&format!("`{feature}`")));
        assert!(row, "docs/features.md has no row for {feature}");
    }
}
