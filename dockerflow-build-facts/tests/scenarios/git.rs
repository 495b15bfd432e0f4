//! A repository is read as git reads it.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    process::Command,
    time::{Duration, Instant},
};

use crate::scene::{OTHER, REPOSITORY, Scene, VERSION, add_package, facts_of_the_crate};

#[test]
fn of_two_urls_the_first_counts_as_git_has_it() {
    let scene = Scene::repository();
    let config = fs::read_to_string(scene.root.join(".git/config")).expect("the configuration");
    for (text, source) in [
        (
            "[remote \"origin\"]\nurl = https://example.org/a\nurl = https://example.org/b\n",
            "https://example.org/a",
        ),
        (
            "[remote \"origin\"]\nurl = https://example.org/a ; comment\n",
            "https://example.org/a",
        ),
        (
            "[remote \"origin\"]\nurl = https://example.org/a;comment\n",
            "https://example.org/a",
        ),
        (
            "[remote \"origin\"]\nurl = https://example\\\n.org/a\n",
            "https://example.org/a",
        ),
        (
            "[remote \"origin\"]\nurl = https://\"example.org\"/a\n",
            "https://example.org/a",
        ),
        (
            "[remote \"origin\"] url = https://example.org/a\n",
            "https://example.org/a",
        ),
        (
            "[remote.origin]\nurl = https://example.org/a\n",
            "https://example.org/a",
        ),
        (
            "[remote \"origin\"]\nurl = git@github.com-work:team/app.git\n",
            REPOSITORY,
        ),
        (
            "[remote \"origin\"]\nurl = [git@example.org:2222]:team/app\n",
            "https://example.org/team/app",
        ),
        (
            "[remote \"origin\"]\nurl = git@ssh.dev.azure.com:v3/team/project/app\n",
            "https://dev.azure.com/team/project/_git/app",
        ),
    ] {
        fs::write(scene.root.join(".git/config"), format!("{config}{text}"))
            .expect("the configuration");
        assert_eq!(scene.facts(&[]).source, source, "{text}");
    }
}

#[test]
fn of_several_tags_versions_come_first_in_their_order() {
    for (best, others) in [
        ("v1.10.0", &["v1.9.0", "v1"][..]),
        ("v0.7.0", &["z-nightly", "+sub/v1.0.13"]),
        ("v0.1.0", &["+deployed-prod"]),
        ("v2.0.0", &["v2.0.0-rc.1"]),
        ("v1.2.3", &["v2.0.0", "+z"]),
        ("library-v2.0.0", &["stable"]),
        ("+annotated", &["z"]),
        ("2.1.0", &["v2.0.0", "V1.9.0"]),
        ("v1.2.3", &["v1.2.3-rc.1", "v1.2.3-rc.10"]),
        ("app-v1.2.3", &["+web-v1.2.3", "z1.2.3", "v9.9.9"]),
        (
            "v3.0.0-rc.10",
            &["v3.0.0-rc.9", "v3.0.0-beta", "v3.0.0-rc", "v3.0.0-1"],
        ),
        ("web-v1.10.0", &["web-v1.9.0", "web-v1.10.0-rc.1"]),
        ("v20261125.1", &["v20261125", "20261126"]),
    ] {
        let scene = Scene::repository();
        for tag in [&[best], others].concat() {
            match tag.strip_prefix('+') {
                Some(tag) => scene.git(&["tag", "-a", "-m", "annotated", tag]),
                None => scene.git(&["tag", tag]),
            };
        }
        let best = best.trim_start_matches('+');
        assert_eq!(scene.facts(&[]).version, best, "over {others:?}");
        scene.git(&["pack-refs", "--all"]);
        assert_eq!(scene.facts(&[]).version, best, "packed, over {others:?}");
    }
}

