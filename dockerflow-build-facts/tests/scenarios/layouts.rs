//! Each way in which a repository can be laid out, beside what git itself says of it.

use std::{fs, os::unix::fs::symlink, path::Path};

use dockerflow_build_facts::url;

use crate::scene::{REPOSITORY, Scene, VERSION, Variable, add_package};

/// The crate and the script say of the package in `folder` what git does.
#[track_caller]
fn must_be_as_git_says(scene: &Scene, folder: &Path) {
    must_be_as_git_says_with(scene, folder, &[]);
}

#[track_caller]
fn must_be_as_git_says_with(scene: &Scene, folder: &Path, variables: &[Variable<'_>]) {
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        scene.isolate(&mut command);
        command.args(["-c", "safe.directory=*"]).args(arguments);
        command.envs(variables.iter().copied()).current_dir(folder);
        let output = command.output().expect("git, which this test needs");
        let said = output.status.success().then_some(output.stdout);
        String::from_utf8_lossy(&said.unwrap_or_default())
            .trim()
            .to_owned()
    };
    let commit = git(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
    let source = url::of_repository(&git(&["remote", "get-url", "origin"]));
    let tags = if commit.is_empty() {
        String::new()
    } else {
        git(&["tag", "--points-at", "HEAD"])
    };
    let facts = scene.facts_in(folder, variables);
    assert_eq!(facts.commit, commit);
    assert_eq!(facts.source, source.unwrap_or_else(|| REPOSITORY.into()));
    if tags.is_empty() {
        assert_eq!(facts.version, VERSION);
    } else {
        assert!(
            tags.lines().any(|tag| tag == facts.version),
            "{} is none of {tags:?}",
            facts.version
        );
    }
}

/// Whether the installed git is 2.`minor` or newer; says so where it is not, for the test then compares less.
fn git_is_2(minor: u32) -> bool {
    let output = std::process::Command::new("git")
        .arg("--version")
        .output()
        .expect("git, which this test needs");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<u32> = text
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .take(2)
        .collect();
    let newer = numbers >= vec![2, minor];
    if !newer {
        eprintln!("NOT COMPARED with {}: 2.{minor} is needed", text.trim());
    }
    newer
}

/// A repository with an origin, an annotated tag, and a commit before.
fn scene() -> Scene {
    let scene = Scene::repository();
    scene.git(&["remote", "add", "origin", "git@example.org:team/app.git"]);
    scene.git(&["tag", "-a", "-m", "of the parent", "v1.2.9"]);
    scene.commit();
    scene.git(&["tag", "-a", "-m", "the release", "v1.3.0"]);
    scene.write(".git/info/exclude", "*\n"); // what a test puts beside it is not a change
    scene
}

fn path(folder: &Path) -> &str {
    folder.to_str().expect("UTF-8")
}

#[test]
fn worktrees_also_of_a_bare_repository() {
    let scene = scene();
    let [linked, detached] = ["linked", "detached"].map(|name| scene.root.join(name));
    scene.git(&["worktree", "add", "-q", "-b", "linked", path(&linked)]);
    scene.commit_in(&linked);
    must_be_as_git_says(&scene, &linked);
    scene.git_in(&linked, &["tag", "v1.3.1"]);
    must_be_as_git_says(&scene, &linked);
    scene.git(&[
        "worktree",
        "add",
        "-q",
        "--detach",
        path(&detached),
        "v1.2.9",
    ]);
    must_be_as_git_says(&scene, &detached);
    let moved = scene.root.join("moved");
    scene.git(&["worktree", "move", path(&detached), path(&moved)]);
    must_be_as_git_says(&scene, &moved);
    scene.git(&["config", "extensions.worktreeConfig", "true"]);
    scene.git_in(&moved, &["config", "--worktree", "user.name", "Another"]);
    must_be_as_git_says(&scene, &moved);
    // the pattern of those who work in worktrees alone
    let project = scene.root.join("project");
    fs::create_dir(&project).expect("a folder");
    scene.git(&["clone", "-q", "--bare", ".", path(&project.join(".bare"))]);
    scene.write("project/.git", "gitdir: ./.bare\n");
    scene.git_in(&project, &["worktree", "add", "-q", "main"]);
    must_be_as_git_says(&scene, &project.join("main"));
}

#[test]
fn submodules_of_submodules_and_those_that_keep_their_own_git_folder() {
    let scene = scene();
    let origin = scene.root.join("origin");
    add_package(&origin);
    scene.init(&origin, &[]);
    let middle = scene.root.join("middle");
    add_package(&middle);
    scene.init(&middle, &[]);
    scene.git_in(
        &middle,
        &["submodule", "--quiet", "add", path(&origin), "inner"],
    );
    scene.git_in(&middle, &["commit", "-q", "-m", "submodule"]);
    scene.git(&[
        "submodule",
        "--quiet",
        "add",
        "-f",
        path(&middle),
        "deps/middle",
    ]);
    scene.git(&["submodule", "--quiet", "update", "--init", "--recursive"]);
    scene.git(&["commit", "-q", "-m", "submodule"]);
    let middle = scene.root.join("deps/middle");
    must_be_as_git_says(&scene, &scene.root);
    must_be_as_git_says(&scene, &middle);
    let inner = middle.join("inner");
    scene.commit_in(&inner);
    scene.git_in(&inner, &["tag", "v9.0.0"]);
    must_be_as_git_says(&scene, &inner);
    let old = scene.root.join("old");
    scene.git(&["clone", "-q", path(&origin), path(&old)]);
    scene.commit_in(&old);
    must_be_as_git_says(&scene, &old);
}

#[test]
fn sparse_partial_shallow_and_borrowing_clones() {
    let scene = scene();
    scene.write("a/b/c", "deep");
    scene.git(&["add", "-f", "a"]);
    scene.git(&["commit", "-q", "-m", "deep"]);
    scene.git(&["tag", "-a", "-m", "another", "app-v1.4.0"]);
    scene.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", scene.root.display());
    for (name, options) in [
        ("blobless", &["--filter=blob:none"][..]),
        ("treeless", &["--filter=tree:0"]),
        ("shallow", &["--depth=1"]),
        ("single", &["--single-branch", "--no-tags"]),
        ("mirror", &["--origin=upstream"]),
        ("sparse", &["--sparse"]),
    ] {
        let clone = scene.root.join(name);
        scene.git(&[&["clone", "-q"], options, &[&url, path(&clone)]].concat());
        must_be_as_git_says(&scene, &clone);
    }
    let sparse = scene.root.join("sparse");
    scene.git_in(
        &sparse,
        &["sparse-checkout", "set", "--sparse-index", "src"],
    );
    must_be_as_git_says(&scene, &sparse);
    for option in ["--shared", "--reference=../.."] {
        let clone = scene
            .root
            .join("of")
            .join(option.trim_matches('-').replace(['/', '=', '.'], ""));
        let reference = option.replace("../..", path(&scene.root));
        scene.git(&["clone", "-q", &reference, &url, path(&clone)]);
        must_be_as_git_says(&scene, &clone);
    }
    // an alternate of an alternate, by a path from the folder of objects
    let far = scene.root.join("far");
    scene.git(&[
        "clone",
        "-q",
        "--shared",
        path(&scene.root.join("of/shared")),
        path(&far),
    ]);
    fs::write(
        far.join(".git/objects/info/alternates"),
        "../../../of/shared/.git/objects\n",
    )
    .expect("a file");
    scene.git_in(&far, &["remote", "remove", "origin"]);
    must_be_as_git_says(&scene, &far);
}

#[test]
fn repositories_that_lie_elsewhere() {
    let scene = scene();
    let store = Scene::package();
    // `.git` is a link to a folder
    let git = scene.root.join(".git");
    let moved = store.root.join("store");
    fs::rename(&git, &moved).expect("the repository is moved");
    symlink(&moved, &git).expect("a link");
    must_be_as_git_says(&scene, &scene.root);
    // a link to a file that names a folder, whose path counts from the link
    fs::remove_file(&git).expect("the link");
    scene.write(
        "elsewhere/dot-git",
        format!("gitdir: {}\n", moved.display()),
    );
    symlink(store.root.join("dot-git"), &git).expect("a link");
    must_be_as_git_says(&scene, &scene.root);
    // a file that names a file
    fs::remove_file(&git).expect("the link");
    scene.write(
        ".git",
        format!("gitdir: {}/dot-git\n", store.root.display()),
    );
    must_be_as_git_says(&scene, &scene.root);
    scene.write(".git", "gitdir: .git\n");
    must_be_as_git_says(&scene, &scene.root);
    scene.write(".git", format!("gitdir:{}", moved.display()));
    let facts = crate::scene::facts_of_the_crate(&scene.root, &[]).0;
    let said = scene.try_git(&scene.root, &["rev-parse", "HEAD"]);
    assert_eq!(
        !facts.commit.is_empty(),
        said.status.success(),
        "without a space: {facts:?}"
    );
    // the package is reached through a link
    let separate = Scene::package();
    separate.git(&[
        "init",
        "-q",
        "-b",
        "main",
        "--separate-git-dir",
        path(&store.root.join("separate")),
    ]);
    separate.git(&["add", "."]);
    let commit = separate.commit();
    let link = store.root.join("link");
    symlink(&separate.root, &link).expect("a link");
    must_be_as_git_says(&separate, &link);
    assert_eq!(separate.facts(&[]).commit, commit);
    // a bare repository and its working tree, by variables
    let bare = store.root.join("bare.git");
    separate.git(&["clone", "-q", "--bare", ".", path(&bare)]);
    let tree = Scene::package();
    let by_options = ["--git-dir", path(&bare), "--work-tree", path(&tree.root)];
    tree.git(&[&by_options[..], &["reset", "-q", "--hard"]].concat());
    for variables in [
        &[
            ("GIT_DIR", path(&bare)),
            ("GIT_WORK_TREE", path(&tree.root)),
        ][..],
        &[("GIT_DIR", "/nowhere")],
    ] {
        must_be_as_git_says_with(&tree, &tree.root, variables);
    }
}

#[test]
fn refs_in_every_form() {
    let scene = scene();
    let check = || must_be_as_git_says(&scene, &scene.root);
    scene.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    scene.git(&["symbolic-ref", "HEAD", "refs/heads/alias"]);
    check();
    scene.git(&["pack-refs", "--all"]);
    check();
    scene.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
    scene.git(&["branch", "v1.3.0"]); // named like the tag
    check();
    scene.commit();
    check();
    scene.git(&["tag", "-f", "v1.3.0"]); // it has a file of its own again, which counts
    check();
    scene.git(&["tag", "-f", "v1.3.0", "HEAD~"]);
    check();
    scene.git(&["tag", "nested/deep/v2"]);
    scene.git(&["pack-refs", "--all", "--prune"]);
    check();
    let head = scene.root.join(".git/HEAD");
    for text in [
        format!("{}\n", scene.head()),
        scene.head(),
        scene.head().to_uppercase(),
        format!("{} \n\n", scene.head()),
        "ref: refs/heads/main".into(),
        "ref:refs/heads/main\n".into(),
        "ref:\trefs/heads/main \n".into(),
        "ref: refs/heads/unborn\n".into(),
    ] {
        fs::write(&head, text).expect("HEAD");
        check();
    }
    fs::remove_file(&head).expect("HEAD");
    symlink("refs/heads/v1.3.0", &head).expect("a link");
    check();
}

#[test]
fn in_the_middle_of_a_rebase_a_bisection_and_a_merge() {
    let scene = scene();
    let check = || must_be_as_git_says(&scene, &scene.root);
    for (branch, text) in [("one", "one"), ("other", "other")] {
        scene.git(&["checkout", "-q", "-b", branch, "main"]);
        scene.write("text", text);
        scene.git(&["add", "-f", "text"]);
        scene.git(&["commit", "-q", "-m", text]);
    }
    for command in ["rebase", "merge", "cherry-pick"] {
        assert!(
            !scene
                .try_git(&scene.root, &[command, "one"])
                .status
                .success()
        );
        scene.write("text", "other"); // what the commit holds, or the script would warn of changes
        scene.git(&["reset", "-q", "HEAD", "--", "text"]);
        scene.git(&["checkout", "-q", "HEAD", "--", "text"]);
        check();
        let _ = scene.try_git(&scene.root, &[command, "--abort"]);
        scene.git(&["checkout", "-q", "-f", "other"]);
    }
    scene.git(&["bisect", "start", "HEAD", "v1.2.9"]);
    check();
    scene.git(&["bisect", "reset"]);
    scene.git(&["checkout", "-q", "--orphan", "empty"]);
    check();
}

#[test]
fn replaced_and_grafted_commits_keep_their_own_hashes_and_parents() {
    let scene = scene();
    let (pushed, merge) = scene.merge("topic");
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", &*merge),
        ("GITHUB_REF", "refs/pull/7/merge"),
    ];
    scene.git(&["replace", &merge, "main"]);
    scene.git(&["reset", "-q", "--hard"]);
    assert_eq!(scene.facts(&github).commit, pushed);
    must_be_as_git_says(&scene, &scene.root);
    scene.git(&["replace", "-d", &merge]);
    fs::create_dir_all(scene.root.join(".git/info")).expect("a folder");
    fs::write(scene.root.join(".git/info/grafts"), format!("{merge}\n")).expect("a file");
    assert_eq!(scene.facts(&github).commit, pushed);
    must_be_as_git_says(&scene, &scene.root);
}

