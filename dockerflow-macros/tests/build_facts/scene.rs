//! A package in a fresh folder, built by real Cargo beside a repository of real git.

use std::{
    env, fs,
    ops::Deref,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use support::{AUTHOR, GitFolder};

/// A password: no program may have it.
pub(crate) const SECRET: &str = "hunter2-token";
/// The `repository` of the packages.
pub(crate) const REPOSITORY: &str = "https://example.org/of/the/package";
/// A commit that no repository of these tests has.
pub(crate) const COMMIT: &str = "5f1e2d3c4b5a69788796a5b4c3d2e1f001234567";
/// The URL of the job in [`Scene::set_circleci`].
pub(crate) const JOB: &str = "https://circleci.com/gh/team/app/42";

/// A folder of its own, removed at the end.
pub(crate) struct Scene {
    name: &'static str,
    folder: GitFolder,
    variables: Vec<(String, String)>,
    path: String,
}

/// What a program that was built prints.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) source: String,
    pub(crate) version: String,
    pub(crate) commit: String,
    pub(crate) build: String,
    /// Whether Cargo compiled the package instead of finding it fresh.
    pub(crate) compiled: bool,
}

impl Deref for Scene {
    type Target = GitFolder;

    fn deref(&self) -> &GitFolder {
        &self.folder
    }
}

impl Scene {
    /// An empty folder. `name` is that of the package, and unique.
    pub(crate) fn empty(name: &'static str) -> Self {
        Self {
            name,
            folder: GitFolder::new(),
            variables: Vec::new(),
            path: env::var("PATH").expect("a PATH"),
        }
    }

    /// A package in a folder outside any repository.
    pub(crate) fn package(name: &'static str) -> Self {
        let scene = Self::empty(name);
        scene.add_package(&scene.root);
        scene
    }

    /// A package that is a repository with one commit; `options` of `git init`.
    pub(crate) fn repository(name: &'static str, options: &[&str]) -> Self {
        let scene = Self::package(name);
        scene.init(&scene.root, options);
        scene
    }

    /// A repository whose refs are in reftables. `None`, with a message, if git is older than 2.45; on CI that is a failure.
    pub(crate) fn with_reftable(name: &'static str, hash: &str) -> Option<Self> {
        let scene = Self::package(name);
        let options = ["--ref-format=reftable", &format!("--object-format={hash}")];
        if !scene
            .try_git(&scene.root, &[&["init", "-q"], &options[..]].concat())
            .status
            .success()
        {
            assert!(
                env::var_os("CI").is_none(),
                "git has no reftable, which this test needs: 2.45 has"
            );
            eprintln!("SKIPPED {name}: git has no reftable, 2.45 has");
            return None;
        }
        scene.init(&scene.root, &options);
        Some(scene)
    }

    /// Writes a package into `folder`. It has all that the expansion of `version!` names, and none of the runtime.
    pub(crate) fn add_package(&self, folder: &Path) {
        let (name, macros) = (self.name, env!("CARGO_MANIFEST_DIR"));
        fs::create_dir_all(folder.join("src")).expect("a folder for the source");
        let manifest = format!(
            "[package]\nname = {name:?}\nversion = \"1.2.3\"\nedition = \"2024\"\nrepository = {REPOSITORY:?}\n\
             [dependencies]\ndockerflow-macros.path = {macros:?}\n[workspace]\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
        fs::write(folder.join("src/main.rs"), include_str!("program.rs")).expect("a program");
        // The versions of this workspace: others may not be on this machine.
        let lock = Path::new(macros).join("../Cargo.lock");
        if lock.exists() {
            fs::copy(lock, folder.join("Cargo.lock")).expect("a lock file");
        }
        fs::write(folder.join(".gitignore"), "Cargo.lock\n").expect("an ignore file");
    }

    /// Sets a variable for the builds that follow.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.retain(|(set, _)| set != name);
        self.variables.push((name.to_owned(), value.into()));
    }

