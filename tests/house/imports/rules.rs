//! The rules: which folder may import which, and that no file imports itself through others.

use std::collections::{BTreeMap, BTreeSet};

use crate::crate_of_files::{Arrow, Crate};

/// What each folder may import, by name. A file beside the folders is named without `.rs`.
pub(crate) struct Rules(BTreeMap<String, BTreeSet<String>>);

impl Rules {
    /// Reads the rows of a table: `` | `logging/` | what it answers | `request/`, `error.rs` | ``.
    ///
    /// A row of the last cell "all above" may import each row before it, and "all above but" leaves some of them out.
    pub(crate) fn read(guide: &str) -> Self {
        let mut rules = BTreeMap::<String, BTreeSet<String>>::new();
        let rows = guide
            .lines()
            .skip_while(|line| !line.ends_with("| may import |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        for row in rows {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [folders, _, imports] = cells[..] else {
                panic!("not three cells: {row}")
            };
            let named: BTreeSet<_> = names(imports).collect();
            let allowed: BTreeSet<_> = if imports.starts_with("all above") {
                let above = rules.keys().cloned().collect::<BTreeSet<_>>();
                above.difference(&named).cloned().collect()
            } else {
                named
            };
            for name in &allowed {
                assert!(
                    rules.contains_key(name),
                    "{folders} may import {name}, which is not above it"
                );
            }
            for folder in names(folders) {
                rules.insert(folder, allowed.clone());
            }
        }
        assert!(!rules.is_empty(), "no table of who may import whom");
        Self(rules)
    }

    /// Returns each arrow that is not allowed, as a line that names its place.
    pub(crate) fn forbidden(&self, of: &Crate) -> Vec<String> {
        let mut faults = BTreeSet::new();
        for room in of.rooms() {
            if !self.0.contains_key(&room) {
                faults.insert(format!("the table does not have {room:?}"));
            }
        }
        for arrow in of.arrows() {
            for room in &arrow.rooms {
                let from = &arrow.from_room;
                let allowed = self
                    .0
                    .get(from)
                    .is_none_or(|allowed| allowed.contains(room));
                if room != from && !allowed {
                    faults.insert(format!("{arrow}: {from} may not import {room}"));
                }
            }
        }
        faults.into_iter().collect()
    }
}

/// The names in backticks, without `/` or `.rs`.
fn names(cell: &str) -> impl Iterator<Item = String> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.map(|name| {
        let name = name.trim_end_matches('/');
        name.trim_end_matches(".rs").to_owned()
    })
}

/// The files that each file imports.
type Next<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Arrow>>;

/// Returns a text for each group of files that import each other: the shortest circle in it.
pub(crate) fn circles(of: &Crate) -> Vec<String> {
    let arrows = of.arrows();
    let mut next = Next::new();
    for arrow in &arrows {
        if arrow.from_file != arrow.to_file {
            let targets = next.entry(&arrow.from_file).or_default();
            targets.entry(&arrow.to_file).or_insert(arrow);
        }
    }
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for start in next.keys() {
        if seen.contains(start) {
            continue;
        }
        if let Some(circle) = way(&next, start, start) {
            let together = |file: &&str| {
                way(&next, start, file).is_some() && way(&next, file, start).is_some()
            };
            seen.extend(next.keys().copied().filter(together));
            let steps: Vec<_> = circle.iter().map(|arrow| format!("  {arrow}")).collect();
            faults.push(format!("a circle:\n{}", steps.join("\n")));
        }
    }
    faults
}

/// Returns the shortest way from one file to another, or back to itself.
fn way<'a>(next: &Next<'a>, start: &'a str, end: &str) -> Option<Vec<&'a Arrow>> {
    let mut came = BTreeMap::<&str, &Arrow>::new();
    let mut waiting = vec![start];
    while !came.contains_key(end) && !waiting.is_empty() {
        let mut later = Vec::new();
        for file in waiting {
            for (target, arrow) in next.get(file).into_iter().flatten() {
                if !came.contains_key(target) {
                    came.insert(target, arrow);
                    later.push(*target);
                }
            }
        }
        waiting = later;
    }
    let mut way = vec![*came.get(end)?];
    while way[0].from_file != start {
        way.insert(0, came[&*way[0].from_file]);
    }
    Some(way)
}