#[test]
fn objects_in_every_form() {
    for format in ["sha1", "sha256"] {
        let scene = Scene::package();
        scene.init(&scene.root, &[&format!("--object-format={format}")]);
        for number in 0..40 {
            scene.git(&[
                "tag",
                "-a",
                "-m",
                &"alike ".repeat(90),
                &format!("v0.{number}"),
            ]);
            scene.commit();
        }
        scene.git(&["tag", "-a", "-m", &"alike ".repeat(91), "v1.3.0"]);
        let check = || must_be_as_git_says(&scene, &scene.root);
        check();
        for options in [
            &["repack", "-a", "-d", "-f", "-q"][..],
            &["repack", "-a", "-d", "-f", "-q", "--window=0"],
            &[
                "-c",
                "pack.indexVersion=1",
                "repack",
                "-a",
                "-d",
                "-f",
                "-q",
            ],
            &[
                "-c",
                "repack.writeBitmaps=false",
                "repack",
                "-a",
                "-d",
                "-q",
                "--write-midx",
            ],
            &["pack-refs", "--all"],
        ] {
            scene.git(options);
            check();
            let tag = scene.git(&["rev-parse", "v1.3.0"]);
            scene.write(".git/refs/tags/v1.3.0", format!("{tag}\n")); // its commit is in the pack alone
            check();
        }
        scene.git(&[
            "-c",
            "core.compression=0",
            "tag",
            "-a",
            "-m",
            "tag of a tag",
            "v1.3.1",
            "v1.3.0",
        ]);
        // An older git does not list a tag that points at another tag, and the script asks git.
        if git_is_2(42) {
            assert_eq!(scene.facts(&[]).version, "v1.3.1");
            check();
        }
    }
}

