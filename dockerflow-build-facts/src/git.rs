//! What a git repository says about the commit that is checked out, read from its files. No git program is needed, and none can
//! refuse because the folder belongs to another user.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use crate::{commit, inputs, inputs::Inputs};

pub mod config;
pub mod inflate;
pub mod object;
mod reftable;
mod tags;

use object::Objects;
pub use reftable::parse as parse_reftable;
pub(crate) use tags::Package;

/// The files of a repository.
#[derive(Clone)]
pub(crate) struct Repository {
    /// Those of this worktree: `HEAD`, the index.
    own: PathBuf,
    /// Those that its worktrees share: branches, tags, objects, the configuration.
    common: PathBuf,
}

/// What a ref without a file of its own points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An object. For an annotated tag, `peeled` is its commit, if the file of refs has that, too.
    Object {
        /// Its hash.
        hash: String,
        /// The commit that it is a tag of.
        peeled: Option<String>,
    },
    /// Another ref.
    Ref(Vec<u8>),
}

/// Refs by their names, which need not be UTF-8.
pub type Refs = BTreeMap<Vec<u8>, Target>;

impl Repository {
    /// Opens the repository whose files are in `folder`. Returns `None` if git would not accept it.
    pub(crate) fn at(folder: &Path, inputs: &mut Inputs) -> Option<Self> {
        let common = inputs.text(&folder.join("commondir"));
        let repository = Self {
            common: common.map_or_else(|| folder.to_owned(), |path| folder.join(path)),
            own: folder.to_owned(),
        };
        let head = folder.join("HEAD");
        let has_head = inputs::read(&head).is_some_and(|text| {
            let text = text.trim_ascii();
            text.starts_with(b"ref:") || commit::valid(&String::from_utf8_lossy(text)).is_some()
        });
        let is_link = fs::read_link(&head).is_ok_and(|target| target.starts_with("refs"));
        let has_rest = ["objects", "refs"]
            .iter()
            .all(|name| repository.common.join(name).is_dir());
        ((has_head || is_link) && has_rest).then_some(repository)
    }

    /// Opens the repository that the file or folder `.git` is or names.
    pub(crate) fn of_dot_git(dot_git: &Path, inputs: &mut Inputs) -> Option<Self> {
        if !dot_git.is_file() {
            return Self::at(dot_git, inputs);
        }
        // a linked worktree or a submodule
        let text = inputs.file(dot_git)?;
        let path = path_of(text.strip_prefix(b"gitdir: ")?.trim_ascii_end())?;
        Self::at(&dot_git.parent()?.join(path), inputs)
    }

    /// Opens the repository that `GIT_DIR` names, as git does. Returns it with the top folder of its working tree.
    pub(crate) fn of_environment(inputs: &mut Inputs) -> Option<(Self, PathBuf)> {
        let folder = env::current_dir().ok()?.join(inputs.variable("GIT_DIR")?);
        let tree = inputs.variable("GIT_WORK_TREE").map(PathBuf::from);
        let repository = Self::at(&folder, inputs)?;
        let tree = tree.or_else(|| {
            let text = inputs.text(&folder.join("gitdir"))?; // a linked worktree
            Some(Path::new(&text).parent()?.to_owned())
        });
        let beside = || {
            (folder.file_name() == Some(OsStr::new(".git")))
                .then(|| folder.parent().map(Path::to_owned))?
        };
        let tree = tree
            .or_else(beside)
            .map_or_else(env::current_dir, fs::canonicalize)
            .ok()?;
        Some((repository, tree))
    }

    /// Returns the URL of the remote `origin`, as it is configured.
    pub(crate) fn origin(&self, inputs: &mut Inputs) -> Option<String> {
        config::origin(&String::from_utf8_lossy(
            &inputs.file(&self.common.join("config"))?,
        ))
    }

    /// Returns the parents of a commit.
    pub(crate) fn parents(&self, commit: &str) -> Vec<String> {
        Objects::of(&self.common)
            .parents(commit)
            .unwrap_or_default()
    }

