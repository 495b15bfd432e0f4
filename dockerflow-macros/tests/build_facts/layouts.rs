//! Each way in which a repository can be laid out, and each way in which what is checked out can change.

use std::{env, fs, path::Path, process::Command};

use crate::scene::{Built, REPOSITORY, Scene};

#[track_caller]
fn must_say(built: &Built, commit: &str) {
    assert_eq!(built.commit, commit, "{built:?}");
}

/// Builds again and asserts that nothing is compiled, not even after git has refreshed its index.
#[track_caller]
fn must_be_fresh(scene: &Scene, folder: &Path) {
    assert!(
        !scene.build_in(folder).compiled,
        "compiled although nothing changed"
    );
    let source = folder.join("src/main.rs");
    let text = fs::read(&source).expect("the source");
    // Git's index is now older than the source, though not different: `git status` writes it anew.
    let index = folder.join(scene.git_in(folder, &["rev-parse", "--git-path", "index"]));
    let before = fs::metadata(&index)
        .and_then(|index| index.modified())
        .expect("an index");
    fs::write(&source, text).expect("the source is written");
    scene.build_in(folder);
    scene.git_in(folder, &["status"]);
    let after = fs::metadata(&index)
        .and_then(|index| index.modified())
        .expect("an index");
    assert!(before < after, "git status did not refresh the index");
    assert!(
        !scene.build_in(folder).compiled,
        "compiled although only the index was refreshed"
    );
}

#[test]
fn a_fresh_build_knows_its_commit() {
    let scene = Scene::repository("fresh", &[]);
    let built = scene.build();
    assert!(built.compiled);
    must_say(&built, &scene.head());
    assert_eq!(
        [&*built.source, &*built.version, &*built.build],
        [REPOSITORY, "1.2.3", ""]
    );
}

#[test]
fn a_build_without_a_change_compiles_nothing() {
    let scene = Scene::repository("no-op", &[]);
    scene.build();
    assert!(!scene.build().compiled);
}

#[test]
fn a_refreshed_index_compiles_nothing() {
    let scene = Scene::repository("index", &[]);
    scene.build();
    must_be_fresh(&scene, &scene.root);
}

#[test]
fn an_empty_commit_is_noticed() {
    let scene = Scene::repository("empty-commit", &[]);
    scene.build();
    let commit = scene.commit();
    must_say(&scene.build(), &commit);
    assert!(!scene.build().compiled);
}

#[test]
fn a_switch_of_branches_is_noticed() {
    let scene = Scene::repository("switch", &[]);
    let first = scene.head();
    scene.git(&["switch", "-q", "-c", "other"]);
    let second = scene.commit();
    must_say(&scene.build(), &second);
    scene.git(&["switch", "-q", "main"]);
    must_say(&scene.build(), &first);
}

#[test]
fn an_amended_commit_is_noticed() {
    let scene = Scene::repository("amend", &[]);
    scene.build();
    scene.git(&["commit", "-q", "--amend", "-m", "other words"]);
    must_say(&scene.build(), &scene.head());
}

#[test]
fn a_commit_on_a_packed_branch_is_noticed() {
    let scene = Scene::repository("packed", &[]);
    scene.git(&["pack-refs", "--all"]);
    must_say(&scene.build(), &scene.head());
    must_be_fresh(&scene, &scene.root);
    let commit = scene.commit();
    must_say(&scene.build(), &commit);
}

/// A linked worktree of `scene` on a new branch.
fn worktree(scene: &Scene) -> std::path::PathBuf {
    let folder = scene.root.join("linked");
    scene.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "linked",
        folder.to_str().expect("a path in UTF-8"),
    ]);
    scene.git_in(&folder, &["commit", "-q", "--allow-empty", "-m", "another"]);
    fs::copy(scene.root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
    folder
}

#[test]
fn a_linked_worktree_knows_its_commit() {
    let scene = Scene::repository("worktree", &[]);
    let folder = worktree(&scene);
    must_say(
        &scene.build_in(&folder),
        &scene.git_in(&folder, &["rev-parse", "HEAD"]),
    );
    must_be_fresh(&scene, &folder);
}