#[test]
fn remotes_in_every_form() {
    let scene = Scene::repository();
    let config = fs::read_to_string(scene.root.join(".git/config")).expect("the configuration");
    scene.write(
        ".git/other",
        "[remote \"origin\"]\nurl = https://example.org/included\n",
    );
    for text in [
        "",
        "[remote \"upstream\"]\nurl = https://example.org/upstream\n",
        "[remote \"origin\"]\nurl = https://example.org/a\n[remote \"upstream\"]\nurl = https://example.org/upstream\n",
        "[remote \"origin\"]\nurl = https://example.org/a\npushurl = https://example.org/push\n",
        "[remote \"origin\"]\npushurl = https://example.org/push\n",
        "[remote \"origin\"]\nurl = https://example.org/a\n[url \"https://example.org/push/\"]\npushInsteadOf = https://example.org/\n",
        "[remote \"origin\"]\nurl = https://user:SECRET@[2001:db8::1]:8443/a%20b.git\n",
        "[remote \"origin\"]\nurl = file:///srv/app.git\n",
        "[remote \"origin\"]\nurl = C:\\\\app.git\n",
        "[remote \"origin\"]\nurl = https://example.org/a\n[include]\npath = other\n",
        "[remote \"origin\"]\nurl = https://example.org/a\n[includeIf \"gitdir:/nowhere/\"]\npath = other\n",
    ] {
        fs::write(scene.root.join(".git/config"), format!("{config}{text}"))
            .expect("the configuration");
        must_be_as_git_says(&scene, &scene.root);
    }
    // An empty address forgets those before it, as git has it since 2.46.
    for (urls, source) in [
        (
            "url =\nurl = https://example.org/b\n",
            "https://example.org/b",
        ),
        ("url = https://example.org/b\nurl =\n", REPOSITORY),
        (
            "url = https://example.org/b\nurl =\nurl = https://example.org/c\n",
            "https://example.org/c",
        ),
    ] {
        let text = format!("{config}[remote \"origin\"]\n{urls}");
        fs::write(scene.root.join(".git/config"), text).expect("the configuration");
        assert_eq!(scene.facts(&[]).source, source);
        if git_is_2(46) {
            must_be_as_git_says(&scene, &scene.root);
        }
    }
    // git fetches from the rewritten address, but people do not find the repository there, and it may hold a password.
    for rewritten in ["https://token@mirror.example.org/", "/srv/mirror/"] {
        let text = format!(
            "[remote \"origin\"]\nurl = https://example.org/a\n[url \"{rewritten}\"]\ninsteadOf = https://example.org/\n"
        );
        fs::write(scene.root.join(".git/config"), format!("{config}{text}"))
            .expect("the configuration");
        assert_eq!(scene.facts(&[]).source, "https://example.org/a");
    }
    // An included file is not read: it may be one of the user's.
    let text = "[include]\npath = other\n";
    fs::write(scene.root.join(".git/config"), format!("{config}{text}"))
        .expect("the configuration");
    assert_eq!(scene.facts(&[]).source, REPOSITORY);
}

#[test]
fn repositories_with_reftables() {
    let scene = Scene::package();
    let options = ["--ref-format=reftable", "-b", "main"];
    if !scene
        .try_git(&scene.root, &[&["init", "-q"], &options[..]].concat())
        .status
        .success()
    {
        support::skip("git has no reftable, which this test needs: 2.45 has");
        return;
    }
    scene.init(&scene.root, &options[..1]);
    let check = || must_be_as_git_says(&scene, &scene.root);
    check();
    for number in 0..5 {
        scene.git(&["tag", "-a", "-m", "a tag", &format!("app-v1.{number}.0")]);
        check();
        scene.commit();
        check();
    }
    scene.git(&["tag", "v2.0.0"]);
    scene.git(&["pack-refs", "--all"]);
    scene.git(&["tag", "-d", "v2.0.0"]);
    check();
    let linked = scene.root.join("linked");
    scene.git(&["worktree", "add", "-q", "--detach", path(&linked), "HEAD~"]);
    must_be_as_git_says(&scene, &linked);
}
