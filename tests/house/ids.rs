//! Does the documentation have the ids of the ready-made checks, by which an operator silences them?

use std::{collections::BTreeMap, fs, path::Path};

const PREFIX: &str = "dockerflow.health.";

/// For each file of checks, the ids that it reports.
fn of_the_code() -> BTreeMap<String, Vec<String>> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dockerflow-runtime/src/health/checks");
    let files = fs::read_dir(folder).expect("the folder of the checks");
    let files = files.flatten().filter_map(|file| {
        let text = fs::read_to_string(file.path()).expect("a source");
        let name = file.path().file_stem()?.to_str()?.to_owned();
        let mut ids: Vec<_> = text
            .split(&format!("\"{PREFIX}"))
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
            .collect();
        ids.sort();
        ids.dedup();
        (!ids.is_empty()).then_some((name, ids))
    });
    files.collect()
}

/// For each module that the table of ready-made checks names, the ids in its rows.
fn of_the_table() -> BTreeMap<String, Vec<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/health-checks.md");
    let page = fs::read_to_string(page).expect("the page");
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in page.lines() {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, function, _, _, ids, _] = cells[..] else {
            continue;
        };
        let Some((module, _)) = function.trim_start_matches('`').split_once("::") else {
            continue;
        };
        let ids = ids.split('`').skip(1).step_by(2).map(ToOwned::to_owned);
        table.entry(module.to_owned()).or_default().extend(ids);
    }
    for ids in table.values_mut() {
        ids.sort();
        ids.dedup();
    }
    table
}

#[test]
fn the_table_of_ready_made_checks_has_the_ids_of_each() {
    assert_eq!(of_the_table(), of_the_code());
}
