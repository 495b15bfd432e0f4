//! Jobs that check out something other than what the CI system's variables describe.

use crate::scene::{OTHER, REPOSITORY, Scene, VERSION, Variable, add_package};

const JOB: &str = "https://ci.example.org/7";

/// The variables of a job for `commit`, on a branch, on each of the common systems.
fn systems(commit: &str) -> Vec<Vec<Variable<'_>>> {
    vec![
        vec![
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", commit),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_REF_TYPE", "branch"),
            ("GITHUB_REF_NAME", "main"),
            ("GITHUB_EVENT_NAME", "workflow_dispatch"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "team/ci"),
            ("GITHUB_RUN_ID", "7"),
        ],
        vec![
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_SHA", commit),
            ("CI_PROJECT_URL", "https://gitlab.com/team/ci"),
            ("CI_JOB_URL", JOB),
        ],
        vec![
            ("CIRCLECI", "true"),
            ("CIRCLE_SHA1", commit),
            ("CIRCLE_REPOSITORY_URL", "git@github.com:team/ci.git"),
            ("CIRCLE_BUILD_URL", JOB),
        ],
        vec![
            ("JENKINS_URL", "https://jenkins.example.org/"),
            ("GIT_COMMIT", commit),
            ("GIT_URL", "https://github.com/team/ci.git"),
            ("BUILD_URL", JOB),
        ],
        vec![
            ("TASK_ID", "fN1SbArXTPSVFNUvaOlinQ"),
            ("RUN_ID", "0"),
            ("TASKCLUSTER_ROOT_URL", "https://tc.example.org"),
            ("VCS_HEAD_REV", commit),
            ("VCS_HEAD_REPOSITORY", "https://github.com/team/ci"),
        ],
    ]
}

#[test]
fn a_checkout_of_a_tag_in_a_job_of_a_branch_has_the_tags_commit() {
    let scene = Scene::repository();
    scene.git(&["remote", "add", "origin", "https://example.org/of/git"]);
    scene.git(&["tag", "v1.2.2"]);
    let tagged = scene.head();
    let main = scene.commit();
    scene.git(&["checkout", "-q", "v1.2.2"]);
    for variables in systems(&main) {
        let facts = scene.facts(&variables);
        assert_eq!(
            [&*facts.source, &*facts.version, &*facts.commit],
            ["https://example.org/of/git", "v1.2.2", &*tagged]
        );
        assert_ne!(
            facts.build, "",
            "the job is the one that builds it, whatever it is"
        );
    }
    scene.git(&["checkout", "-q", "main"]);
    for variables in systems(&main) {
        let facts = scene.facts(&variables);
        assert_eq!((&*facts.version, &*facts.commit), (VERSION, &*main));
        assert!(facts.source.ends_with("/team/ci"), "{facts:?}");
    }
}

#[test]
fn the_tag_of_the_commit_is_known_also_in_a_job_of_a_branch() {
    let scene = Scene::repository();
    scene.git(&["tag", "v1.2.2"]);
    for variables in systems(&scene.head()) {
        assert_eq!(scene.facts(&variables).version, "v1.2.2");
    }
}

#[test]
fn a_second_repository_of_a_job_is_not_the_first_one() {
    let scene = Scene::repository();
    let other = scene.root.join("other");
    add_package(&other);
    scene.init(&other, &[]);
    scene.git_in(&other, &["commit", "-q", "--allow-empty", "-m", "other"]);
    let commit = scene.git_in(&other, &["rev-parse", "HEAD"]);
    for variables in systems(&scene.head()) {
        let facts = scene.facts_in(&other, &variables);
        assert_eq!(
            [&*facts.source, &*facts.version, &*facts.commit],
            [REPOSITORY, VERSION, &*commit]
        );
    }
}

#[test]
fn a_submodule_is_not_its_superproject() {
    let scene = Scene::repository();
    let origin = scene.root.join("origin");
    add_package(&origin);
    scene.init(&origin, &[]);
    let path = origin.to_str().expect("UTF-8");
    scene.git(&["submodule", "--quiet", "add", path, "inner"]);
    scene.git(&["commit", "-q", "-m", "submodule"]);
    let inner = scene.root.join("inner");
    scene.git_in(&inner, &["commit", "-q", "--allow-empty", "-m", "inner"]);
    let commit = scene.git_in(&inner, &["rev-parse", "HEAD"]);
    for variables in systems(&scene.head()) {
        let facts = scene.facts_in(&inner, &variables);
        assert_eq!([&*facts.source, &*facts.commit], [REPOSITORY, &*commit]);
    }
}

