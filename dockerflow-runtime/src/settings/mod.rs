//! The application's own settings: files at `CONFIG_PATH`, the environment on top.

mod value;

use std::{
    cell::RefCell,
    env,
    ffi::{OsStr, OsString},
    fs, io,
    path::Path,
};

use ::config::{Config, ConfigError, FileFormat, Format as _, Map, Source, Value, ValueKind};
use serde::{
    de::{self, DeserializeOwned, Deserializer, Visitor},
    forward_to_deserialize_any,
};

use self::value::Node;
use crate::{
    environment::{Environment, shown},
    error::{BadSetting, Error},
};

/// The application's settings: what `CONFIG_PATH` names, a file or a directory of files, and the environment on top.
/// `docs/configuration.md` has the rules. [`Server::settings`](crate::Server::settings) is the same, from files that
/// [`Server::from_env`](crate::Server::from_env) has read.
///
/// ```
/// #[derive(serde::Deserialize)]
/// #[serde(default)]
/// struct Settings {
///     page_size: u32,           // PAGE_SIZE
///     database: Database,       // DATABASE__URL
/// }
/// # #[derive(serde::Deserialize)]
/// # struct Database { url: String }
/// # impl Default for Settings {
/// #     fn default() -> Self { Self { page_size: 10, database: Database { url: String::new() } } }
/// # }
/// let settings: Settings = dockerflow::settings()?;
/// # assert_eq!(settings.page_size, 10);
/// # assert_eq!(settings.database.url, "");
/// # Ok::<(), dockerflow::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Settings`] with each file that cannot be read, else with the first key that is not what `T` expects. A value that may
/// be a secret is not in it.
pub fn settings<T: DeserializeOwned>() -> Result<T, Error> {
    let mut environment = Environment::of_process();
    let files = Files::read(&mut environment);
    environment.finish(files)?.settings()
}

/// The files at `CONFIG_PATH`, in the order in which they count: a later one has the last word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    layers: Vec<Layer>,
    /// Names of files that are none of ours.
    skipped: Vec<String>,
}

impl Files {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        let mut files = Self::default();
        if let Some(path) = environment.path("CONFIG_PATH") {
            for problem in files.load(&path) {
                environment.report(problem);
            }
        }
        files
    }

    fn load(&mut self, path: &Path) -> Vec<BadSetting> {
        match fs::metadata(path) {
            Err(error) => vec![BadSetting {
                name: "CONFIG_PATH".into(),
                held: Some(path.display().to_string()),
                expected: format!("a file or a directory that can be read: {error}"),
            }],
            Ok(found) if found.is_dir() => match self.directory(path) {
                Ok(problems) => problems,
                Err(error) => vec![unreadable(path, &error)],
            },
            Ok(_) if format(path).is_none() => vec![BadSetting {
                name: "CONFIG_PATH".into(),
                held: Some(path.display().to_string()),
                expected: format!("a directory, or a file whose name ends in {ENDINGS}"),
            }],
            Ok(_) => self.file(path).err().into_iter().collect(),
        }
    }

    /// Kubernetes mounts a directory whose files are links into `..data`, a link to a directory that it replaces as a whole.
    fn directory(&mut self, path: &Path) -> io::Result<Vec<BadSetting>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(path)? {
            let path = entry?.path();
            let hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
            if path.file_name().is_some_and(hidden) || path.is_dir() {
                continue;
            }
            match format(&path) {
                Some(_) => paths.push(path),
                None => self.skipped.push(path.display().to_string()),
            }
        }
        paths.sort();
        Ok(paths
            .iter()
            .filter_map(|path| self.file(path).err())
            .collect())
    }

    fn file(&mut self, path: &Path) -> Result<(), BadSetting> {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let Some(format) = format(path).filter(|_| !text.trim().is_empty()) else {
            return Ok(());
        };
        let name = path.display().to_string();
        let layer = format
            .parse(Some(&name), &text)
            .map_err(|error| BadSetting {
                name: name.clone(),
                held: None,
                expected: fault_in(format, &*error),
            })?;
        self.layers.push(Layer(layer));
        Ok(())
    }

    /// The settings.
    pub(crate) fn settings<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.settings_with::<T>(env::vars_os())
    }

    fn settings_with<T: DeserializeOwned>(
        &self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<T, Error> {
        for name in &self.skipped {
            log::warn!(target: LOG, "{name} is left out: its name does not end in {ENDINGS}");
        }
        let overrides = overrides(variables, fields::<T>()).map_err(Error::Settings)?;
        let mut builder = Config::builder();
        for layer in &self.layers {
            builder = builder.add_source(layer.clone());
        }
        let merged = builder.add_source(overrides).build();
        let merged = merged
            .and_then(|config| config.collect())
            .map_err(|error| {
                Error::Settings(vec![BadSetting {
                    name: "CONFIG_PATH".into(),
                    held: None,
                    expected: format!("keys that can be merged: {error}"),
                }])
            })?;
        let unknown = RefCell::default();
        let root = Node::root(merged, &unknown);
        let settings =
            T::deserialize(root).map_err(|fault| Error::Settings(vec![fault.problem()]))?;
        for key in unknown.into_inner() {
            log::warn!(target: LOG, "{key} means nothing to this program");
        }
        Ok(settings)
    }
}