    /// Returns the commit that is checked out, and records files. At least one of them changes whenever another commit is checked
    /// out.
    ///
    /// A recorded file that changes for another reason compiles the crate although no fact changed. They are therefore few: `HEAD`,
    /// and the file of the branch that it names. If the branch is packed and has no file, its reflog takes the place of that.
    pub(crate) fn head(&self, inputs: &mut Inputs) -> Option<String> {
        let mut name = b"HEAD".to_vec();
        let mut refs = None;
        for _ in 0..5 {
            let of_worktree: [&[u8]; 4] = [
                b"HEAD",
                b"refs/bisect/",
                b"refs/rewritten/",
                b"refs/worktree/",
            ];
            let is_own = of_worktree.iter().any(|start| name.starts_with(start));
            let folder = if is_own { &self.own } else { &self.common };
            let path = folder.join(path_of(&name)?);
            let next = if let Some(target) = link(&path) {
                self.watch_log(b"HEAD", inputs);
                target
            } else if let Some(text) = inputs.file(&path).filter(|text| !text.starts_with(STUB)) {
                if path.to_str().is_none() {
                    self.watch_log(&name, inputs);
                }
                let text = text.trim_ascii();
                match text.strip_prefix(b"ref:") {
                    Some(other) => other.trim_ascii().to_vec(),
                    None => return commit::valid(&String::from_utf8_lossy(text)),
                }
            } else {
                let refs = refs.get_or_insert_with(|| self.refs(inputs));
                match refs.get(&name) {
                    Some(Target::Object { hash, .. }) => {
                        self.watch_log(&name, inputs);
                        return commit::valid(hash);
                    }
                    Some(Target::Ref(other)) => other.clone(),
                    None => break, // a branch without a commit
                }
            };
            // A name that is not that of a ref could be a path to anywhere.
            if !next.starts_with(b"refs/") || next.windows(2).any(|two| two == b"..") {
                return None;
            }
            name = next;
        }
        self.watch_log(&name, inputs);
        None
    }

    /// Records a file that changes when the ref `name` moves, which has no file of its own. Git then makes one, but a file that
    /// does not exist yet cannot be recorded.
    fn watch_log(&self, name: &[u8], inputs: &mut Inputs) {
        let is_reftable = [&self.own, &self.common]
            .map(|folder| inputs.watch(&folder.join("reftable/tables.list")));
        if is_reftable.iter().any(Option::is_some) {
            return;
        }
        let log = path_of(name).map(|name| self.common.join("logs").join(name));
        let logs = [log.unwrap_or_default(), self.own.join("logs/HEAD")];
        if logs.iter().any(|log| inputs.watch(log).is_some()) {
            return;
        }
        // Without a reflog, what is left are the other files that a commit, a merge or a reset writes. Git also writes the index
        // to refresh it, and the crate is then compiled once more.
        for name in ["index", "COMMIT_EDITMSG", "ORIG_HEAD"] {
            let _ = inputs.watch(&self.own.join(name));
        }
    }

    /// Returns the refs without a file of their own: those in `packed-refs` and in reftables.
    fn refs(&self, inputs: &mut Inputs) -> Refs {
        let mut refs = packed(
            &inputs
                .file(&self.common.join("packed-refs"))
                .unwrap_or_default(),
        );
        for folder in [&self.common, &self.own] {
            refs.extend(reftable::read(&folder.join("reftable"), inputs));
        }
        refs
    }
}

/// The beginning of the file `HEAD` in a repository with reftables. It names no branch, and is for programs that know no reftables.
const STUB: &[u8] = b"ref: refs/heads/.invalid";

/// Returns the ref that a symbolic link names: old versions of git wrote `HEAD` as one.
fn link(path: &Path) -> Option<Vec<u8>> {
    let target = fs::read_link(path).ok()?;
    let target = target.to_str()?.as_bytes();
    target.starts_with(b"refs/").then(|| target.to_vec())
}

/// Returns the path that these bytes are. Names of refs need not be UTF-8.
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    #[cfg(unix)]
    let path = Some(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes));
    #[cfg(not(unix))]
    let path = std::str::from_utf8(bytes).ok();
    path.map(PathBuf::from)
}

/// Returns the refs in the text of `packed-refs`.
#[must_use]
pub fn packed(text: &[u8]) -> Refs {
    let mut refs = Refs::new();
    let mut last: Option<Vec<u8>> = None;
    let hash_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_end();
        if let Some(commit) = line.strip_prefix(b"^") {
            if let Some(Target::Object { peeled, .. }) =
                last.as_ref().and_then(|name| refs.get_mut(name))
            {
                *peeled = Some(hash_of(commit));
            }
        } else if let Some(end) = line
            .iter()
            .position(|byte| *byte == b' ')
            .filter(|_| !line.starts_with(b"#"))
        {
            let (hash, name) = (hash_of(&line[..end]), line[end + 1..].to_vec());
            last = Some(name.clone());
            refs.insert(name, Target::Object { hash, peeled: None });
        }
    }
    refs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_refs_have_the_commits_of_annotated_tags() {
        let text =
            b"# pack-refs with: peeled fully-peeled sorted \n1111 refs/heads/main\n2222 refs/tags/v1\n^1111\nnonsense\n";
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
            expected.map(|(name, target)| (name.into(), target)).into()
        );
    }
}