#[test]
fn a_branch_whose_name_is_not_utf_8_is_read() {
    let scene = Scene::repository();
    let mut git = Command::new("git");
    git.current_dir(&scene.root)
        .arg("checkout")
        .arg("-q")
        .arg("-b")
        .arg(OsStr::from_bytes(b"br\xffanch"));
    if !git.status().expect("git").success() {
        eprintln!("SKIPPED: the file system refuses a name that is not UTF-8");
        return;
    }
    let commit = scene.commit();
    let (facts, files) = facts_of_the_crate(&scene.root, &[]);
    assert_eq!(facts.commit, commit);
    assert!(
        files.iter().any(|file| file.ends_with(".git/logs/HEAD")),
        "{files:?}"
    );
    scene.git(&["pack-refs", "--all"]);
    assert_eq!(scene.facts(&[]).commit, commit);
}

#[test]
fn a_dot_git_that_is_not_a_repository_does_not_stop_the_search() {
    let scene = Scene::repository();
    let inner = scene.root.join("inner");
    add_package(&inner);
    for prepare in [&|| fs::create_dir(inner.join(".git")), &|| {
        fs::write(inner.join(".git/HEAD"), "nonsense")
    }] as [&dyn Fn() -> std::io::Result<()>; 2]
    {
        prepare().expect("a folder");
        assert_eq!(facts_of_the_crate(&inner, &[]).0.commit, scene.head());
        assert_eq!(
            scene.git_in(&inner, &["rev-parse", "HEAD"]),
            scene.head(),
            "git goes on, too"
        );
    }
    fs::remove_dir_all(inner.join(".git")).expect("the folder");
    fs::write(inner.join(".git"), "gitdir: /nowhere/to/be/found\n").expect("a file");
    assert_eq!(
        facts_of_the_crate(&inner, &[]).0.commit,
        "",
        "a submodule without its repository is not the superproject"
    );
}

#[test]
fn pipes_and_loops_of_links_do_not_hang_the_compiler() {
    for name in [
        "HEAD",
        "config",
        "packed-refs",
        "commondir",
        "refs/heads/main",
        "refs/tags/pipe",
        "objects/info/alternates",
        "logs/HEAD",
        "logs/refs/heads/main",
        "index",
        "objects/pack/pack-1.idx",
        "reftable/tables.list",
    ] {
        let scene = Scene::repository();
        scene.git(&["tag", "v1.3.0"]);
        let path = scene.root.join(".git").join(name);
        let _ = fs::remove_file(&path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .expect("mkfifo")
                .success()
        );
        let started = Instant::now();
        let (_, files) = facts_of_the_crate(&scene.root, &[]);
        assert!(started.elapsed() < Duration::from_secs(10), "{name}");
        assert!(
            !files.iter().any(|file| path.as_os_str() == &**file),
            "the compiler would read it: {files:?}"
        );
    }
    let scene = Scene::repository();
    let commit = scene.head();
    scene.git(&["tag", "v1.3.0"]);
    let git = scene.root.join(".git");
    symlink(git.join("refs"), git.join("refs/tags/loop")).expect("a link");
    symlink("self", git.join("refs/tags/self")).expect("a link");
    symlink("/dev/zero", git.join("refs/tags/zero")).expect("a link");
    let facts = facts_of_the_crate(&scene.root, &[]).0;
    assert_eq!((&*facts.commit, &*facts.version), (&*commit, "v1.3.0"));
    for name in ["HEAD", "config", "packed-refs"] {
        let path = git.join(name);
        let _ = fs::remove_file(&path);
        symlink(&path, &path).expect("a link");
        let _ = facts_of_the_crate(&scene.root, &[]);
    }
}

#[test]
fn the_repository_that_git_dir_names_counts_for_its_working_tree() {
    let scene = Scene::repository();
    let commit = scene.head();
    let store = Scene::package();
    let moved = store.root.join("app.git");
    fs::rename(scene.root.join(".git"), &moved).expect("a repository");
    let moved = moved.to_str().expect("UTF-8");
    let tree = scene.root.to_str().expect("UTF-8");
    assert_eq!(scene.facts(&[]).commit, "");
    assert_eq!(
        scene
            .facts(&[("GIT_DIR", moved), ("GIT_WORK_TREE", tree)])
            .commit,
        commit
    );
    let other = Scene::repository();
    let leaked = [("GIT_DIR", moved), ("GIT_WORK_TREE", tree)];
    assert_eq!(
        facts_of_the_crate(&other.root, &leaked).0.commit,
        other.head(),
        "a hook of another repository"
    );
    assert_eq!(
        facts_of_the_crate(&other.root, &[("GIT_DIR", "/nowhere")])
            .0
            .commit,
        other.head()
    );
}

