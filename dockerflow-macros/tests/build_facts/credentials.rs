//! Does a password in a URL stay out of the program? Every build of these tests is searched for [`SECRET`].

use std::fs;

use crate::scene::{REPOSITORY, SECRET, Scene};

#[test]
fn in_the_url_of_the_remote_and_another_url_is_noticed() {
    let scene = Scene::repository("remote", &[]);
    scene.git(&["remote", "add", "upstream", "https://example.org/not/this"]);
    scene.git(&[
        "remote",
        "add",
        "origin",
        &format!("https://user:{SECRET}@example.org/team/app.git?x={SECRET}"),
    ]);
    scene.git(&[
        "config",
        "http.https://example.org/.extraheader",
        &format!("AUTHORIZATION: basic {SECRET}"),
    ]);
    assert_eq!(scene.build().source, "https://example.org/team/app");
    for (url, source) in [
        (
            "git@example.org:team/other.git",
            "https://example.org/team/other",
        ),
        (
            &format!("ssh://{SECRET}@example.org:2222/team/app"),
            "https://example.org/team/app",
        ),
        ("/srv/git/app.git", REPOSITORY),
    ] {
        scene.git(&["remote", "set-url", "origin", url]);
        assert_eq!(scene.build().source, source);
    }
}

#[test]
fn in_a_variable_of_a_ci_system() {
    let mut scene = Scene::package("ci-password");
    scene.set("CIRCLECI", "true");
    scene.set(
        "CIRCLE_REPOSITORY_URL",
        format!("https://{SECRET}@example.org/team/app.git"),
    );
    scene.set(
        "CIRCLE_BUILD_URL",
        format!("https://user:{SECRET}@ci.example.org/7?token={SECRET}#{SECRET}"),
    );
    let built = scene.build();
    assert_eq!(
        [&*built.source, &*built.build],
        ["https://example.org/team/app", "https://ci.example.org/7"]
    );
}

#[test]
fn in_the_manifest() {
    let scene = Scene::package("manifest-password");
    let manifest = scene.root.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    let url = format!("https://user:{SECRET}@example.org/team/app");
    fs::write(&manifest, text.replace(REPOSITORY, &url)).expect("a manifest");
    assert_eq!(scene.build().source, "https://example.org/team/app");
}

#[test]
fn also_in_a_library_whose_metadata_other_crates_read() {
    let scene = Scene::repository("library", &[]);
    scene.git(&[
        "remote",
        "add",
        "origin",
        &format!("https://user:{SECRET}@example.org/team/app"),
    ]);
    let program = include_str!("program.rs");
    let library = program
        .replace("mod __private", "pub mod __private")
        .replace("const VERSION", "pub const VERSION");
    fs::write(
        scene.root.join("src/lib.rs"),
        library.replace("fn main", "pub fn main"),
    )
    .expect("a library");
    scene.build();
    scene.must_have_clean_library();
}
