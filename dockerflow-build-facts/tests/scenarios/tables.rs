//! The tables of CI systems and of addresses, in the crate and in the script.

use crate::scene::{REPOSITORY, Scene, VERSION, facts_of_the_crate, fixtures};

#[test]
fn every_ci_system_gives_the_facts_of_its_fixture() {
    let scene = Scene::package();
    let fixtures = fixtures();
    for (title, variables, [source, tag, commit, build]) in &fixtures {
        let facts = scene.facts(variables);
        let or = |fact: &'static str, other| if fact.is_empty() { other } else { fact };
        assert_eq!(
            [
                &*facts.source,
                &*facts.version,
                &*facts.commit,
                &*facts.build
            ],
            [or(source, REPOSITORY), or(tag, VERSION), commit, build],
            "{title}"
        );
    }
    println!("{} builds in CI systems", fixtures.len());
}

#[test]
fn every_address_is_the_same_for_both() {
    let scene = Scene::package();
    let mut count = 0;
    for line in include_str!("../../fixtures/urls.txt").lines() {
        let [kind, input, result] = *line.split('\t').collect::<Vec<_>>() else {
            continue;
        };
        let result = result.trim_start_matches('-');
        // As a CI system's variable: what is not an address is then left out instead of being an error.
        let (name, expected) = match kind {
            "repository" => ("CIRCLE_REPOSITORY_URL", [result, ""]),
            _ => ("CIRCLE_BUILD_URL", ["", result]),
        };
        let facts = scene.facts(&[("CIRCLECI", "true"), (name, input)]);
        let source = if facts.source == REPOSITORY {
            ""
        } else {
            &*facts.source
        };
        assert_eq!([source, &*facts.build], expected, "{line}");
        count += 1;
    }
    println!("{count} addresses");
}

#[test]
fn an_origin_gives_the_same_address_as_a_variable() {
    let scene = Scene::repository();
    scene.git(&["remote", "add", "origin", "x"]);
    for line in include_str!("../../fixtures/urls.txt").lines() {
        let ["repository", input, result] = *line.split('\t').collect::<Vec<_>>() else {
            continue;
        };
        scene.git(&["config", "remote.origin.url", input]);
        let result = result.trim_start_matches('-');
        let (facts, _) = facts_of_the_crate(&scene.root, &[]);
        assert_eq!(
            facts.source,
            if result.is_empty() {
                REPOSITORY
            } else {
                result
            },
            "{line}"
        );
    }
}