#[test]
fn objects_of_another_repository_are_found() {
    let scene = Scene::repository();
    scene.git(&["tag", "-a", "-m", "the release", "v1.3.0"]);
    let clone = scene.root.join("clone");
    scene.git(&[
        "clone",
        "-q",
        "--shared",
        ".",
        clone.to_str().expect("UTF-8"),
    ]);
    assert_eq!(scene.facts_in(&clone, &[]).version, "v1.3.0");
}

#[test]
fn parents_are_found_in_a_pack_of_differences() {
    let scene = Scene::repository();
    for number in 0..30 {
        let text = format!(
            "a long message that is much alike {number} {}",
            "and goes on ".repeat(60)
        );
        scene.git(&["commit", "-q", "--allow-empty", "-m", &text]);
    }
    let (pushed, merge) = scene.merge("topic");
    scene.git(&[
        "repack",
        "-a",
        "-d",
        "-f",
        "-q",
        "--depth=50",
        "--window=50",
    ]);
    let variables = [
        ("JENKINS_URL", "x"),
        ("CHANGE_ID", "7"),
        ("GIT_COMMIT", &*pushed),
    ];
    assert_eq!(scene.facts(&variables).commit, pushed);
    scene.git(&["checkout", "-q", &pushed]);
    let variables = [
        ("JENKINS_URL", "x"),
        ("CHANGE_ID", "7"),
        ("GIT_COMMIT", &*merge),
    ];
    assert_eq!(scene.facts(&variables).commit, pushed);
}

#[test]
fn only_what_decides_is_watched() {
    let scene = Scene::repository();
    scene.git(&["remote", "add", "origin", "https://example.org/a"]);
    let watched = |variables: &[(&str, &str)]| {
        let (_, files) = facts_of_the_crate(&scene.root, variables);
        let start = scene.root.join(".git/");
        let start = start.to_str().expect("UTF-8").to_owned();
        files
            .into_iter()
            .map(|file| {
                file.strip_prefix(&start)
                    .map_or(file.clone(), str::to_owned)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(watched(&[]), ["HEAD", "config", "refs/heads/main"]);
    assert_eq!(
        watched(&[("DOCKERFLOW_SOURCE", "https://example.org/a")]),
        ["HEAD", "refs/heads/main"]
    );
    assert_eq!(watched(&[("DOCKERFLOW_COMMIT", OTHER)]), [""; 0]);
    assert_eq!(watched(&[("DOCKERFLOW_COMMIT", &scene.head())]), [""; 0]);
    scene.git(&["checkout", "-q", "--detach"]);
    assert_eq!(watched(&[]), ["HEAD", "config"]);
    scene.git(&["tag", "v1.3.0"]);
    assert_eq!(watched(&[]), ["HEAD", "config", "refs/tags/v1.3.0"]);
    assert_eq!(watched(&[("DOCKERFLOW_VERSION", "1")]), ["HEAD", "config"]);
    scene.git(&["checkout", "-q", "main"]);
    scene.git(&["pack-refs", "--all"]);
    assert_eq!(
        watched(&[]),
        ["HEAD", "config", "logs/refs/heads/main", "packed-refs"]
    );
}

#[test]
fn the_commit_that_is_set_outright_has_its_tag_and_no_other() {
    let scene = Scene::repository();
    scene.git(&["tag", "v1.3.0"]);
    assert_eq!(
        scene.facts(&[("DOCKERFLOW_COMMIT", OTHER)]).version,
        VERSION
    );
    assert_eq!(
        scene.facts(&[("DOCKERFLOW_COMMIT", &scene.head())]).version,
        "v1.3.0"
    );
}
