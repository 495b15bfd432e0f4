//! What a git repository says about the commit that is checked out, read from its files. Git itself may be absent, or refuse
//! because the folder is another user's.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{commit, inputs::Inputs, url};

mod inflate;
mod object;
mod reftable;

/// What a repository says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Git {
    /// The URL of the remote `origin`.
    pub source: Option<String>,
    /// The tag of the commit.
    pub tag: Option<String>,
    /// The commit that is checked out.
    pub commit: Option<String>,
}

impl Git {
    /// What the repository with a `.git` in `folder` says. `version` is the package's.
    pub fn find(folder: &Path, version: &str, inputs: &mut Inputs) -> Option<Self> {
        let repository = Repository::open(folder, inputs)?;
        let config = inputs
            .text(&repository.common.join("config"))
            .unwrap_or_default();
        let refs = repository.refs(inputs);
        let head = repository.head(&refs, inputs);
        Some(Self {
            source: origin(&config).and_then(|url| url::of_repository(&url)),
            tag: head
                .as_ref()
                .and_then(|head| repository.tag(head, &refs, version, inputs)),
            commit: head,
        })
    }
}

/// The files of a repository.
struct Repository {
    /// Those of this worktree: `HEAD`, the index.
    own: PathBuf,
    /// Those that its worktrees share: branches, tags, objects, the configuration.
    common: PathBuf,
}

/// What a ref that does not stand in a file of its own points to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// An object. Of an annotated tag, `peeled` is the commit, where that is written down beside it.
    Object {
        hash: String,
        peeled: Option<String>,
    },
    /// Another ref.
    Ref(String),
}

type Refs = BTreeMap<String, Target>;

impl Repository {
    fn open(folder: &Path, inputs: &mut Inputs) -> Option<Self> {
        let mut own = folder.join(".git");
        if own.is_file() {
            // a linked worktree or a submodule
            own = folder.join(inputs.text(&own)?.strip_prefix("gitdir:")?.trim_start());
        }
        let common = inputs.text(&own.join("commondir"));
        Some(Self {
            common: common.map_or_else(|| own.clone(), |path| own.join(path)),
            own,
        })
    }

    /// The refs of which many stand in one file.
    fn refs(&self, inputs: &mut Inputs) -> Refs {
        let mut refs = packed(
            &inputs
                .text(&self.common.join("packed-refs"))
                .unwrap_or_default(),
        );
        for folder in [&self.common, &self.own] {
            refs.extend(reftable::read(&folder.join("reftable"), inputs));
        }
        refs
    }

    /// The commit that is checked out. Every way by which git can put another in its place changes a file that is read here.
    fn head(&self, refs: &Refs, inputs: &mut Inputs) -> Option<String> {
        let mut name = "HEAD".to_owned();
        let is_reftable = inputs
            .watch(&self.own.join("reftable/tables.list"))
            .is_some();
        let is_head_logged = inputs.watch(&self.own.join("logs/HEAD")).is_some();
        let mut is_logged = is_reftable || is_head_logged;
        for _ in 0..5 {
            let of_worktree = ["HEAD", "refs/bisect/", "refs/rewritten/", "refs/worktree/"];
            let is_own = of_worktree.iter().any(|start| name.starts_with(start));
            let folder = if is_own { &self.own } else { &self.common };
            // With reftable, the file HEAD is a stub for programs that do not know it.
            let loose = inputs
                .text(&folder.join(&name))
                .filter(|text| text != "ref: refs/heads/.invalid");
            let target = match (&loose, refs.get(&name)) {
                (Some(text), _) => match text.strip_prefix("ref:") {
                    Some(other) => Target::Ref(other.trim_start().to_owned()),
                    None => Target::Object {
                        hash: text.clone(),
                        peeled: None,
                    },
                },
                (None, Some(target)) => target.clone(),
                (None, None) => break,
            };
            match target {
                Target::Object { hash, .. } => {
                    if !is_logged && loose.is_none() {
                        self.watch_for_commits(inputs);
                    }
                    return commit::valid(&hash);
                }
                Target::Ref(other) => {
                    // What is no name of a ref could be a path to anywhere.
                    if !other.starts_with("refs/") || other.contains("..") {
                        return None;
                    }
                    // Another worktree can move the branch, of which this one's log has nothing.
                    is_logged |= inputs
                        .watch(&self.common.join("logs").join(&other))
                        .is_some();
                    name = other;
                }
            }
        }
        // A branch without a commit.
        if !is_logged {
            self.watch_for_commits(inputs);
        }
        None
    }

    /// A new commit makes the branch a file of its own, which cannot be watched before it is there. Without a reflog, what else
    /// a commit, merge or reset writes must do. The index is also written when git refreshes it: at worst, a needless build.
    fn watch_for_commits(&self, inputs: &mut Inputs) {
        for name in ["index", "COMMIT_EDITMSG", "ORIG_HEAD"] {
            inputs.watch(&self.own.join(name));
        }
    }