    /// Sets the variables of a CI job that builds the tag `v1.2.4`.
    pub(crate) fn set_circleci(&mut self) {
        for (name, value) in [
            ("CIRCLECI", "true"),
            ("CIRCLE_SHA1", COMMIT),
            ("CIRCLE_TAG", "v1.2.4"),
            ("CIRCLE_REPOSITORY_URL", "git@github.com:team/app.git"),
            ("CIRCLE_BUILD_URL", JOB),
        ] {
            self.set(name, value);
        }
    }

    /// Unsets all variables.
    pub(crate) fn unset_all(&mut self) {
        self.variables.clear();
    }

    /// Takes git off the `PATH` of the builds that follow.
    pub(crate) fn without_git(&mut self) {
        let tools = self.root.join("tools");
        fs::create_dir(&tools).expect("a folder for the tools");
        for folder in env::split_paths(&self.path) {
            for tool in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = tool.file_name();
                if !name.to_string_lossy().starts_with("git") {
                    // The first of two with the same name counts, as on the PATH.
                    let _ = std::os::unix::fs::symlink(tool.path(), tools.join(name));
                }
            }
        }
        tools
            .to_str()
            .expect("a path in UTF-8")
            .clone_into(&mut self.path);
        let git = self.command("git").arg("--version").output();
        assert!(git.is_err(), "git is still there: {git:?}");
    }

    /// Builds the package in the scene's folder and runs it.
    pub(crate) fn build(&self) -> Built {
        self.build_in(&self.root)
    }

    /// Builds the package in `folder` and runs it.
    pub(crate) fn build_in(&self, folder: &Path) -> Built {
        let output = self.cargo(folder);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        let program = target().join("debug").join(self.name);
        must_be_clean(&fs::read(&program).expect("the program"));
        let said = Command::new(program)
            .output()
            .expect("the program runs")
            .stdout;
        let said = String::from_utf8(said).expect("UTF-8 from the program");
        let mut lines = said.lines().map(str::to_owned);
        let mut next = || lines.next().expect("four lines");
        Built {
            source: next(),
            version: next(),
            commit: next(),
            build: next(),
            compiled: text.contains(&format!("Compiling {} ", self.name)),
        }
    }

    /// Asserts that neither contents of git's files nor a password are in the library that was built with the program.
    pub(crate) fn must_have_clean_library(&self) {
        let library = format!("lib{}.rlib", self.name.replace('-', "_"));
        must_be_clean(&fs::read(target().join("debug").join(library)).expect("a library"));
    }

    /// The program that was built last.
    pub(crate) fn program(&self) -> Vec<u8> {
        fs::read(target().join("debug").join(self.name)).expect("a program")
    }

    /// Runs `cargo build` in `folder`.
    pub(crate) fn cargo(&self, folder: &Path) -> Output {
        let mut command = self.command(env::var_os("CARGO").expect("Cargo names itself"));
        command.args(["build", "--offline"]).current_dir(folder);
        command
            .env("CARGO_TARGET_DIR", target())
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.output().expect("Cargo runs")
    }

    /// A command without the variables of the machine that runs the tests, which may be a CI system.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", &self.path);
        for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            command.envs(env::var_os(name).map(|value| (name, value)));
        }
        command
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // What is left behind in the temporary folder does no harm.
        let _ = fs::remove_file(target().join("debug").join(self.name));
    }
}

/// Where all scenes build, so that `syn` is compiled once.
fn target() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-facts"))
}

/// Asserts that neither contents of git's files nor a password are in the program.
fn must_be_clean(program: &[u8]) {
    for text in [
        SECRET,
        AUTHOR,
        "/.git",
        "logs/HEAD",
        "ref: refs/heads",
        "repositoryformatversion",
        "# pack-refs",
    ] {
        let is_in = program
            .windows(text.len())
            .any(|window| window == text.as_bytes());
        assert!(!is_in, "the program has {text:?} in it");
    }
}
