//! Does a program that is built from Cargo's copy of a package have the facts of the package, not of the folders around the copy?

use std::fs;

use crate::scene::{COMMIT, JOB, REPOSITORY, Scene};

/// A repository that has the package in a folder, on a CI system, with a file that Cargo writes beside the manifest of a copy.
fn copy(name: &'static str, mark: &str, text: &str) -> (Scene, std::path::PathBuf) {
    let mut scene = Scene::empty(name);
    let folder = scene.root.join("target/package/copy");
    scene.add_package(&folder);
    fs::write(folder.join(mark), text).expect("Cargo's mark");
    fs::write(scene.root.join("text"), "outer").expect("a file");
    scene.init(&scene.root, &[]);
    scene.git(&["tag", "v9.9.9"]);
    scene.git(&["remote", "add", "origin", "https://example.org/outer"]);
    scene.set_circleci();
    (scene, folder)
}

#[test]
fn a_packaged_copy_in_another_repository_and_its_ci() {
    let hash = "9".repeat(40);
    let (scene, folder) = copy(
        "copy-packaged",
        ".cargo_vcs_info.json",
        &format!(r#"{{"git": {{"sha1": "{hash}"}}}}"#),
    );
    let built = scene.build_in(&folder);
    assert_eq!(
        [
            &*built.source,
            &*built.version,
            &*built.commit,
            &*built.build
        ],
        [REPOSITORY, "1.2.3", &hash, JOB]
    );
    scene.commit();
    assert!(
        !scene.build_in(&folder).compiled,
        "compiled although only the repository around it changed"
    );
}

#[test]
fn a_vendored_copy_of_which_nothing_is_known() {
    let (scene, folder) = copy("copy-vendored", ".cargo-checksum.json", r#"{"files":{}}"#);
    let built = scene.build_in(&folder);
    assert_eq!(
        [&*built.source, &*built.version, &*built.commit],
        [REPOSITORY, "1.2.3", ""]
    );
}

#[test]
fn a_checkout_of_a_git_dependency() {
    let mut scene = Scene::repository("copy-checkout", &[]);
    fs::write(scene.root.join(".cargo-ok"), "").expect("Cargo's mark");
    scene.set_circleci();
    assert_ne!(scene.head(), COMMIT);
    assert_eq!(scene.build().commit, scene.head());
}