const LOG: &str = "dockerflow.config";
const ENDINGS: &str = ".toml, .yaml, .yml or .json";

fn format(path: &Path) -> Option<FileFormat> {
    match path.extension()?.to_str()? {
        "toml" => Some(FileFormat::Toml),
        "yaml" | "yml" => Some(FileFormat::Yaml),
        "json" => Some(FileFormat::Json),
        _ => None,
    }
}

fn unreadable(path: &Path, error: &io::Error) -> BadSetting {
    BadSetting {
        name: path.display().to_string(),
        held: None,
        expected: format!("a file that can be read: {error}"),
    }
}

/// What is wrong in a file, on one line and without the line of the file that the error may quote: it may hold a secret.
fn fault_in(format: FileFormat, error: &(dyn std::error::Error + 'static)) -> String {
    let name = match format {
        FileFormat::Toml => "TOML",
        FileFormat::Json => "JSON",
        _ => "YAML",
    };
    if error.is::<Box<ConfigError>>() {
        return format!("{name} whose outermost value is a table");
    }
    let text = error.to_string();
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    match lines.next_back() {
        Some(last) => format!("{name}: {first}: {last}"),
        None => format!("{name}: {first}"),
    }
}

/// Keys and values of one source.
#[derive(Clone, Debug)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// What the environment says. `A__B` is the key `b` in the table `a`; an empty variable counts as unset. Of all the variables that
/// a process has, those count whose first part is one of `fields`; all, where these are not known.
fn overrides(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    fields: Option<&[&str]>,
) -> Result<Layer, Vec<BadSetting>> {
    let mut root = Map::new();
    let mut problems = Vec::new();
    let mut variables: Vec<_> = variables.into_iter().collect();
    variables.sort();
    for (name, held) in variables {
        let Some(name) = name.to_str().filter(|_| !held.is_empty()) else {
            continue;
        };
        let mut parts: Vec<String> = name.split("__").map(str::to_lowercase).collect();
        if parts.iter().any(String::is_empty) {
            continue;
        }
        if let Some(fields) = fields {
            let same = |field: &&&str| field.to_lowercase().replace('-', "_") == parts[0];
            match fields.iter().find(same) {
                Some(field) => (*field).clone_into(&mut parts[0]),
                None => continue,
            }
        }
        match held.to_str() {
            Some(text) => insert(&mut root, &parts, name, text),
            None if fields.is_some() => problems.push(BadSetting {
                name: name.to_owned(),
                held: shown(name, &held.to_string_lossy()),
                expected: "text in UTF-8".into(),
            }),
            None => {}
        }
    }
    if problems.is_empty() {
        Ok(Layer(root))
    } else {
        Err(problems)
    }
}

fn insert(table: &mut Map<String, Value>, path: &[String], variable: &str, text: &str) {
    let origin = format!("${variable}");
    match path {
        [] => {}
        [key] => {
            table.insert(key.clone(), Value::new(Some(&origin), text));
        }
        [key, rest @ ..] => {
            let entry = table
                .entry(key.clone())
                .or_insert_with(|| Value::new(Some(&origin), Map::<String, Value>::new()));
            if !matches!(entry.kind, ValueKind::Table(_)) {
                *entry = Value::new(Some(&origin), Map::<String, Value>::new());
            }
            if let ValueKind::Table(inner) = &mut entry.kind {
                insert(inner, rest, variable, text);
            }
        }
    }
}

/// The names of a structure's fields. A map, or a structure with `#[serde(flatten)]`, does not tell.
fn fields<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    struct Ask<'a>(&'a mut Option<&'static [&'static str]>);

    impl<'de> Deserializer<'de> for Ask<'_> {
        type Error = de::value::Error;

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = Some(fields);
            Err(de::Error::custom("asked"))
        }

        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            visitor.visit_newtype_struct(self)
        }

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(de::Error::custom("not a structure"))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
            unit_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut fields = None;
    // It always fails: the question is what it asks for first.
    let _ = T::deserialize(Ask(&mut fields));
    fields
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Strict {
        name: String,
        port: u16,
        debug: bool,
        ratio: f64,
        origins: Vec<String>,
        limits: Vec<u32>,
        mode: Mode,
        note: Option<String>,
        database: Database,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Database {
        url: String,
        password: String,
        pool: Pool,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    struct Pool {
        size: u8,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        #[default]
        Fast,
        Safe,
    }

    impl Default for Strict {
        fn default() -> Self {
            Self {
                name: "app".into(),
                port: 1,
                debug: false,
                ratio: 0.5,
                origins: Vec::new(),
                limits: Vec::new(),
                mode: Mode::Fast,
                note: None,
                database: Database::default(),
            }
        }
    }

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            fs::write(directory.path().join(name), text).expect("a file");
        }
        directory
    }

    fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn load<T: DeserializeOwned>(path: Option<&Path>, pairs: &[(&str, &str)]) -> Result<T, String> {
        let mut environment = Environment::new(|name| {
            path.filter(|_| name == "CONFIG_PATH")
                .map(|path| path.as_os_str().to_owned())
        });
        let files = Files::read(&mut environment);
        let files = environment
            .finish(files)
            .map_err(|error| error.to_string())?;
        files
            .settings_with(variables(pairs))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_format_says_the_same() {
        let formats = [
            (
                "a.toml",
                "port = 7\nmode = \"safe\"\norigins = [\"x\"]\n[database]\nurl = \"u\"\n[database.pool]\nsize = 3",
            ),
            (
                "a.yaml",
                "port: 7\nmode: safe\norigins: [x]\ndatabase:\n  url: u\n  pool: {size: 3}",
            ),
            (
                "a.yml",
                "port: 7\nmode: safe\norigins: [x]\ndatabase: {url: u, pool: {size: 3}}",
            ),
            (
                "a.json",
                r#"{"port":7,"mode":"safe","origins":["x"],"database":{"url":"u","pool":{"size":3}}}"#,
            ),
        ];
        for (name, text) in formats {
            let directory = directory(&[(name, text)]);
            let expected = Strict {
                port: 7,
                mode: Mode::Safe,
                origins: vec!["x".into()],
                database: Database {
                    url: "u".into(),
                    pool: Pool { size: 3 },
                    ..Database::default()
                },
                ..Strict::default()
            };
            for path in [directory.path().to_owned(), directory.path().join(name)] {
                assert_eq!(
                    load::<Strict>(Some(&path), &[]).as_ref(),
                    Ok(&expected),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn files_count_in_the_order_of_their_names_and_the_environment_is_on_top() {
        let directory = directory(&[
            ("20-site.json", r#"{"port":20,"database":{"url":"site"}}"#),
            (
                "10-base.toml",
                "port = 10\nname = \"base\"\n[database]\nurl = \"base\"\npassword = \"p\"",
            ),
            ("30-empty.yaml", " \n"),
            (".hidden.toml", "port = 99"),
            ("README", "not ours"),
        ]);
        let pairs = [
            ("DATABASE__URL", "mine"),
            ("DATABASE__POOL__SIZE", "9"),
            ("DEBUG", "on"),
            ("PATH", "/bin"),
        ];
        let settings: Strict = load(Some(directory.path()), &pairs).expect("all is well");
        assert_eq!(
            (settings.name.as_str(), settings.port, settings.debug),
            ("base", 20, true)
        );
        let Database {
            url,
            password,
            pool,
        } = settings.database;
        assert_eq!(
            (url.as_str(), password.as_str(), pool.size),
            ("mine", "p", 9)
        );
    }

    #[test]
    fn a_variable_is_text_until_its_key_wants_something_else() {
        let pairs = [
            ("NAME", "007"),
            ("PORT", " 80 "),
            ("RATIO", "1"),
            ("ORIGINS", "a, b,"),
            ("LIMITS", "[1, 2]"),
            ("MODE", "safe"),
            ("NOTE", "{\"a\": 1}"),
            ("DEBUG", ""),
        ];
        let settings: Strict = load(None, &pairs).expect("all is well");
        let expected = Strict {
            name: "007".into(),
            port: 80,
            ratio: 1.0,
            origins: vec!["a".into(), "b".into()],
            limits: vec![1, 2],
            mode: Mode::Safe,
            note: Some("{\"a\": 1}".into()),
            ..Strict::default()
        };
        assert_eq!(settings, expected);
        let tables: HashMap<String, HashMap<String, u8>> =
            load(None, &[("A__B", "1"), ("C", "{\"d\": 2}")]).expect("all is well");
        assert_eq!(tables["a"]["b"], 1);
        assert_eq!(tables["c"]["d"], 2);
    }

    #[test]
    fn a_key_that_is_wrong_is_named_with_its_file_or_variable_and_what_was_expected() {
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
        let cases: [Case<'_>; 13] = [
            (
                "port = 70000",
                &[],
                "port in FILE is \"70000\", expected a whole number from 0 to 65535",
            ),
            (
                "port = 1.5",
                &[],
                "port in FILE is \"1.5\", expected a whole number from 0 to 65535",
            ),
            (
                "port = true",
                &[],
                "port in FILE is \"true\", expected a whole number from 0 to 65535",
            ),
            ("name = 5", &[], "name in FILE is \"5\", expected text"),
            (
                "origins = [\"a\", 1]",
                &[],
                "origins[1] in FILE is \"1\", expected text",
            ),
            (
                "mode = \"slow\"",
                &[],
                "mode in FILE is \"slow\", expected one of fast, safe",
            ),
            (
                "nmae = \"x\"",
                &[],
                "nmae in FILE: expected one of the keys name, port, debug, ratio, origins, limits, mode, note, database",
            ),
            (
                "[database]\nurl = 1",
                &[],
                "database.url in FILE is \"1\", expected text",
            ),
            (
                "[database.pool]",
                &[],
                "database.pool.size: expected a value, in a file at CONFIG_PATH or as DATABASE__POOL__SIZE",
            ),
            (
                "",
                &[("PORT", "-1")],
                "PORT is \"-1\", expected a whole number from 0 to 65535",
            ),
            (
                "",
                &[("DEBUG", "perhaps")],
                "DEBUG is \"perhaps\", expected true or false",
            ),
            (
                "",
                &[("LIMITS", "[1, \"x\"]")],
                "LIMITS is \"x\", expected a whole number from 0",
            ),
            (
                "",
                &[("DATABASE__POOL__SIZE", "many")],
                "DATABASE__POOL__SIZE is \"many\", expected a whole number from 0 to 255",
            ),
        ];
        for (text, pairs, expected) in cases {
            let directory = directory(&[("a.toml", text)]);
            let file = directory.path().join("a.toml");
            let fault = load::<Strict>(Some(directory.path()), pairs).expect_err(expected);
            assert_eq!(fault, expected.replace("FILE", &file.display().to_string()));
        }
    }

    #[test]
    fn what_may_be_a_secret_is_never_told() {
        #[derive(Debug, Deserialize)]
        struct Secrets {
            #[serde(default)]
            _api_key: u8,
            #[serde(default)]
            _origin: Mode,
            #[serde(default)]
            _port: u16,
        }
        for (pairs, variable) in [
            ([("_API_KEY", "hunter2")], "_API_KEY"),
            ([("_ORIGIN", "postgres://me:hunter2@db/x")], "_ORIGIN"),
            ([("_PORT", "me@hunter2")], "_PORT"),
        ] {
            let fault = load::<Secrets>(None, &pairs).expect_err(variable);
            assert!(
                fault.starts_with(&format!("{variable}: expected ")),
                "{fault}"
            );
            assert!(!fault.contains("hunter2"), "{fault}");
        }
        for (name, text) in [
            ("a.toml", "password = hunter2"),
            ("a.toml", "password = \"hunter2"),
            ("a.json", "{\"password\": hunter2}"),
            ("a.json", "\"hunter2\""),
            ("a.yaml", "password: \"hunter2"),
            ("a.yaml", "hunter2"),
        ] {
            let directory = directory(&[(name, text)]);
            let fault = load::<Strict>(Some(directory.path()), &[]).expect_err(text);
            assert!(!fault.contains("hunter2"), "{fault}");
            assert_eq!(fault.lines().count(), 1, "{fault}");
            assert!(fault.contains(name), "{fault}");
        }
    }

    #[test]
    fn every_file_that_cannot_be_read_is_reported_at_once() {
        let directory = directory(&[("a.toml", "= 1"), ("b.json", "{"), ("c.yaml", "good: 1")]);
        let fault = load::<Strict>(Some(directory.path()), &[]).expect_err("two are bad");
        let lines: Vec<_> = fault.lines().collect();
        assert_eq!(lines.len(), 2, "{fault}");
        assert!(lines[0].contains("a.toml: expected TOML: "), "{fault}");
        assert!(lines[1].contains("b.json: expected JSON: "), "{fault}");
        let missing = directory.path().join("missing");
        let fault = load::<Strict>(Some(&missing), &[]).expect_err("it is missing");
        assert!(fault.starts_with("CONFIG_PATH is "), "{fault}");
        fs::write(directory.path().join("a.ini"), "").expect("a file");
        let fault = load::<Strict>(Some(&directory.path().join("a.ini")), &[])
            .expect_err("no ending of ours");
        assert!(
            fault.contains("a file whose name ends in .toml, .yaml, .yml or .json"),
            "{fault}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_volume_of_kubernetes_is_read_once_through_its_links() {
        use std::os::unix::fs::symlink;

        let directory = directory(&[]);
        let versioned = directory.path().join("..2026_11_23_14_00_00.123");
        fs::create_dir(&versioned).expect("a directory");
        fs::write(versioned.join("app.yaml"), "port: 5").expect("a file");
        symlink("..2026_11_23_14_00_00.123", directory.path().join("..data")).expect("a link");
        symlink("..data/app.yaml", directory.path().join("app.yaml")).expect("a link");
        assert_eq!(
            load::<Strict>(Some(directory.path()), &[])
                .expect("all is well")
                .port,
            5
        );
        symlink("..data/gone.yaml", directory.path().join("gone.yaml")).expect("a link");
        let fault = load::<Strict>(Some(directory.path()), &[]).expect_err("a dangling link");
        assert!(
            fault.contains("gone.yaml: expected a file that can be read"),
            "{fault}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_reported_where_its_key_is_known() {
        use std::os::unix::ffi::OsStringExt as _;

        let odd = OsString::from_vec(vec![b'a', 0xff]);
        let variables = vec![("NAME".into(), odd.clone()), ("OTHER".into(), odd)];
        let fault = Files::default()
            .settings_with::<Strict>(variables)
            .expect_err("NAME is bad");
        assert_eq!(
            fault.to_string(),
            "NAME is \"a\u{fffd}\", expected text in UTF-8"
        );
    }
}