#[test]
fn a_commit_that_the_job_made_is_what_is_built() {
    let scene = Scene::repository();
    let started = scene.head();
    let made = scene.commit();
    for mut variables in systems(&started) {
        assert_eq!(scene.facts(&variables).commit, made);
        variables.push(("GITHUB_REF", "refs/pull/7/merge"));
        variables.push(("CI_MERGE_REQUEST_IID", "7"));
        variables.push(("CHANGE_ID", "7"));
        assert_eq!(
            scene.facts(&variables).commit,
            made,
            "of a pull request, too"
        );
    }
}

#[test]
fn a_branch_that_merged_the_other_is_itself() {
    let scene = Scene::repository();
    let (pushed, merge) = scene.merge("topic");
    for variables in systems(&pushed) {
        assert_eq!(scene.facts(&variables).commit, merge);
    }
    // A pull request for which the system created a different merge commit.
    let event = scene.root.join("event.json");
    scene.write(
        "event.json",
        format!(r#"{{"pull_request":{{"head":{{"sha":"{pushed}"}}}}}}"#),
    );
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", OTHER),
        ("GITHUB_REF", "refs/pull/7/merge"),
        ("GITHUB_EVENT_PATH", event.to_str().expect("UTF-8")),
    ];
    scene.git(&["add", "event.json"]);
    scene.git(&["commit", "-q", "--amend", "--no-edit"]);
    let merge = scene.head();
    assert_eq!(scene.facts(&github).commit, merge);
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", OTHER),
        ("CI_MERGE_REQUEST_IID", "7"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &pushed),
    ];
    assert_eq!(scene.facts(&gitlab).commit, merge);
}

#[test]
fn the_commit_of_a_pull_request_is_the_one_that_was_pushed() {
    let scene = Scene::repository();
    let (pushed, merge) = scene.merge("topic");
    let folder = tempfile();
    let event = folder.root.join("event.json");
    folder.write(
        "event.json",
        format!(r#"{{"pull_request":{{"base":{{"sha":"{OTHER}"}},"head":{{"sha":"{pushed}"}}}}}}"#),
    );
    let event = event.to_str().expect("UTF-8");
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", &*merge),
        ("GITHUB_REF", "refs/pull/7/merge"),
    ];
    for (system, variables) in [
        (
            "GitHub",
            [&github[..], &[("GITHUB_EVENT_PATH", event)]].concat(),
        ),
        (
            "GitHub without the event's file: the merge's second parent",
            github.to_vec(),
        ),
        (
            "GitLab",
            vec![
                ("GITLAB_CI", "true"),
                ("CI_COMMIT_SHA", &*merge),
                ("CI_MERGE_REQUEST_IID", "7"),
                ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &*pushed),
            ],
        ),
        (
            "Travis",
            vec![
                ("TRAVIS", "true"),
                ("TRAVIS_PULL_REQUEST", "7"),
                ("TRAVIS_COMMIT", &*merge),
                ("TRAVIS_PULL_REQUEST_SHA", &*pushed),
            ],
        ),
        (
            "Azure",
            vec![
                ("TF_BUILD", "True"),
                ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7"),
                ("BUILD_SOURCEVERSION", &*merge),
                ("SYSTEM_PULLREQUEST_SOURCECOMMITID", &*pushed),
            ],
        ),
        (
            "Semaphore",
            vec![
                ("SEMAPHORE", "true"),
                ("SEMAPHORE_GIT_PR_NUMBER", "7"),
                ("SEMAPHORE_GIT_SHA", &*merge),
                ("SEMAPHORE_GIT_PR_SHA", &*pushed),
            ],
        ),
        (
            "Drone",
            vec![
                ("DRONE", "true"),
                ("DRONE_PULL_REQUEST", "7"),
                ("DRONE_COMMIT_SHA", &*pushed),
            ],
        ),
        (
            "Jenkins",
            vec![
                ("JENKINS_URL", "x"),
                ("CHANGE_ID", "7"),
                ("GIT_COMMIT", &*pushed),
            ],
        ),
        (
            "Prow",
            vec![
                ("PROW_JOB_ID", "x"),
                ("PULL_NUMBER", "7"),
                ("PULL_BASE_SHA", OTHER),
                ("PULL_PULL_SHA", &*pushed),
            ],
        ),
        (
            "Buildkite",
            vec![
                ("BUILDKITE", "true"),
                ("BUILDKITE_PULL_REQUEST", "7"),
                ("BUILDKITE_COMMIT", &*pushed),
            ],
        ),
    ] {
        assert_eq!(scene.facts(&variables).commit, pushed, "{system}");
    }
}

#[test]
fn the_parents_of_a_merge_are_known_in_a_shallow_clone_of_it() {
    let scene = Scene::repository();
    let (pushed, merge) = scene.merge("topic");
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", &*merge),
        ("GITHUB_REF", "refs/pull/7/merge"),
    ];
    let shallow = scene.root.join("shallow");
    let url = format!("file://{}", scene.root.display());
    let path = shallow.to_str().expect("UTF-8");
    scene.git(&["clone", "-q", "--depth", "1", &url, path]);
    assert_eq!(scene.facts_in(&shallow, &github).commit, pushed);
    scene.git_in(&shallow, &["repack", "-a", "-d", "-q"]);
    assert_eq!(scene.facts_in(&shallow, &github).commit, pushed, "packed");
}

