//! A folder with a package in it, in a repository of real git or in none.

use std::{
    collections::BTreeMap,
    env, fs,
    ops::Deref,
    path::Path,
    process::{Command, Output},
};

use dockerflow_build_facts::{Facts, Inputs};
use support::GitFolder;

/// A commit that no repository of these tests has.
pub(crate) const OTHER: &str = "5f1e2d3c4b5a69788796a5b4c3d2e1f001234567";
/// The `repository` of the package.
pub(crate) const REPOSITORY: &str = "https://example.org/of/the/package";
/// The `version` of the package.
pub(crate) const VERSION: &str = "1.2.3";
/// The shells that the script has to work in, with their options.
const SHELLS: [&[&str]; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

/// A folder of its own with a package in it, removed at the end.
pub(crate) struct Scene(GitFolder);

/// A variable of the environment.
pub(crate) type Variable<'a> = (&'a str, &'a str);

impl Deref for Scene {
    type Target = GitFolder;

    fn deref(&self) -> &GitFolder {
        &self.0
    }
}

impl Scene {
    /// A package in a folder outside any repository.
    pub(crate) fn package() -> Self {
        let folder = GitFolder::new();
        add_package(&folder.root);
        Self(folder)
    }

    /// A package that is a repository with one commit.
    pub(crate) fn repository() -> Self {
        let scene = Self::package();
        scene.init(&scene.root, &[]);
        scene
    }

    /// Makes the branch `branch` with one commit, merges it without a branch, as CI does with a pull request, and returns the
    /// hashes of both.
    pub(crate) fn merge(&self, branch: &str) -> (String, String) {
        self.git(&["checkout", "-q", "-b", branch]);
        let pushed = self.commit();
        self.git(&["checkout", "-q", "main"]);
        self.commit();
        self.git(&["checkout", "-q", "--detach"]);
        self.git(&["merge", "-q", "--no-ff", "--no-edit", branch]);
        (pushed, self.head())
    }

    /// Finds the facts of the package in the scene's folder, in the crate and in the script, which have to agree.
    #[track_caller]
    pub(crate) fn facts(&self, variables: &[Variable<'_>]) -> Facts {
        self.facts_in(&self.root, variables)
    }

    #[track_caller]
    pub(crate) fn facts_in(&self, folder: &Path, variables: &[Variable<'_>]) -> Facts {
        let facts = facts_of_the_crate(folder, variables).0;
        let mut expected = facts.clone();
        // The script knows no package.
        if expected.version == VERSION {
            expected.version.clear();
        }
        if expected.source == REPOSITORY {
            expected.source.clear();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.dockerflow/version.sh");
        if !script.exists() {
            eprintln!("SKIPPED the script: this is a package, or a container without .dockerflow");
            return facts;
        }
        for shell in SHELLS {
            let Some(output) = self.run(&script, shell, folder, variables) else {
                let is_optional = shell[0] == "busybox" || env::var_os("CI").is_none();
                assert!(is_optional, "there is no {shell:?}");
                eprintln!("SKIPPED the script in {shell:?}, which is not here");
                continue;
            };
            let Facts {
                source,
                version,
                commit,
                build,
            } = &expected;
            let object = format!(
                "{{\"source\":\"{source}\",\"version\":\"{version}\",\"commit\":\"{commit}\",\"build\":\"{build}\"}}\n"
            );
            let [said, errors] =
                [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
            assert_eq!(said, object, "{shell:?} {variables:?} {errors}");
        }
        facts
    }

    /// Runs the script in a shell, if this machine has that.
    fn run(
        &self,
        script: &Path,
        shell: &[&str],
        folder: &Path,
        variables: &[Variable<'_>],
    ) -> Option<Output> {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(script);
        self.isolate(&mut command);
        command.envs(variables.iter().copied()).current_dir(folder);
        command.output().ok()
    }
}

/// Writes a package into `folder`.
pub(crate) fn add_package(folder: &Path) {
    fs::create_dir_all(folder.join("src")).expect("a folder for the source");
    let manifest = format!(
        "[package]\nname = \"app\"\nversion = {VERSION:?}\nedition = \"2024\"\nrepository = {REPOSITORY:?}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
    fs::write(folder.join("src/main.rs"), "fn main() {}\n").expect("a program");
}

/// Reads the fixtures of CI systems: the title, the variables and the expected source, tag, commit and build of each.
pub(crate) fn fixtures() -> Vec<(&'static str, Vec<Variable<'static>>, [&'static str; 4])> {
    let text = include_str!("../../fixtures/ci-systems.txt");
    let fixture = |part: &'static str| {
        let (title, lines) = part.split_once('\n').expect("a title and lines");
        let variables = lines
            .lines()
            .filter(|line| !line.starts_with("-> "))
            .filter_map(|line| line.split_once('='));
        let fact = |name| {
            let start = format!("-> {name} ");
            lines
                .lines()
                .find_map(|line| line.strip_prefix(&start))
                .unwrap_or_default()
        };
        (
            title,
            variables.collect(),
            ["source", "tag", "commit", "build"].map(fact),
        )
    };
    text.split("\n== ").skip(1).map(fixture).collect()
}

/// Finds the facts in the crate alone, with the files that Cargo has to watch.
#[track_caller]
pub(crate) fn facts_of_the_crate(
    folder: &Path,
    variables: &[Variable<'_>],
) -> (Facts, Vec<String>) {
    let mut environment: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    environment.insert(
        "CARGO_MANIFEST_DIR".into(),
        folder.to_str().expect("UTF-8").into(),
    );
    environment.insert("CARGO_PKG_NAME".into(), "app".into());
    environment.insert("CARGO_PKG_VERSION".into(), VERSION.into());
    environment.insert("CARGO_PKG_REPOSITORY".into(), REPOSITORY.into());
    let mut inputs = Inputs::new(move |name| environment.get(name).cloned());
    let facts = Facts::find(&mut inputs).expect("valid variables");
    (facts, inputs.files().cloned().collect())
}
