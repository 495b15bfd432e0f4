//! Does each link of a page lead somewhere, from the page in the tree and from the same page in the API's documentation?

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A link, and the line that it is in.
#[derive(Debug)]
struct Link {
    label: Option<String>,
    target: String,
    line: usize,
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository")
}

/// The pages that git tracks, by path; outside a repository, all pages.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if path.is_dir() && !path.is_symlink() && name != "target" && name != ".git" {
                folders.push(path);
            } else if name.ends_with(".md") && !is_ignored(&path) {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

fn is_ignored(path: &Path) -> bool {
    let mut git = Command::new("git");
    git.arg("-C").arg(root()).args(["check-ignore", "--quiet"]);
    git.arg(path).status().is_ok_and(|status| status.success())
}

/// The lines of a page that are not code, numbered.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter_map(move |(number, line)| {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            return None;
        }
        (!is_code).then_some((number + 1, line))
    })
}

/// Every `](target)` and `[label]: target`.
fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        if let Some((label, target)) = line
            .strip_prefix('[')
            .and_then(|line| line.split_once("]: "))
        {
            links.push(Link {
                label: Some(label.to_owned()),
                target: target.trim().to_owned(),
                line: number,
            });
            continue;
        }
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("](") {
            let (target, after) = after.split_once(')').unwrap_or((after, ""));
            links.push(Link {
                label: None,
                target: target.to_owned(),
                line: number,
            });
            rest = after;
        }
    }
    links
}

/// The anchors of a page's headings, as GitHub and rustdoc make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|(_, line)| line.starts_with('#'));
    let anchor = |heading: &str| {
        let kept = heading.chars().filter_map(|one| match one {
            ' ' => Some('-'),
            _ if one.is_alphanumeric() || "-_".contains(one) => Some(one.to_ascii_lowercase()),
            _ => None,
        });
        kept.collect()
    };
    headings
        .map(|(_, line)| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

fn is_web(target: &str) -> bool {
    target.starts_with("https://") || target.starts_with("http://")
}

/// What is wrong with the links of a page in the tree.
fn faults_of(page: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for link in links(text) {
        let fault = if is_web(&link.target) {
            let ours = link.target.contains("/dockerflow-rs");
            ours.then_some("it names a repository of ours, and none is public")
        } else {
            let (path, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
            let file = page.parent().expect("a file has a folder").join(path);
            let text = if path.is_empty() {
                text.to_owned()
            } else {
                fs::read_to_string(&file).unwrap_or_default()
            };
            if !file.exists() {
                Some("there is no such file")
            } else if !anchor.is_empty() && !anchors(&text).contains(anchor) {
                Some("it has no such heading")
            } else {
                None
            }
        };
        if let Some(fault) = fault {
            let page = page.strip_prefix(root()).unwrap_or(page).display();
            faults.push(format!("{page}:{}: {}: {fault}", link.line, link.target));
        }
    }
    faults
}

#[test]
fn each_link_between_files_leads_to_a_file_and_a_heading() {
    let faults: Vec<_> = pages()
        .iter()
        .flat_map(|page| faults_of(page, &fs::read_to_string(page).expect("text")))
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// What `src/lib.rs` puts before each page that it includes: the page's links, as they are in the API's documentation.
fn redirected(facade: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut pages = BTreeMap::new();
    let mut labels = BTreeMap::new();
    for line in facade.lines().map(str::trim) {
        let comment = line.strip_prefix("//! ").or(line.strip_prefix("/// "));
        if let Some((_, page)) = line.split_once("include_str!(\"../") {
            let (page, _) = page.split_once('"').expect("a string ends");
            pages.insert(page.to_owned(), std::mem::take(&mut labels));
        } else if let Some((label, target)) = comment.and_then(|line| {
            let line = line.strip_prefix('[')?;
            line.split_once("]: ")
        }) {
            labels.insert(label.to_owned(), target.to_owned());
        } else if !line.starts_with("#![") && !line.starts_with("#[cfg") {
            labels.clear();
        }
    }
    pages
}

#[test]
fn each_link_between_files_leads_somewhere_in_the_apis_documentation_too() {
    let facade = fs::read_to_string(root().join("src/lib.rs")).expect("the facade");
    let included = redirected(&facade);
    let mut faults = Vec::new();
    for entry in fs::read_dir(root().join("docs"))
        .expect("a folder")
        .flatten()
    {
        let path = entry.path();
        let page = format!("docs/{}", entry.file_name().to_string_lossy());
        if path.extension().is_some_and(|is| is == "md") && !included.contains_key(&page) {
            faults.push(format!("{page} is not in the API's documentation"));
        }
    }
    for (page, labels) in &included {
        let text = fs::read_to_string(root().join(page)).expect("text");
        for Link {
            label,
            target,
            line,
        } in links(&text)
        {
            if is_web(&target) || target.starts_with('#') {
                continue;
            }
            let place = format!("{page}:{line}: {target}");
            let Some(label) = label else {
                faults.push(format!("{place}: write it as [text] and [text]: {target}"));
                continue;
            };
            // rustdoc checks that the module exists.
            match labels.get(&label) {
                None => faults.push(format!("{place}: src/lib.rs needs `[{label}]: crate::…`")),
                Some(to) if is_web(to) && !to.ends_with(&format!("/source/{target}")) => {
                    faults.push(format!("{place}: src/lib.rs has {to}"));
                }
                Some(_) => {}
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_seen() {
    let page = root().join("README.md");
    for text in [
        "[a](docs/missing.md)",
        "a [b](LICENSE) and [c](missing)",
        "[a]: docs/missing.md",
        "[a](#missing)",
        "[a](CONTRIBUTING.md#missing)",
        "[a]: https://github.com/mozilla-services/dockerflow-rs",
    ] {
        assert_eq!(faults_of(&page, text).len(), 1, "{text}");
    }
    for text in [
        "[a](CONTRIBUTING.md#run-and-test)",
        "# A `code`, and more\n[a](#a-code-and-more)",
        "```\n[a](missing)\n```",
        "[a]: https://example.org/",
    ] {
        let faults = faults_of(&page, text);
        assert!(faults.is_empty(), "{text}: {faults:?}");
    }
}
