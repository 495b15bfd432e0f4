//! `version.json` of the build context.

use std::fs;

use crate::scene::{OTHER, REPOSITORY, Scene, VERSION, add_package, facts_of_the_crate};

fn object(commit: &str) -> String {
    format!(
        r#"{{"source": "https://example.org/of/the/file", "version": "v4.5.6", "commit": "{commit}", "build": "https://ci.example.org/42"}}"#
    )
}

const FROM_FILE: [&str; 4] = [
    "https://example.org/of/the/file",
    "v4.5.6",
    OTHER,
    "https://ci.example.org/42",
];

#[track_caller]
fn facts(scene: &Scene, variables: &[(&str, &str)]) -> [String; 4] {
    let facts = scene.facts(variables);
    [facts.source, facts.version, facts.commit, facts.build]
}

#[test]
fn it_counts_in_a_context_without_git() {
    let scene = Scene::package();
    scene.write("version.json", object(OTHER));
    assert_eq!(facts(&scene, &[]), FROM_FILE);
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", "00112233445566778899aabbccddeeff00112233"),
    ];
    assert_eq!(
        facts(&scene, &github),
        FROM_FILE,
        "also before CI's variables"
    );
    let set = [
        ("DOCKERFLOW_VERSION", "v7"),
        ("DOCKERFLOW_BUILD", "https://ci.example.org/43"),
    ];
    assert_eq!(
        facts(&scene, &set),
        [FROM_FILE[0], "v7", OTHER, "https://ci.example.org/43"],
        "and after what is set outright"
    );
    let set = [(
        "DOCKERFLOW_COMMIT",
        "00112233445566778899aabbccddeeff00112233",
    )];
    assert_eq!(
        facts(&scene, &set),
        [REPOSITORY, VERSION, set[0].1, ""],
        "not of another commit"
    );
}

#[test]
fn beside_git_it_counts_only_if_it_is_about_what_is_checked_out() {
    let scene = Scene::repository();
    let head = scene.head();
    scene.write("version.json", object(&head));
    assert_eq!(
        facts(&scene, &[]),
        [FROM_FILE[0], FROM_FILE[1], &head, FROM_FILE[3]]
    );
    scene.write("version.json", object(OTHER));
    assert_eq!(facts(&scene, &[]), [REPOSITORY, VERSION, &head, ""]);
}

#[test]
fn a_stub_does_not_count_and_hides_nothing() {
    let scene = Scene::package();
    for commit in [
        r#""none""#,
        r#""""#,
        r#""undefined""#,
        r#""tbd""#,
        "null",
        r#""\"\"""#,
        r#"{"sha": "x"}"#,
        r#""abc1234""#,
        "7",
    ] {
        scene.write(
            "version.json",
            format!(r#"{{"source": "https://example.org/no", "version": "no", "commit": {commit}, "build": "https://no.example.org"}}"#),
        );
        assert_eq!(
            facts(&scene, &[]),
            [REPOSITORY, VERSION, "", ""],
            "{commit}"
        );
        let circle = [
            ("CIRCLECI", "true"),
            ("CIRCLE_SHA1", OTHER),
            ("CIRCLE_TAG", "v1.2.4"),
        ];
        assert_eq!(
            facts(&scene, &circle),
            [REPOSITORY, "v1.2.4", OTHER, ""],
            "{commit}"
        );
    }
    for text in ["", "[]", "null", "{", "commit=1", &object(OTHER)[..60]] {
        scene.write("version.json", text);
        assert_eq!(facts(&scene, &[]), [REPOSITORY, VERSION, "", ""], "{text}");
    }
    for value in [
        r#""none""#,
        r#""""#,
        "null",
        r#""\"\"""#,
        r#"{"a": "b"}"#,
        "[1]",
        r#""undefined""#,
        r#""$X""#,
    ] {
        scene.write("version.json", format!(r#"{{"source": {value}, "version": {value}, "build": {value}, "commit": "{OTHER}"}}"#));
        assert_eq!(
            facts(&scene, &[]),
            [REPOSITORY, VERSION, OTHER, ""],
            "{value}"
        );
    }
}

#[test]
fn the_end_of_a_line_that_a_program_left_in_a_value_does_no_harm() {
    let scene = Scene::package();
    for text in [
        format!(r#"{{"commit": "{OTHER}\n", "version": "v1.2\r\n"}}"#),
        format!(r#"{{"commit": " {OTHER} ", "version": "\tv1.2 "}}"#),
        format!(r#"{{"commit": "{OTHER}", "version": "v1\u002e2"}}"#),
        format!("\u{feff}{{\r\n \"commit\" :\t\"{OTHER}\", \"version\":\n\"v1.2\" }}\r\n"),
    ] {
        scene.write("version.json", &text);
        assert_eq!(
            facts(&scene, &[]),
            [REPOSITORY, "v1.2", OTHER, ""],
            "{text}"
        );
    }
    for value in [r"v1\nv2", r"v1\u0000", r"v1\u000a2", r"v1\x"] {
        scene.write(
            "version.json",
            format!(r#"{{"commit": "{OTHER}", "version": "{value}"}}"#),
        );
        assert_eq!(facts(&scene, &[])[1..3], [VERSION, OTHER], "{value}");
    }
}

#[test]
fn credentials_and_scripts_in_it_do_not_count() {
    let scene = Scene::package();
    for address in [
        "https://tok/SECRET@example.org/t/a.git",
        "javascript:alert(1)",
        "javascript://example.org/%0aalert(1)",
    ] {
        scene.write(
            "version.json",
            format!(r#"{{"source": "{address}", "build": "{address}", "commit": "{OTHER}"}}"#),
        );
        assert_eq!(
            facts(&scene, &[]),
            [REPOSITORY, VERSION, OTHER, ""],
            "{address}"
        );
    }
    scene.write(
        "version.json",
        format!(r#"{{"source": "https://user:SECRET@example.org/t/a.git", "commit": "{OTHER}"}}"#),
    );
    assert_eq!(facts(&scene, &[])[0], "https://example.org/t/a");
}

#[test]
fn that_of_the_workspace_counts_for_its_packages() {
    let scene = Scene::package();
    scene.write("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n");
    scene.write("version.json", object(OTHER));
    let member = scene.root.join("crates/member");
    add_package(&member);
    assert_eq!(facts_of_the_crate(&member, &[]).0.commit, OTHER);
    fs::write(member.join("version.json"), "{}").expect("a file");
    assert_eq!(
        facts_of_the_crate(&member, &[]).0.commit,
        OTHER,
        "a stub does not hide it"
    );
    fs::write(
        member.join("version.json"),
        object("00112233445566778899aabbccddeeff00112233"),
    )
    .expect("a file");
    assert_eq!(
        facts_of_the_crate(&member, &[]).0.commit,
        "00112233445566778899aabbccddeeff00112233"
    );
    let copy = scene.root.join("vendor/copy");
    add_package(&copy);
    fs::write(copy.join(".cargo-checksum.json"), "{}").expect("a file");
    assert_eq!(
        facts_of_the_crate(&copy, &[]).0.commit,
        "",
        "but not for a copy of another project"
    );
}

#[test]
fn it_is_watched() {
    let scene = Scene::package();
    scene.write("version.json", "{}");
    let files = facts_of_the_crate(&scene.root, &[]).1;
    assert_eq!(
        files,
        [scene.root.join("version.json").to_str().expect("UTF-8")]
    );
}