    /// The tag of the commit `head`. Of several, the one that ends in the package's version; else an annotated one; else the last
    /// by name.
    fn tag(&self, head: &str, refs: &Refs, version: &str, inputs: &mut Inputs) -> Option<String> {
        let start = "refs/tags/";
        let mut tags: BTreeMap<String, (bool, Option<PathBuf>)> = BTreeMap::new();
        for (name, target) in refs {
            if let (Some(name), Target::Object { hash, peeled }) =
                (name.strip_prefix(start), target)
            {
                let is_annotated = peeled.is_some();
                if peeled.as_deref().unwrap_or(hash) == head {
                    tags.insert(name.to_owned(), (is_annotated, None));
                }
            }
        }
        for (name, path) in files(&self.common.join(start)) {
            tags.remove(&name); // the loose one counts
            let Ok(hash) = fs::read_to_string(&path) else {
                continue;
            };
            let hash = hash.trim();
            if hash == head {
                tags.insert(name, (false, Some(path)));
            } else if object::peel(&self.common.join("objects"), hash).as_deref() == Some(head) {
                tags.insert(name, (true, Some(path)));
            }
        }
        let is_of_package = |name: &str| {
            name.strip_suffix(version).is_some_and(|rest| {
                !rest.ends_with(|last: char| last == '.' || last.is_ascii_digit())
            })
        };
        let (name, (_, path)) = tags.into_iter().max_by_key(|(name, (is_annotated, _))| {
            (is_of_package(name), *is_annotated, name.clone())
        })?;
        if let Some(path) = path {
            inputs.watch(&path)?;
        }
        Some(name)
    }
}

/// The refs in the text of `packed-refs`.
fn packed(text: &str) -> Refs {
    let mut refs = Refs::new();
    let mut last = None;
    for line in text.lines() {
        if let Some(commit) = line.strip_prefix('^') {
            if let Some(Target::Object { peeled, .. }) =
                last.as_ref().and_then(|name| refs.get_mut(name))
            {
                *peeled = Some(commit.to_owned());
            }
        } else if let Some((hash, name)) = line.split_once(' ').filter(|_| !line.starts_with('#')) {
            last = Some(name.to_owned());
            refs.insert(
                name.to_owned(),
                Target::Object {
                    hash: hash.to_owned(),
                    peeled: None,
                },
            );
        }
    }
    refs
}

/// Every file below `folder`, with its path from there.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let (path, Ok(name)) = (entry.path(), entry.file_name().into_string()) else {
            continue;
        };
        if path.is_dir() {
            found.extend(
                files(&path)
                    .into_iter()
                    .map(|(below, path)| (format!("{name}/{below}"), path)),
            );
        } else {
            found.push((name, path));
        }
    }
    found
}

/// The URL of the remote `origin` in the text of a configuration file. The last one counts.
fn origin(config: &str) -> Option<String> {
    let mut is_origin = false;
    let mut url = None;
    for line in config.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.split(']').next().unwrap_or_default();
            is_origin = section
                .split_once(char::is_whitespace)
                .is_some_and(|(section, name)| {
                    section.eq_ignore_ascii_case("remote") && name.trim() == "\"origin\""
                });
        } else if let Some((key, value)) = line.split_once('=').filter(|_| is_origin)
            && key.trim().eq_ignore_ascii_case("url")
        {
            let value = value.split(" #").next().unwrap_or_default();
            url = Some(value.trim().trim_matches('"').to_owned());
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_refs_have_the_commits_of_annotated_tags() {
        let text = "# pack-refs with: peeled fully-peeled sorted \n1111 refs/heads/main\n2222 refs/tags/v1\n^1111\nnonsense\n";
        let target = |hash: &str, peeled: Option<&str>| Target::Object {
            hash: hash.into(),
            peeled: peeled.map(Into::into),
        };
        let expected = [
            ("refs/heads/main", target("1111", None)),
            ("refs/tags/v1", target("2222", Some("1111"))),
        ];
        assert_eq!(
            packed(text),
            expected
                .map(|(name, target)| (name.to_owned(), target))
                .into()
        );
    }

    #[test]
    fn the_url_of_origin_is_found_among_others_however_it_is_written() {
        for (config, url) in [
            (
                "[remote \"origin\"]\n\turl = https://a.b/c\n\tfetch = +refs/*\n[branch \"x\"]\n url = no",
                Some("https://a.b/c"),
            ),
            (
                "[Remote \"origin\"]\r\nURL=\"https://a.b/c\" \r\n",
                Some("https://a.b/c"),
            ),
            (
                "[remote \"origin\"] # ours\nurl = https://a.b/c # here\n",
                Some("https://a.b/c"),
            ),
            (
                "[remote \"origin\"]\nurl = one\nurl = two\npushurl = three",
                Some("two"),
            ),
            (
                "[remote \"upstream\"]\nurl = no\n[remote \"Origin\"]\nurl = no",
                None,
            ),
            ("[remote]\nurl = no", None),
            ("", None),
        ] {
            assert_eq!(origin(config).as_deref(), url, "{config}");
        }
    }
}
