//! Whether Cargo compiles only if a fact changed, and always then.

use std::fs;

use crate::scene::{COMMIT, Scene};

/// Runs git, and builds. Nothing is compiled.
#[track_caller]
fn must_compile_nothing(scene: &Scene, git: &[&str]) {
    let head = scene.head();
    scene.git(git);
    let built = scene.build();
    assert!(!built.compiled, "git {git:?} compiled the crate again");
    assert_eq!(built.commit, head);
}

/// Runs git, and builds. The crate is compiled at most once, although no fact changed.
#[track_caller]
fn may_compile_once(scene: &Scene, git: &[&str]) {
    let head = scene.head();
    scene.git(git);
    assert_eq!(scene.build().commit, head, "git {git:?}");
    assert!(
        !scene.build().compiled,
        "git {git:?} compiled the crate more than once"
    );
}

/// A repository that has a file which is not compiled, and was built.
fn scene(name: &'static str) -> Scene {
    let scene = Scene::package(name);
    scene.write("text", "one");
    scene.init(&scene.root, &[]);
    scene.git(&["remote", "add", "origin", "https://example.org/team/app"]);
    scene.build();
    scene
}

#[test]
fn what_changes_no_fact_compiles_nothing() {
    let scene = scene("rebuild-none");
    scene.write("text", "two");
    for git in [
        &["stash", "-q"][..],
        &["stash", "pop", "-q"],
        &["stash", "push", "-q", "--include-untracked"],
        &["stash", "drop", "-q"],
        &["reflog", "expire", "--expire=now", "--all"],
        &["branch", "other"],
        &["notes", "add", "-m", "a note"],
        &["repack", "-a", "-d", "-q"],
        &["fsck"],
        &["count-objects"],
    ] {
        must_compile_nothing(&scene, git);
    }
    let commit = scene.commit();
    assert_eq!(scene.build().commit, commit, "what does is noticed");
}

#[test]
fn what_writes_a_file_that_decides_compiles_once_and_a_commit_after_it_is_noticed() {
    let scene = scene("rebuild-once");
    for git in [
        &["checkout", "-q", "-b", "topic"][..],
        &["config", "user.name", "Another"],
        &["pack-refs", "--all"],
        &["reflog", "expire", "--expire=now", "--all"],
        &["gc", "-q", "--prune=now"],
        &["checkout", "-q", "--detach"],
        &["tag", "other", "HEAD^{tree}"],
        &["checkout", "-q", "-b", "another"],
        &["branch", "-D", "topic"], // writes the configuration
    ] {
        may_compile_once(&scene, git);
        let commit = scene.commit();
        assert_eq!(scene.build().commit, commit, "after git {git:?}");
    }
}

#[test]
fn after_a_stash_that_holds_a_commit_of_its_own_the_branch_is_what_is_built() {
    let scene = scene("rebuild-stash");
    let commit = scene.head();
    scene.git(&["pack-refs", "--all"]); // the branch has no file, and its reflog is watched
    assert_eq!(scene.build().commit, commit);
    scene.write("text", "two");
    must_compile_nothing(&scene, &["stash", "-q"]);
    must_compile_nothing(&scene, &["stash", "pop", "-q"]);
    scene.git(&["commit", "-q", "-a", "-m", "two"]);
    assert_eq!(scene.build().commit, scene.head());
}

#[test]
fn a_fact_that_is_set_outright_is_not_looked_for() {
    let mut scene = scene("rebuild-set");
    scene.set("DOCKERFLOW_COMMIT", COMMIT);
    assert_eq!(scene.build().commit, COMMIT);
    scene.commit();
    scene.git(&["checkout", "-q", "-b", "topic"]);
    scene.git(&["config", "user.name", "Another"]);
    scene.git(&["gc", "-q"]);
    assert!(!scene.build().compiled);
    scene.set("DOCKERFLOW_COMMIT", "ab".repeat(20));
    let built = scene.build();
    assert_eq!(
        (built.compiled, &*built.commit),
        (true, &*"ab".repeat(20)),
        "another value is noticed"
    );
}

/// What the expansion of `#[service]` names in the runtime.
const RUNTIME: &str = "
pub mod __private {
    pub trait AppFactory {}
    impl AppFactory for () {}
    pub struct Embedded;
    impl Embedded { pub const PROGRAM: Self = Self; }
    pub struct ServiceDefinition { pub version: Embedded, pub checks: Option<&'static [fn()]> }
    pub fn service<T>(_: &ServiceDefinition, app: T) -> T { app }
}
pub struct App<T>(T);

#[dockerflow_macros::service(crate = crate, version = main)]
pub fn app() -> App { App(()) }
";

#[test]
fn a_library_that_gets_its_version_from_main_is_not_compiled_for_a_commit() {
    let scene = Scene::package("rebuild-library");
    let manifest = fs::read_to_string(scene.root.join("Cargo.toml")).expect("a manifest");
    let library = manifest
        .replace("rebuild-library", "rebuilt-shop")
        .replace("[workspace]\n", "");
    scene.write("shop/Cargo.toml", library);
    scene.write("shop/src/lib.rs", RUNTIME);
    let program = manifest.replace(
        "[workspace]",
        "rebuilt-shop.path = \"shop\"\n[workspace]\nmembers = [\"shop\"]",
    );
    scene.write("Cargo.toml", program);
    let main = include_str!("program.rs").replace(
        "fn main() {",
        "fn main() {\n    let _ = rebuilt_shop::app();",
    );
    scene.write("src/main.rs", main);
    scene.init(&scene.root, &[]);
    assert_eq!(scene.build().commit, scene.head());
    for _ in 0..2 {
        let commit = scene.commit();
        let output = scene.cargo(&scene.root);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert!(
            text.contains("Compiling rebuild-library ")
                && !text.contains("Compiling rebuilt-shop "),
            "{text}"
        );
        assert_eq!(scene.build().commit, commit);
    }
}