#[test]
fn a_pull_request_whose_branch_is_built_itself() {
    let scene = Scene::repository();
    let (pushed, merge) = scene.merge("topic");
    // The branch has merged main: the commit that was pushed has two parents.
    scene.git(&["checkout", "-q", "topic"]);
    scene.git(&["merge", "-q", "--no-ff", "--no-edit", "main"]);
    let head = scene.head();
    assert!(head != pushed && head != merge);
    for variables in [
        &[
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_SHA", &*head),
            ("CI_MERGE_REQUEST_IID", "7"),
        ][..],
        &[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", &*head),
            ("GITHUB_REF", "refs/pull/7/head"),
        ],
        &[
            ("CIRCLECI", "true"),
            ("CIRCLE_SHA1", &*head),
            ("CIRCLE_PULL_REQUEST", "https://github.com/a/b/pull/7"),
        ],
    ] {
        assert_eq!(scene.facts(variables).commit, head);
    }
}

#[test]
fn variables_that_name_no_commit_do_not_count_beside_a_repository() {
    let scene = Scene::repository();
    let variables = [
        ("BUILDKITE", "true"),
        ("BUILDKITE_COMMIT", "HEAD"),
        ("BUILDKITE_TAG", "v9.9.9"),
        ("BUILDKITE_REPO", "https://example.org/a/b"),
        ("BUILDKITE_BUILD_URL", JOB),
    ];
    let facts = scene.facts(&[&variables[..], &[("GITHUB_SHA", OTHER)]].concat());
    assert_eq!(
        [&*facts.source, &*facts.version, &*facts.build],
        [REPOSITORY, VERSION, JOB]
    );
}

#[test]
fn variables_that_are_empty_in_quotes_or_of_several_lines_are_not_facts() {
    let scene = Scene::repository();
    let head = scene.head();
    let quoted = [format!("\"{head}\""), format!("'{head}'")];
    let several = [format!("{head}\n{OTHER}"), format!("{OTHER}\r\n{head}\r\n")];
    let part = &head[..12];
    for broken in [
        &*quoted[0],
        &quoted[1],
        &several[0],
        &several[1],
        part,
        "",
        " ",
        "\n",
        "\t\r\n",
        "HEAD",
        "$SHA",
    ] {
        for variables in systems(broken) {
            let facts = scene.facts(&variables);
            assert_eq!(
                [&*facts.source, &*facts.version, &*facts.commit],
                [REPOSITORY, VERSION, &*head],
                "{broken:?}"
            );
        }
    }
    for surrounded in [
        format!(" {head}"),
        format!("{head}\n"),
        format!("\t{head}\r\n"),
        head.to_uppercase(),
    ] {
        for variables in systems(&surrounded) {
            let facts = scene.facts(&variables);
            assert_eq!(
                (facts.source.ends_with("/team/ci"), &*facts.commit),
                (true, &*head),
                "{surrounded:?}"
            );
        }
    }
    for tag in [
        "\"v9.9.9\"",
        "'v9.9.9'",
        "v9.9.9\nv8",
        "",
        " ",
        "${TAG}",
        "null",
    ] {
        for (name, value) in [
            ("CIRCLE_TAG", tag.to_owned()),
            ("GITHUB_REF", format!("refs/tags/{tag}")),
        ] {
            let mut variables = vec![
                ("CIRCLECI", "true"),
                ("CIRCLE_SHA1", &*head),
                (name, &*value),
            ];
            if name == "GITHUB_REF" {
                variables = vec![
                    ("GITHUB_ACTIONS", "true"),
                    ("GITHUB_SHA", &*head),
                    (name, &*value),
                ];
            }
            assert_eq!(scene.facts(&variables).version, VERSION, "{variables:?}");
        }
    }
    for address in [
        "\"https://example.org/a/b\"",
        "'https://example.org/a/b'",
        "https://example.org/a\nb",
        "",
        " ",
        "null",
    ] {
        let variables = [
            ("CIRCLECI", "true"),
            ("CIRCLE_SHA1", &*head),
            ("CIRCLE_REPOSITORY_URL", address),
            ("CIRCLE_BUILD_URL", address),
        ];
        let facts = scene.facts(&variables);
        assert_eq!(
            (&*facts.source, &*facts.build),
            (REPOSITORY, ""),
            "{address:?}"
        );
    }
}

/// An empty folder outside any repository.
fn tempfile() -> Scene {
    Scene::package()
}
