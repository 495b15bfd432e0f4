//! Real git in a folder of the test's own, without the configuration of the machine and of its user.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{self, Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Who makes the commits.
pub const AUTHOR: &str = "author@committer.example";

/// A folder outside any repository, removed at the end.
#[derive(Debug)]
pub struct GitFolder {
    /// The folder.
    pub root: PathBuf,
}

impl GitFolder {
    /// Makes an empty folder.
    pub fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root = env::temp_dir().join(format!("dockerflow-git-{}-{number}", process::id()));
        fs::create_dir_all(&root).expect("a folder");
        let root = root.canonicalize().expect("the folder's path");
        Self { root }
    }

    /// Writes a file, and the folders that it is in.
    pub fn write(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Makes `folder` a repository with these options of `git init`, and commits what is in it.
    pub fn init(&self, folder: &Path, options: &[&str]) {
        self.git_in(folder, &[&["init", "-q", "-b", "main"], options].concat());
        self.git_in(folder, &["add", "."]);
        self.git_in(folder, &["commit", "-q", "-m", "first"]);
    }

    /// Runs git in the root, and returns its output.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.root, arguments)
    }

    /// Runs git in `folder`, and returns its output.
    #[track_caller]
    pub fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.try_git(folder, arguments);
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs git in `folder`, which may fail.
    pub fn try_git(&self, folder: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new("git");
        self.isolate(&mut command);
        // Submodules and shallow clones of a folder are off by default.
        command.args(["-c", "protocol.file.allow=always"]);
        command.args(arguments).current_dir(folder);
        command.output().expect("git, which these tests need")
    }

    /// Gives a command no variable but the `PATH`, and none of git's configurations but that of a repository.
    pub fn isolate(&self, command: &mut Command) {
        command.env_clear().env("HOME", &self.root);
        command.env("PATH", env::var("PATH").expect("a PATH"));
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Author");
            command.env(format!("GIT_{role}_EMAIL"), AUTHOR);
        }
    }

    /// Returns the commit that is checked out.
    #[track_caller]
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Makes an empty commit on what is checked out, and returns its hash.
    #[track_caller]
    pub fn commit(&self) -> String {
        self.commit_in(&self.root)
    }

    /// Makes an empty commit in the repository at `folder`, and returns its hash.
    #[track_caller]
    pub fn commit_in(&self, folder: &Path) -> String {
        // Two commits of one second with one parent and one text would be the same.
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let text = format!("number {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.git_in(folder, &["commit", "-q", "--allow-empty", "-m", &text]);
        self.git_in(folder, &["rev-parse", "HEAD"])
    }
}

impl Default for GitFolder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for GitFolder {
    fn drop(&mut self) {
        // What is left in the temporary folder does no harm.
        let _ = fs::set_permissions(&self.root, fs::Permissions::from_mode(0o755));
        let _ = fs::remove_dir_all(&self.root);
    }
}