#[test]
fn a_commit_in_a_linked_worktree_is_noticed() {
    let scene = Scene::repository("worktree-commit", &[]);
    let folder = worktree(&scene);
    scene.git(&["pack-refs", "--all"]);
    scene.build_in(&folder);
    scene.git_in(&folder, &["commit", "-q", "--allow-empty", "-m", "another"]);
    must_say(
        &scene.build_in(&folder),
        &scene.git_in(&folder, &["rev-parse", "HEAD"]),
    );
}

#[test]
fn a_detached_head_that_moves_is_noticed() {
    let scene = Scene::repository("detached", &[]);
    let first = scene.head();
    let second = scene.commit();
    scene.git(&["checkout", "-q", "--detach"]);
    must_say(&scene.build(), &second);
    scene.git(&["checkout", "-q", &first]);
    must_say(&scene.build(), &first);
}

#[test]
fn a_commit_outside_of_the_packages_folder_is_noticed() {
    let scene = Scene::empty("below");
    let package = scene.root.join("deep/below");
    scene.add_package(&package);
    fs::write(scene.root.join("text"), "one").expect("a file elsewhere");
    scene.init(&scene.root, &[]);
    must_say(&scene.build_in(&package), &scene.head());
    fs::write(scene.root.join("text"), "two").expect("a file elsewhere");
    scene.git(&["commit", "-q", "-a", "-m", "elsewhere"]);
    must_say(&scene.build_in(&package), &scene.head());
}

#[test]
fn without_a_repository_the_commit_is_empty_and_no_placeholder() {
    let scene = Scene::package("no-repository");
    let built = scene.build();
    assert_eq!(
        [
            &*built.source,
            &*built.version,
            &*built.commit,
            &*built.build
        ],
        [REPOSITORY, "1.2.3", "", ""]
    );
    assert!(!scene.build().compiled);
}

