//! Does a program that is built at a tag have it as its version?

use crate::scene::Scene;

/// Builds, and the version is `tag`; after another commit, it is the package's.
#[track_caller]
fn must_say_until_the_next_commit(scene: &Scene, tag: &str) {
    let built = scene.build();
    assert_eq!(
        (&*built.version, &*built.commit),
        (tag, &*scene.head()),
        "{built:?}"
    );
    assert!(!scene.build().compiled);
    scene.commit();
    assert_eq!(scene.build().version, "1.2.3");
}

#[test]
fn a_plain_tag() {
    let scene = Scene::repository("tag", &[]);
    scene.git(&["tag", "release/v1.3.0"]);
    must_say_until_the_next_commit(&scene, "release/v1.3.0");
}

#[test]
fn an_annotated_tag_that_was_just_made() {
    let scene = Scene::repository("annotated", &[]);
    scene.git(&["config", "core.compression", "0"]);
    scene.git(&["tag", "-a", "-m", "the release", "v1.3.0"]);
    must_say_until_the_next_commit(&scene, "v1.3.0");
}

#[test]
fn an_annotated_tag_of_an_annotated_tag() {
    let scene = Scene::repository("annotated-twice", &["--object-format=sha256"]);
    scene.git(&["tag", "-a", "-m", "the release", "v1.3.0-rc"]);
    scene.git(&[
        "tag",
        "-a",
        "-m",
        &"a long text ".repeat(100),
        "v1.3.0",
        "v1.3.0-rc",
    ]);
    scene.git(&["tag", "-d", "v1.3.0-rc"]);
    must_say_until_the_next_commit(&scene, "v1.3.0");
}

#[test]
fn an_annotated_tag_that_is_packed() {
    let scene = Scene::repository("annotated-packed", &[]);
    scene.git(&["tag", "-a", "-m", "the release", "v1.3.0"]);
    scene.git(&["gc", "-q"]);
    must_say_until_the_next_commit(&scene, "v1.3.0");
}

#[test]
fn an_annotated_tag_that_came_in_a_pack() {
    let scene = Scene::repository("annotated-fetched", &[]);
    for number in 0..20 {
        scene.git(&[
            "tag",
            "-a",
            "-m",
            "another",
            &format!("v0.{number}"),
            &scene.commit(),
        ]);
    }
    scene.git(&["tag", "-a", "-m", "the release", "v1.3.0"]);
    scene.git(&["tag", "-d", "v0.19"]);
    scene.git(&["repack", "-a", "-d", "-q"]);
    let hash = scene.git(&["rev-parse", "v1.3.0"]);
    assert!(scene.root.join(".git/refs/tags/v1.3.0").exists());
    assert!(
        !scene
            .root
            .join(".git/objects")
            .join(&hash[..2])
            .join(&hash[2..])
            .exists()
    );
    must_say_until_the_next_commit(&scene, "v1.3.0");
}

#[test]
fn tags_with_reftable_also_when_the_commit_was_built_before() {
    let Some(scene) = Scene::with_reftable("tag-reftable", "sha1") else {
        return;
    };
    assert_eq!(scene.build().version, "1.2.3");
    scene.git(&["tag", "v1.3.0-rc"]);
    assert_eq!(scene.build().version, "v1.3.0-rc");
    scene.git(&["tag", "-a", "-m", "the release", "v1.3.0"]);
    scene.git(&["tag", "-d", "v1.3.0-rc"]);
    must_say_until_the_next_commit(&scene, "v1.3.0");
}

#[test]
fn the_tag_of_another_commit_is_not_said() {
    let scene = Scene::repository("tag-elsewhere", &[]);
    scene.git(&["tag", "v0.9.0"]);
    scene.commit();
    scene.git(&[
        "tag",
        "-a",
        "-m",
        "a file, no commit",
        "v1.3.0",
        "HEAD:Cargo.toml",
    ]);
    assert_eq!(scene.build().version, "1.2.3");
}

#[test]
fn a_tag_that_goes_away_is_noticed() {
    let scene = Scene::repository("tag-deleted", &[]);
    scene.git(&["tag", "v1.3.0"]);
    assert_eq!(scene.build().version, "v1.3.0");
    scene.git(&["tag", "-d", "v1.3.0"]);
    assert_eq!(scene.build().version, "1.2.3");
}

#[test]
fn of_several_tags_the_packages_version_wins_then_an_annotated_one() {
    let scene = Scene::repository("tags", &[]);
    scene.git(&["tag", "-a", "-m", "the release", "library-v2.0.0"]);
    scene.git(&["tag", "stable"]);
    scene.git(&["tag", "z11.2.3"]);
    assert_eq!(scene.build().version, "library-v2.0.0");
    scene.commit();
    for tag in ["app-v1.2.3", "library-v2.0.1", "stable-2"] {
        scene.git(&["tag", tag]);
    }
    assert_eq!(scene.build().version, "app-v1.2.3");
}
