//! Whether a program has the facts of its build's environment.

use std::fs;

use crate::scene::{COMMIT, JOB, SECRET, Scene};

#[test]
fn the_variables_of_a_ci_system_reach_the_program() {
    let mut scene = Scene::package("system");
    scene.set_circleci();
    let built = scene.build();
    assert_eq!(
        [
            &*built.source,
            &*built.version,
            &*built.commit,
            &*built.build
        ],
        ["https://github.com/team/app", "v1.2.4", COMMIT, JOB]
    );
}

#[test]
fn the_pushed_commit_of_a_pull_request_on_github_and_not_the_merge() {
    let mut scene = Scene::package("pull-request");
    let event = scene.root.join("event.json");
    let merge = "0".repeat(39) + "1";
    for (name, value) in [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", &merge),
        ("GITHUB_REF", "refs/pull/7/merge"),
    ] {
        scene.set(name, value);
    }
    scene.set(
        "GITHUB_EVENT_PATH",
        event.to_str().expect("a path in UTF-8"),
    );
    assert_eq!(
        scene.build().commit,
        merge,
        "without the file there is no other"
    );
    for digit in ["a", "b"] {
        let pushed = digit.repeat(40);
        let text = format!(
            r#"{{"action":"x","pull_request":{{"base":{{"sha":"{merge}"}},"head":{{"sha":"{pushed}"}}}}}}"#
        );
        fs::write(&event, text).expect("an event");
        // The file came after the first build, as it does on no CI system, whose other variables change from build to build.
        scene.set("GITHUB_REF", format!("refs/pull/{digit}/merge"));
        assert_eq!(scene.build().commit, pushed);
    }
    fs::write(
        &event,
        r#"{"pull_request":{"head":{"sha":"cccccccccccccccccccccccccccccccccccccccc"}}}"#,
    )
    .expect("an event");
    assert_eq!(scene.build().commit, "c".repeat(40), "the event changed");
    scene.set("GITHUB_REF", "refs/heads/main"); // of `pull_request_target`, which builds the branch
    assert_eq!(scene.build().commit, merge);
}

#[test]
fn a_variable_that_sets_a_fact_comes_before_ci_and_git() {
    let mut scene = Scene::repository("told", &[]);
    scene.git(&["remote", "add", "origin", "https://example.org/of/git"]);
    scene.git(&["tag", "v1.3.0"]);
    scene.set_circleci();
    scene.set("CIRCLE_SHA1", scene.head());
    let built = scene.build();
    assert_eq!(
        (&*built.version, &*built.commit),
        ("v1.2.4", &*scene.head())
    );
    let another = scene.commit();
    let built = scene.build();
    let facts = [
        &*built.source,
        &*built.version,
        &*built.commit,
        &*built.build,
    ];
    let git = ["https://example.org/of/git", "1.2.3", &*another, JOB];
    assert_eq!(
        facts, git,
        "the job's variables are not about what it committed"
    );
    scene.set(
        "DOCKERFLOW_SOURCE",
        format!("https://user:{SECRET}@example.org/told.git"),
    );
    scene.set("DOCKERFLOW_VERSION", " told \"in\" quotes ");
    scene.set("DOCKERFLOW_COMMIT", "AB".repeat(32));
    scene.set(
        "DOCKERFLOW_BUILD",
        format!("https://ci.example.org/7?token={SECRET}"),
    );
    let built = scene.build();
    assert_eq!(
        [
            &*built.source,
            &*built.version,
            &*built.commit,
            &*built.build
        ],
        [
            "https://example.org/told",
            "told \"in\" quotes",
            &"ab".repeat(32),
            "https://ci.example.org/7"
        ]
    );
    scene.unset_all();
    scene.git(&["tag", "-f", "v1.3.0"]);
    for name in ["SOURCE", "VERSION", "COMMIT", "BUILD"] {
        scene.set(&format!("DOCKERFLOW_{name}"), "");
    }
    let built = scene.build();
    let git = ["https://example.org/of/git", "v1.3.0", &*scene.head(), ""];
    assert_eq!(
        [
            &*built.source,
            &*built.version,
            &*built.commit,
            &*built.build
        ],
        git
    );
}

#[test]
fn the_tag_of_gits_commit_is_not_said_of_another_commit() {
    let mut scene = Scene::repository("told-commit", &[]);
    scene.git(&["tag", "v1.3.0"]);
    scene.set("DOCKERFLOW_COMMIT", COMMIT);
    let built = scene.build();
    assert_eq!((&*built.version, &*built.commit), ("1.2.3", COMMIT));
    scene.set("DOCKERFLOW_COMMIT", scene.head());
    assert_eq!(scene.build().version, "v1.3.0");
}

#[test]
fn each_variable_that_is_not_what_it_should_be_is_an_error_of_the_same_compile() {
    let mut scene = Scene::package("told-wrong");
    scene.set("DOCKERFLOW_SOURCE", format!("{SECRET}@nowhere"));
    scene.set("DOCKERFLOW_VERSION", "$TAG");
    scene.set("DOCKERFLOW_COMMIT", "unknown");
    scene.set("DOCKERFLOW_BUILD", "42");
    let output = scene.cargo(&scene.root);
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    let errors: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("error: "))
        .collect();
    assert_eq!(
        errors[..4],
        [
            "DOCKERFLOW_SOURCE is not valid: expected the URL of a repository without credentials, such as https://example.org/team/app",
            "DOCKERFLOW_VERSION is not valid: expected a version, such as v1.2.3, and not a placeholder",
            "DOCKERFLOW_COMMIT is not valid: expected a commit's whole hash, 40 or 64 hexadecimal digits",
            "DOCKERFLOW_BUILD is not valid: expected the URL of a build without credentials, such as https://ci.example.org/builds/42",
        ]
    );
    assert!(!text.contains(SECRET));
    scene.unset_all();
    assert_eq!(scene.build().commit, "");
}
