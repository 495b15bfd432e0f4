//! Which tag stands for the commit that is checked out.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{Objects, Repository, Target};
use crate::inputs::{self, Inputs};

/// The package that is built: its own tag is preferred.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Repository {
    /// Returns the tag of the commit `head`. Of several: one that ends in the package's version; else a version such as `v1.10.0`,
    /// the highest; else an annotated one; else one with a version in it, such as `api-v1.2.3`; else the last by name.
    pub(crate) fn tag(&self, head: &str, package: &Package, inputs: &mut Inputs) -> Option<String> {
        const START: &str = "refs/tags/";
        let objects = Objects::of(&self.common);
        let packed = self.common.join("packed-refs");
        // Only the file in which the tag is found is recorded.
        let refs = inputs.without_recording_files(|inputs| self.refs(inputs));
        let mut tags: BTreeMap<String, (bool, PathBuf)> = BTreeMap::new();
        for (name, target) in &refs {
            let Some(name) = name
                .strip_prefix(START.as_bytes())
                .and_then(|name| std::str::from_utf8(name).ok())
            else {
                continue;
            };
            if let Target::Object { hash, peeled } = target {
                if hash == head {
                    tags.insert(name.to_owned(), (false, packed.clone()));
                } else if peeled.as_deref() == Some(head) {
                    tags.insert(name.to_owned(), (true, packed.clone()));
                }
            }
        }
        for (name, path) in files(&self.common.join(START), 0) {
            tags.remove(&name); // the file of its own counts
            let Some(hash) = inputs::read(&path) else {
                continue;
            };
            let hash = String::from_utf8_lossy(&hash);
            let hash = hash.trim();
            if hash == head {
                tags.insert(name, (false, path));
            } else if objects.peel(hash).as_deref() == Some(head) {
                tags.insert(name, (true, path));
            }
        }
        let rank = |name: &str, is_annotated: bool| Rank::of(name, is_annotated, package);
        let (name, (_, path)) = tags
            .into_iter()
            .max_by(|(a, (a_is, _)), (b, (b_is, _))| rank(a, *a_is).cmp(&rank(b, *b_is)))?;
        let _ = inputs.watch(&path);
        Some(name)
    }
}

/// How well a tag names what is built. The fields are compared in their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    ends_in_the_packages_version: bool,
    /// `v1.2.3` before `v1`, before all else.
    plain: u8,
    names_the_package: bool,
    is_annotated: bool,
    version: Option<Version>,
    name: String,
}

impl Rank {
    fn of(name: &str, is_annotated: bool, package: &Package) -> Self {
        let ends_in_the_packages_version =
            name.strip_suffix(&*package.version).is_some_and(|rest| {
                !package.version.is_empty()
                    && !rest.ends_with(|last: char| last == '.' || last.is_ascii_digit())
            });
        let whole = Version::parse(name.strip_prefix(['v', 'V']).unwrap_or(name));
        let plain = whole
            .as_ref()
            .map_or(0, |version| if version.numbers.len() > 1 { 2 } else { 1 });
        let start = |name: &str| {
            name.find(|one: char| one.is_ascii_digit())
                .unwrap_or(name.len())
        };
        Self {
            ends_in_the_packages_version,
            plain,
            names_the_package: ends_in_the_packages_version
                && !package.name.is_empty()
                && name.starts_with(&package.name),
            // Among versions, the higher one counts.
            is_annotated: is_annotated && plain == 0,
            version: whole.or_else(|| Version::parse(&name[start(name)..])),
            name: name.to_owned(),
        }
    }
}

/// A version in the order of [semantic versions](https://semver.org), of any count of numbers.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    numbers: Vec<u64>,
    pre: Vec<Identifier>,
}

/// A part of a pre-release: numbers come before words.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let text = text.split('+').next()?;
        let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
        let is_number =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let numbers = numbers
            .split('.')
            .map(|part| part.parse().ok().filter(|_| is_number(part)))
            .collect::<Option<_>>()?;
        let identifier = |part: &str| match part.parse() {
            Ok(number) if is_number(part) => Identifier::Number(number),
            _ => Identifier::Word(part.to_owned()),
        };
        let pre = if pre.is_empty() {
            Vec::new()
        } else {
            pre.split('.').map(identifier).collect()
        };
        Some(Self { numbers, pre })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let number =
            |version: &Self, index: usize| version.numbers.get(index).copied().unwrap_or_default();
        let count = self.numbers.len().max(other.numbers.len());
        let numbers = (0..count).map(|index| number(self, index).cmp(&number(other, index)));
        numbers
            .fold(Ordering::Equal, Ordering::then)
            // a release comes after its pre-releases
            .then_with(|| self.pre.is_empty().cmp(&other.pre.is_empty()))
            .then_with(|| self.pre.cmp(&other.pre))
            .then_with(|| self.numbers.len().cmp(&other.numbers.len()))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Returns every file below `folder`, with its path from there. Links to folders are not followed: they may be a loop.
fn files(folder: &Path, depth: u8) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    if depth > 32 {
        return found;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let (path, Ok(name), Ok(kind)) = (
            entry.path(),
            entry.file_name().into_string(),
            entry.file_type(),
        ) else {
            continue;
        };
        if kind.is_dir() {
            let below = files(&path, depth + 1).into_iter();
            found.extend(below.map(|(below, path)| (format!("{name}/{below}"), path)));
        } else {
            found.push((name, path));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_tag_is_found_among_others() {
        let package = Package {
            name: "api".into(),
            version: "1.2.3".into(),
        };
        for (best, others) in [
            ("v1.10.0", &["v1.9.0", "v1.9.9", "v1", "stable"][..]),
            (
                "v0.7.0",
                &["z-nightly", "nightly", "+sub/v1.0.13", "20261125"],
            ),
            ("v0.1.0", &["+deployed-prod", "+z"]),
            ("v1.0.0", &["v1.0.0-rc.1", "v1.0.0-rc.10", "v1", "v1.0"]),
            ("v1.0.0-rc.10", &["v1.0.0-rc.9", "v1.0.0-beta", "v1.0.0-rc"]),
            ("2.0.0", &["v1.9.0", "latest"]),
            ("v1.2.3", &["v2.0.0", "+web-v1.2.3", "api-v1.2.3"]),
            ("api-v1.2.3", &["v2.0.0", "+web-v1.2.3", "z1.2.3"]),
            ("+library-v2.0.0", &["stable", "z11.2.3"]),
            ("app-v1.10.0", &["app-v1.9.0", "z"]),
            ("v3", &["v2", "nightly"]),
            ("z", &["a", "b/c"]),
        ] {
            let rank =
                |tag: &&str| Rank::of(tag.trim_start_matches('+'), tag.starts_with('+'), &package);
            for other in others {
                assert!(rank(&best) > rank(other), "{best} over {other}");
            }
        }
    }
}