#[test]
fn a_package_from_a_registry_knows_its_commit() {
    let scene = Scene::package("registry");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let text = format!(r#"{{"git":{{"sha1":"{commit}","dirty":true}},"path_in_vcs":""}}"#);
    fs::write(scene.root.join(".cargo_vcs_info.json"), text).expect("Cargo's note");
    must_say(&scene.build(), commit);
}

#[test]
fn no_git_program_is_needed() {
    let mut scene = Scene::repository("no-git", &[]);
    scene.without_git();
    must_say(&scene.build(), &scene.head());
    let commit = scene.commit();
    must_say(&scene.build(), &commit);
}

#[test]
fn a_repository_of_another_user_is_read() {
    let scene = Scene::repository("other-user", &[]);
    let commit = scene.head();
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut chown = Command::new(if is_root { "chown" } else { "sudo" });
    if !is_root {
        chown.args(["-n", "chown"]);
    }
    chown.args(["-R", "65534"]).arg(scene.root.join(".git"));
    if !chown.status().is_ok_and(|status| status.success()) {
        assert!(
            env::var_os("CI").is_none(),
            "a file cannot be given to another user, which this test needs"
        );
        eprintln!(
            "SKIPPED a_repository_of_another_user_is_read: a file cannot be given to another user"
        );
        return;
    }
    let refused = scene.try_git(&scene.root, &["status"]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("dubious ownership"),
        "{refused:?}"
    );
    must_say(&scene.build(), &commit);
    if !is_root {
        let own = fs::metadata(&scene.root)
            .map(|folder| std::os::unix::fs::MetadataExt::uid(&folder))
            .expect("its owner");
        let _ = Command::new("sudo")
            .args(["-n", "chown", "-R", &own.to_string()])
            .arg(&scene.root)
            .status();
    }
}

#[test]
fn without_a_repository_the_environment_of_ci_counts() {
    let mut scene = Scene::package("ci");
    scene.set("GITHUB_ACTIONS", "true");
    scene.set("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567");
    must_say(&scene.build(), "0123456789abcdef0123456789abcdef01234567");
}

#[test]
fn another_value_of_a_variable_is_noticed() {
    let mut scene = Scene::package("variable");
    scene.build();
    for digit in ["1", "2"] {
        scene.set("DOCKERFLOW_COMMIT", digit.repeat(40));
        must_say(&scene.build(), &digit.repeat(40));
        assert!(!scene.build().compiled);
    }
    scene.unset_all();
    must_say(&scene.build(), "");
    scene.set("GITHUB_ACTIONS", "true");
    for digit in ["3", "4"] {
        scene.set("GITHUB_SHA", digit.repeat(40));
        must_say(&scene.build(), &digit.repeat(40));
    }
    scene.set("GITHUB_ACTIONS", "");
    must_say(&scene.build(), "");
}

#[test]
fn a_shallow_clone_knows_its_commit() {
    let scene = Scene::repository("shallow", &[]);
    let commit = scene.commit();
    let clone = scene.root.join("clone");
    let url = format!("file://{}", scene.root.display());
    scene.git(&[
        "clone",
        "-q",
        "--depth",
        "1",
        &url,
        clone.to_str().expect("a path in UTF-8"),
    ]);
    fs::copy(scene.root.join("Cargo.lock"), clone.join("Cargo.lock")).expect("a lock file");
    assert!(clone.join(".git/shallow").exists());
    must_say(&scene.build_in(&clone), &commit);
}

#[test]
fn a_repository_with_reftable_knows_its_commit() {
    let Some(scene) = Scene::with_reftable("reftable", "sha1") else {
        return;
    };
    must_say(&scene.build(), &scene.head());
    must_be_fresh(&scene, &scene.root);
}

#[test]
fn a_commit_in_a_repository_with_reftable_is_noticed() {
    let Some(scene) = Scene::with_reftable("reftable-commit", "sha1") else {
        return;
    };
    scene.build();
    for _ in 0..2 {
        let commit = scene.commit();
        must_say(&scene.build(), &commit);
    }
    scene.git(&["pack-refs", "--all"]);
    must_say(&scene.build(), &scene.head());
}

#[test]
fn a_repository_with_sha_256_knows_its_commit() {
    let scene = Scene::repository("sha-256", &["--object-format=sha256"]);
    assert_eq!(scene.head().len(), 64);
    must_say(&scene.build(), &scene.head());
}

/// A repository that has the package as a submodule; the submodule's folder.
fn submodule(name: &'static str) -> (Scene, std::path::PathBuf) {
    let scene = Scene::empty(name);
    let origin = scene.root.join("origin");
    scene.add_package(&origin);
    scene.init(&origin, &[]);
    let outer = scene.root.join("outer");
    fs::create_dir(&outer).expect("a folder");
    fs::write(outer.join("text"), "outer").expect("a file");
    scene.init(&outer, &[]);
    scene.git_in(
        &outer,
        &[
            "submodule",
            "--quiet",
            "add",
            origin.to_str().expect("a path in UTF-8"),
            "inner",
        ],
    );
    let inner = outer.join("inner");
    fs::copy(origin.join("Cargo.lock"), inner.join("Cargo.lock")).expect("a lock file");
    (scene, inner)
}

#[test]
fn a_submodule_knows_its_commit() {
    let (scene, folder) = submodule("submodule");
    assert!(folder.join(".git").is_file());
    must_say(
        &scene.build_in(&folder),
        &scene.git_in(&folder, &["rev-parse", "HEAD"]),
    );
    must_be_fresh(&scene, &folder);
}

#[test]
fn a_commit_in_a_submodule_is_noticed() {
    let (scene, folder) = submodule("submodule-commit");
    scene.build_in(&folder);
    scene.git_in(&folder, &["commit", "-q", "--allow-empty", "-m", "another"]);
    must_say(
        &scene.build_in(&folder),
        &scene.git_in(&folder, &["rev-parse", "HEAD"]),
    );
}

// Cases beyond those that the comparison of crates has:

#[test]
fn a_commit_on_a_packed_branch_without_a_reflog_is_noticed() {
    let scene = Scene::repository("no-reflog", &[]);
    scene.git(&["config", "core.logAllRefUpdates", "false"]);
    for kind in ["empty", "with a file"] {
        fs::remove_dir_all(scene.root.join(".git/logs")).unwrap_or_default();
        scene.git(&["pack-refs", "--all"]);
        must_say(&scene.build(), &scene.head());
        assert!(!scene.build().compiled);
        if kind == "with a file" {
            fs::write(scene.root.join("text"), kind).expect("a file");
            scene.git(&["add", "text"]);
        }
        let commit = scene.commit();
        must_say(&scene.build(), &commit);
        must_be_fresh(&scene, &scene.root);
    }
}

#[test]
fn a_reset_is_noticed() {
    let scene = Scene::repository("reset", &[]);
    let first = scene.head();
    scene.commit();
    scene.build();
    scene.git(&["reset", "-q", "--hard", &first]);
    must_say(&scene.build(), &first);
}

#[test]
fn the_first_commit_is_noticed() {
    let scene = Scene::package("first-commit");
    scene.git(&["init", "-q"]);
    scene.git(&["add", "."]);
    must_say(&scene.build(), "");
    must_say(&scene.build(), "");
    let commit = scene.commit();
    must_say(&scene.build(), &commit);
}

#[test]
fn a_branch_that_another_worktree_moves_is_noticed() {
    let scene = Scene::repository("moved", &[]);
    let folder = worktree(&scene);
    let first = scene.head();
    scene.build_in(&folder);
    scene.git(&["update-ref", "refs/heads/linked", &first]);
    must_say(&scene.build_in(&folder), &first);
}

#[test]
fn a_commit_in_a_linked_worktree_with_reftable_is_noticed() {
    let Some(scene) = Scene::with_reftable("worktree-reftable", "sha256") else {
        return;
    };
    let folder = worktree(&scene);
    must_say(
        &scene.build_in(&folder),
        &scene.git_in(&folder, &["rev-parse", "HEAD"]),
    );
    scene.git_in(&folder, &["commit", "-q", "--allow-empty", "-m", "another"]);
    must_say(
        &scene.build_in(&folder),
        &scene.git_in(&folder, &["rev-parse", "HEAD"]),
    );
    must_be_fresh(&scene, &folder);
}

#[test]
fn a_repository_with_reftable_and_many_branches_knows_its_commit() {
    let Some(scene) = Scene::with_reftable("reftable-many", "sha1") else {
        return;
    };
    let commit = scene.commit();
    for number in 0..300 {
        scene.git(&[
            "branch",
            &format!("a-branch-with-a-long-name-{number}"),
            "HEAD~",
        ]);
    }
    scene.git(&["pack-refs", "--all"]);
    must_say(&scene.build(), &commit);
    scene.git(&["switch", "-q", "a-branch-with-a-long-name-299"]);
    must_say(&scene.build(), &scene.head());
}

#[test]
fn a_repository_that_goes_away_is_noticed() {
    let scene = Scene::repository("gone", &[]);
    scene.build();
    fs::remove_dir_all(scene.root.join(".git")).expect("no repository");
    must_say(&scene.build(), "");
}

#[test]
fn two_clones_in_two_folders_make_the_same_program() {
    let scene = Scene::repository("same", &[]);
    scene.build();
    let program = scene.program();
    let clone = scene.root.join("elsewhere/clone");
    scene.git(&["clone", "-q", ".", clone.to_str().expect("a path in UTF-8")]);
    scene.git_in(&clone, &["remote", "remove", "origin"]);
    fs::copy(scene.root.join("Cargo.lock"), clone.join("Cargo.lock")).expect("a lock file");
    scene.git_in(
        &clone,
        &["commit", "-q", "--allow-empty", "-m", "in its reflog alone"],
    );
    scene.git_in(&clone, &["reset", "-q", "--hard", "HEAD~"]);
    assert!(scene.build_in(&clone).compiled);
    assert!(scene.program() == program, "the programs differ");
}
