use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

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
        (
            "name = 5",
            &[],
            "name in FILE: expected text: write it in quotes",
        ),
        (
            "origins = [\"a\", 1]",
            &[],
            "origins[1] in FILE: expected text: write it in quotes",
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
            "database.url in FILE: expected text: write it in quotes",
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
            "LIMITS[1] is \"x\", expected a whole number from 0 to 4294967295",
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
    let fault =
        load::<Strict>(Some(&directory.path().join("a.ini")), &[]).expect_err("no ending of ours");
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

/// What is said of a file and variables, one line for each fault, the file's name as FILE.
fn faults<T: DeserializeOwned>(name: &str, text: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let directory = directory(&[(name, text)]);
    let file = directory.path().join(name).display().to_string();
    match load::<T>(Some(directory.path()), pairs) {
        Ok(_) => Vec::new(),
        Err(fault) => fault
            .lines()
            .map(|line| line.replace(&file, "FILE"))
            .collect(),
    }
}

fn good<T: DeserializeOwned>(name: &str, text: &str, pairs: &[(&str, &str)]) -> T {
    let directory = directory(&[(name, text)]);
    load(Some(directory.path()), pairs).unwrap_or_else(|fault| panic!("{text} {pairs:?}: {fault}"))
}

mod all_at_once {
    use super::*;

    #[test]
    fn every_wrong_missing_and_unknown_key_is_named_in_one_start() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        #[serde(deny_unknown_fields)]
        struct All {
            name: String,
            port: u16,
            address: std::net::IpAddr,
            hosts: Vec<u8>,
            inner: Inner,
            mode: Mode,
        }
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct Inner {
            size: u8,
            other: u8,
        }
        let lines = faults::<All>(
            "a.toml",
            "port = 70000\nhosts = [1, 999]\naddress = \"nowhere\"\nmode = \"slow\"\nextra = 1\n[inner]\nsize = -1",
            &[("INNER__OTHER", "x")],
        );
        let mut names: Vec<_> = lines
            .iter()
            .map(|line| line.split([' ', ':']).next().expect("a name"))
            .collect();
        names.sort_unstable();
        let all = "INNER__OTHER address extra hosts[1] inner.size mode name port";
        assert_eq!(names.join(" "), all, "{lines:#?}");
    }

    #[test]
    fn a_value_that_nothing_can_stand_in_for_hides_no_other_fault() {
        #[derive(Debug)]
        struct Prime;
        impl<'de> Deserialize<'de> for Prime {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                match u8::deserialize(from)? {
                    97 => Ok(Self),
                    _ => Err(serde::de::Error::custom("only 97 will do")),
                }
            }
        }
        #[derive(Debug, Deserialize)]
        struct Odd {
            _a: Prime,
            _b: Prime,
            _c: u8,
        }
        let lines = faults::<Odd>("a.toml", "_a = 1\n_b = 2\n_c = 999", &[]);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(
            lines
                .iter()
                .any(|line| line == "_a in FILE is \"1\", expected another value: only 97 will do"),
            "{lines:#?}"
        );
    }

    #[test]
    fn a_missing_table_is_one_fault() {
        #[derive(Debug, Deserialize)]
        struct Outer {
            _database: Inner,
            _port: u16,
        }
        #[derive(Debug, Deserialize)]
        struct Inner {
            _url: String,
            _size: std::num::NonZeroU8,
        }
        let lines = faults::<Outer>("a.toml", "", &[]);
        assert_eq!(
            lines,
            [
                "_database: expected a value, in a file at CONFIG_PATH or as _DATABASE",
                "_port: expected a value, in a file at CONFIG_PATH or as _PORT"
            ]
        );
    }
}

mod kept_by_serde {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Flat {
        #[serde(flatten)]
        inner: Inner,
        #[serde(default)]
        tagged: Option<Tagged>,
        #[serde(default)]
        untagged: Option<Untagged>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Inner {
        #[serde(default)]
        flag: bool,
        #[serde(default)]
        count: u16,
        #[serde(default)]
        ratio: f64,
        #[serde(default)]
        hosts: Vec<String>,
        #[serde(default)]
        ports: Vec<u16>,
        #[serde(default)]
        text: String,
        #[serde(default)]
        ext: BTreeMap<String, u8>,
        #[serde(default)]
        nested: Option<Nested>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Nested {
        x: u8,
        y: u8,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(tag = "type", rename_all = "lowercase")]
    enum Tagged {
        Tcp { port: u16, fast: bool },
        File { path: String },
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Untagged {
        Port { port: u16, fast: bool },
        Name(String),
    }

    #[test]
    fn a_variable_is_what_the_type_asks_for() {
        let flat: Flat = good(
            "a.toml",
            "flag = true\nnested = {x = 1, y = 2}\n",
            &[
                ("FLAG", "false"),
                ("COUNT", "5"),
                ("RATIO", "2"),
                ("HOSTS", "a,b"),
                ("PORTS", "1,2"),
                ("TEXT", "007"),
                ("EXT", "{\"slow\": 5}"),
                ("NESTED__X", "9"),
                ("TAGGED__TYPE", "tcp"),
                ("TAGGED__PORT", "6"),
                ("TAGGED__FAST", "true"),
                ("UNTAGGED__PORT", "7"),
                ("UNTAGGED__FAST", "on"),
                ("PATH", "/bin"),
                ("SHLVL", "1"),
            ],
        );
        assert_eq!(
            flat,
            Flat {
                inner: Inner {
                    flag: false,
                    count: 5,
                    ratio: 2.0,
                    hosts: vec!["a".into(), "b".into()],
                    ports: vec![1, 2],
                    text: "007".into(),
                    ext: BTreeMap::from([("slow".into(), 5)]),
                    nested: Some(Nested { x: 9, y: 2 }),
                },
                tagged: Some(Tagged::Tcp {
                    port: 6,
                    fast: true
                }),
                untagged: Some(Untagged::Port {
                    port: 7,
                    fast: true
                }),
            }
        );
        let flat: Flat = good(
            "a.yaml",
            "tagged: {type: tcp, port: 1, fast: false}",
            &[
                ("TAGGED", "{\"type\": \"file\", \"path\": \"p\"}"),
                ("UNTAGGED", "5"),
            ],
        );
        assert_eq!(flat.tagged, Some(Tagged::File { path: "p".into() }));
        assert_eq!(flat.untagged, Some(Untagged::Name("5".into())));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, pairs, expected) in [
            (
                "flag: 1",
                &[][..],
                "flag in FILE is \"1\", expected true or false",
            ),
            (
                "flag: true",
                &[("FLAG", "perhaps")],
                "FLAG is \"perhaps\", expected true or false",
            ),
            (
                "count: 1",
                &[("COUNT", "70000")],
                "COUNT is \"70000\", expected a whole number from 0 to 65535",
            ),
            (
                "count: 70000\nflag: true",
                &[],
                "count in FILE is \"70000\", expected a whole number from 0 to 65535",
            ),
            (
                "nested: {x: 1, y: 999}",
                &[],
                "nested.y in FILE is \"999\", expected a whole number from 0 to 255",
            ),
            (
                "nested: {x: 1}",
                &[],
                "nested.y: expected a value, in a file at CONFIG_PATH or as NESTED__Y",
            ),
            (
                "ports: [1, x]",
                &[],
                "ports[1] in FILE is \"x\", expected a whole number from 0 to 65535",
            ),
            (
                "text: 5",
                &[],
                "text in FILE: expected text: write it in quotes",
            ),
            (
                "tagged: {type: tcp, fast: true}",
                &[],
                "tagged.port: expected a value, in a file at CONFIG_PATH or as TAGGED__PORT",
            ),
            (
                "tagged: {type: tcp, fast: true}",
                &[("TAGGED__PORT", "x")],
                "TAGGED__PORT is \"x\", expected a whole number from 0 to 65535",
            ),
            (
                "tagged: {type: slow}",
                &[],
                "tagged.type in FILE is \"slow\", expected one of tcp, file",
            ),
            (
                "untagged: {port: x, fast: true}",
                &[],
                "untagged in FILE: expected one of the forms of Untagged",
            ),
            (
                "",
                &[("NESTED", "{\"x\": 1, \"y\": 999}")],
                "NESTED.y is \"999\", expected a whole number from 0 to 255",
            ),
        ] {
            assert_eq!(faults::<Flat>("a.yaml", text, pairs), [expected], "{text}");
        }
        let both = faults::<Flat>("a.yaml", "flag: 1\ncount: x\ntagged: {type: tcp}", &[]);
        assert_eq!(both.len(), 4, "{both:#?}");
    }

    #[test]
    fn in_a_map_variables_that_have_nothing_to_do_with_it_are_left_out() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Service {
            port: u16,
        }
        let pairs = [("PATH", "/bin"), ("HOME", "/root"), ("A__PORT", "7")];
        let services: BTreeMap<String, Service> =
            good("a.yaml", "a: {port: 1}\n\"b.c\": {port: 2}", &pairs);
        assert_eq!(services["a"], Service { port: 7 });
        assert_eq!(services["b.c"], Service { port: 2 });
        assert_eq!(services.len(), 2);
        let lines = faults::<BTreeMap<String, Service>>(
            "a.yaml",
            "a: {port: x}",
            &[("PATH", "/bin"), ("B__PORT", "y")],
        );
        assert_eq!(
            lines,
            [
                "a.port in FILE is \"x\", expected a whole number from 0 to 65535",
                "B__PORT is \"y\", expected a whole number from 0 to 65535"
            ]
        );
        #[derive(Debug, Deserialize)]
        struct More {
            flag: bool,
            #[serde(flatten)]
            rest: HashMap<String, u16>,
        }
        let more: More = good(
            "a.yaml",
            "flag: true\na: 1",
            &[("PATH", "/bin"), ("B", "5")],
        );
        assert!(more.flag);
        assert_eq!((more.rest["a"], more.rest["b"]), (1, 5));
    }
}

mod names {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Styled {
        #[serde(alias = "uri", alias = "link")]
        address: String,
        #[serde(default, alias = "db")]
        data_base: Pool2,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case", default)]
    struct Pool2 {
        max_size: u8,
        min_size: u8,
    }

    #[test]
    fn any_style_of_names_has_a_variable_and_an_alias_in_the_environment_counts() {
        let styled: Styled = good(
            "a.yaml",
            "uri: file\ndataBase: {max-size: 1, min-size: 2}",
            &[("ADDRESS", "mine"), ("DB__MAX_SIZE", "7")],
        );
        assert_eq!(
            styled,
            Styled {
                address: "mine".into(),
                data_base: Pool2 {
                    max_size: 7,
                    min_size: 2
                }
            }
        );
        let styled: Styled = good(
            "a.yaml",
            "address: file",
            &[("LINK", "mine"), ("DATA_BASE__MIN_SIZE", "3")],
        );
        assert_eq!(
            (styled.address.as_str(), styled.data_base.min_size),
            ("mine", 3)
        );
        let lines = faults::<Styled>("a.yaml", "address: a\nuri: b", &[]);
        assert_eq!(
            lines,
            ["address in FILE: expected one of the key's names, not two"]
        );
    }

    #[test]
    fn json_and_single_keys_of_a_table_come_together() {
        let strict: Strict = good(
            "a.toml",
            "[database]\npassword = \"file\"\n",
            &[
                ("DATABASE", "{\"url\": \"json\", \"pool\": {\"size\": 1}}"),
                ("DATABASE__POOL__SIZE", "2"),
            ],
        );
        let Database {
            url,
            password,
            pool,
        } = strict.database;
        assert_eq!(
            (url.as_str(), password.as_str(), pool.size),
            ("json", "file", 2)
        );
        assert_eq!(
            faults::<Strict>("a.toml", "", &[("DATABASE", "url"), ("DATABASE__URL", "u")]),
            ["DATABASE: expected a table as JSON, as DATABASE__URL is set, too"]
        );
    }

    #[test]
    fn with_a_prefix_only_its_variables_count() {
        let mut environment = Environment::new(|_| None);
        let files = Files::read(&mut environment).with_prefix("SHOP");
        let pairs = [
            ("NAME", "no"),
            ("SHOP_NAME", "yes"),
            ("SHOP_DATABASE__URL", "u"),
            ("SHOP_TYPO", "x"),
            ("SHOP_SERVICE_HOST", "10.0.0.1"),
            ("SHOP_PORT", "tcp://10.0.0.1:80"),
        ];
        let strict: Strict = files.settings_with(variables(&pairs)).expect("all is well");
        assert_eq!(
            (
                strict.name.as_str(),
                strict.database.url.as_str(),
                strict.port
            ),
            ("yes", "u", 1)
        );
        let fault = files
            .settings_with::<Pool>(variables(&pairs))
            .expect_err("size is missing");
        assert_eq!(
            fault.to_string(),
            "size: expected a value, in a file at CONFIG_PATH or as SHOP_SIZE"
        );
        let all: BTreeMap<String, String> = files
            .settings_with(variables(&pairs[..2]))
            .expect("all is well");
        assert_eq!(all, BTreeMap::from([("name".into(), "yes".into())]));
    }

    #[test]
    fn a_service_link_of_kubernetes_is_left_out() {
        #[derive(Debug, Deserialize)]
        struct Cache {
            #[serde(default)]
            redis_port: u16,
        }
        let link = ("REDIS_PORT", "tcp://10.0.0.5:6379");
        assert_eq!(
            good::<Cache>("a.toml", "redis_port = 5", &[link]).redis_port,
            5
        );
        assert_eq!(good::<Cache>("a.toml", "", &[link]).redis_port, 0);
    }
}

mod not_coerced {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, rename_all = "lowercase")]
    struct Odd {
        three: [u8; 3],
        pair: (u8, String),
        choice: Choice,
        large: u32,
        signed: i8,
        number: u64,
        huge: u64,
        word: String,
        switch: bool,
        one: Option<std::num::NonZeroU16>,
        limits: HashMap<u16, u8>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Choice {
        #[default]
        Plain,
        Timed(u8),
        Full {
            _x: u8,
        },
    }

    #[test]
    fn each_kind_of_value_is_refused_with_the_right_words() {
        for (text, pairs, expected) in [
            (
                "three: [1, 2, 3, 4]",
                &[][..],
                "three in FILE: expected a list of 3 values",
            ),
            (
                "three: [1, 2]",
                &[],
                "three in FILE: expected a list of 3 values",
            ),
            (
                "",
                &[("THREE", "1,2,3,4")],
                "THREE is \"1,2,3,4\", expected a list of 3 values",
            ),
            (
                "pair: [1]",
                &[],
                "pair in FILE: expected a list of 2 values",
            ),
            (
                "choice: {plain: 5}",
                &[],
                "choice in FILE: expected plain alone, as it takes no value",
            ),
            (
                "choice: timed",
                &[],
                "choice in FILE is \"timed\", expected a table with the key timed, as timed takes a value",
            ),
            (
                "choice: {timed: x}",
                &[],
                "choice.timed in FILE is \"x\", expected a whole number from 0 to 255",
            ),
            (
                "choice: {full: {_x: 300}}",
                &[],
                "choice.full._x in FILE is \"300\", expected a whole number from 0 to 255",
            ),
            (
                "choice: {plain: ~, timed: 1}",
                &[],
                "choice in FILE: expected a table with one key, not with plain and timed at once",
            ),
            (
                "choice: {slow: 1}",
                &[],
                "choice in FILE: expected one of plain, timed, full",
            ),
            (
                "large: 5000000000",
                &[],
                "large in FILE is \"5000000000\", expected a whole number from 0 to 4294967295",
            ),
            (
                "signed: 128",
                &[],
                "signed in FILE is \"128\", expected a whole number from -128 to 127",
            ),
            (
                "number: 5.0",
                &[],
                "number in FILE is \"5.0\", expected a whole number from 0 to 18446744073709551615",
            ),
            (
                "number:",
                &[],
                "number in FILE is \"null\", expected a whole number from 0 to 18446744073709551615",
            ),
            (
                "number: [1]",
                &[],
                "number in FILE: expected a whole number from 0 to 18446744073709551615",
            ),
            (
                "word: 12345678",
                &[],
                "word in FILE: expected text: write it in quotes",
            ),
            ("word: {a: 1}", &[], "word in FILE: expected text"),
            (
                "switch: 1",
                &[],
                "switch in FILE is \"1\", expected true or false",
            ),
            (
                "switch: yes",
                &[],
                "switch in FILE is \"yes\", expected true or false",
            ),
            (
                "one: 0",
                &[],
                "one in FILE is \"0\", expected a whole number from 1 to 65535",
            ),
            (
                "limits: {x: 1}",
                &[],
                "limits.x in FILE: expected a key that is a whole number from 0 to 65535",
            ),
            (
                "limits: 5",
                &[],
                "limits in FILE is \"5\", expected a table",
            ),
            (
                "",
                &[("LIMITS", "{\"1\": }")],
                "LIMITS: expected JSON: expected value, at line 1 column 7",
            ),
            (
                "",
                &[("THREE__0", "1")],
                "THREE__0: expected a list of 3 values",
            ),
        ] {
            let lines = faults::<Odd>("a.yaml", text, pairs);
            assert_eq!(lines, [expected], "{text}");
        }
        let odd: Odd = good(
            "a.yaml",
            "huge: 18446744073709551615\nlimits: {1: 2}\nchoice: {full: {_x: 3}}",
            &[("PAIR", "[1, \"x\"]"), ("SWITCH", "1")],
        );
        assert_eq!(
            (odd.huge, odd.limits[&1], odd.pair.0, odd.switch),
            (u64::MAX, 2, 1, true)
        );
    }

    #[test]
    fn a_later_file_and_the_environment_say_another_variant() {
        let directory = directory(&[
            ("1.yaml", "choice: {timed: 1}"),
            ("2.yaml", "choice: {full: {_x: 1}}"),
        ]);
        let odd: Odd = load(Some(directory.path()), &[]).expect("the later counts");
        assert!(matches!(odd.choice, Choice::Full { .. }));
        let odd: Odd = load(Some(directory.path()), &[("CHOICE__TIMED", "5")]).expect("likewise");
        assert!(matches!(odd.choice, Choice::Timed(5)));
        let odd: Odd = load(Some(directory.path()), &[("CHOICE", "plain")]).expect("likewise");
        assert!(matches!(odd.choice, Choice::Plain));
    }

    #[test]
    fn keys_are_never_taken_apart() {
        let keys: BTreeMap<String, u8> = good(
            "a.json",
            r#"{"a.b": 1, "1-800-Flowers.com": 2, "hosts[99999999]": 3}"#,
            &[],
        );
        assert_eq!(
            (
                keys["a.b"],
                keys["1-800-Flowers.com"],
                keys["hosts[99999999]"]
            ),
            (1, 2, 3)
        );
    }
}

#[cfg(unix)]
mod odd_paths {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_pipe_is_refused_at_once_and_so_is_a_directory_in_a_files_place() {
        let place = directory(&[("good.toml", "port = 7")]);
        let pipe = place.path().join("pipe.toml");
        let made = Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo runs");
        assert!(made.success());
        for path in [pipe.as_path(), place.path()] {
            let fault = load::<Strict>(Some(path), &[]).expect_err("it is a pipe");
            assert!(
                fault.contains("pipe.toml: expected a file that can be read: it is a pipe"),
                "{fault}"
            );
        }
        let empty = place.path().join("app.toml");
        fs::create_dir(&empty).expect("a directory");
        let fault = load::<Strict>(Some(&empty), &[]).expect_err("it is a directory");
        assert!(
            fault.starts_with("CONFIG_PATH is ") && fault.contains("not an empty directory"),
            "{fault}"
        );
        let mut environment = Environment::new(|_| None);
        let plain = place.path().join("conf");
        fs::create_dir(&plain).expect("a directory");
        let files = Files::at(&plain, "CONFIG_PATH", &mut environment);
        assert_eq!(files.warnings.len(), 1);
        assert!(
            files.warnings[0].starts_with("CONFIG_PATH is "),
            "{:?}",
            files.warnings
        );
    }

    #[test]
    fn a_file_that_is_not_text_is_named() {
        let place = directory(&[]);
        fs::write(place.path().join("a.toml"), b"name = \"\xff\"").expect("a file");
        let fault = load::<Strict>(Some(place.path()), &[]).expect_err("not UTF-8");
        assert!(
            fault.contains("a.toml: expected a file that can be read: it is not text in UTF-8"),
            "{fault}"
        );
    }
}

#[test]
fn a_table_or_list_that_means_nothing_is_named_with_its_file() {
    let directory = directory(&[(
        "a.toml",
        "size = 1\nlist = [1]\nplain = 1\n[elasticsearch]\nx = 1",
    )]);
    let mut environment = Environment::new(|_| None);
    let files = Files::at(directory.path(), "CONFIG_PATH", &mut environment);
    let read =
        attempts::read::<Pool>(files.merged(), "", false).unwrap_or_else(|_| panic!("all is well"));
    let file = directory.path().join("a.toml").display().to_string();
    let expected = ["elasticsearch", "list", "plain"]
        .map(|key| format!("{key} in {file} means nothing to this program"));
    assert_eq!(read.settings.size, 1);
    assert_eq!(read.warnings, expected);
}

mod secrets {
    use std::fmt;

    use super::*;

    /// Says in its own words what it was given.
    #[derive(Debug)]
    struct Talkative;

    impl<'de> Deserialize<'de> for Talkative {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Any;
            impl serde::de::Visitor<'_> for Any {
                type Value = Talkative;
                fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.write_str("a sonnet")
                }
                fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Talkative, E> {
                    let reversed: String = text.chars().rev().collect();
                    Err(E::custom(format!(
                        "{text} {} {reversed}",
                        text.to_uppercase()
                    )))
                }
            }
            from.deserialize_any(Any)
        }
    }

    fn loud<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
        let text = String::deserialize(from)?;
        text.parse()
            .map_err(|_| serde::de::Error::custom(format!("{text:?} is no number")))
    }

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Tried;

    impl TryFrom<String> for Tried {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            Err(format!("{} is refused", text.to_uppercase()))
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "HashMap<String, String>")]
    struct TriedWhole;

    impl TryFrom<HashMap<String, String>> for TriedWhole {
        type Error = String;
        fn try_from(table: HashMap<String, String>) -> Result<Self, String> {
            Err(format!("{table:?} is refused"))
        }
    }

    macro_rules! planted {
        ($($(#[$attribute:meta])* $name:ident { $(#[$field:meta])* $key:ident: $type:ty })*) => {$(
            #[derive(Debug, Deserialize)]
            $(#[$attribute])*
            struct $name { $(#[$field])* #[allow(dead_code)] $key: $type }
        )*};
    }

    planted! {
        Plain { secret: u16 }
        With { #[serde(deserialize_with = "loud")] secret: u16 }
        Tries { secret: Tried }
        Talks { secret: Talkative }
        InMap { inner: HashMap<String, u16> }
        InMapTalks { inner: HashMap<String, Talkative> }
        InList { secret: Vec<u16> }
        InListTalks { secret: Vec<Tried> }
        Optional { secret: Option<u16> }
        OptionalTries { secret: Option<Tried> }
        Nested { inner: Plain }
        NestedWith { inner: With }
        NestedTries { inner: Tries }
        Whole { inner: TriedWhole }
        Flat { #[serde(flatten)] inner: Plain }
        FlatWith { #[serde(flatten)] inner: With }
        FlatTries { #[serde(flatten)] inner: Tries }
        FlatTalks { #[serde(flatten)] inner: Talks }
        FlatNested { #[serde(flatten)] inner: NestedTries }
        FlatMap { #[serde(flatten)] inner: HashMap<String, Tried> }
    }

    #[derive(Debug, Deserialize)]
    struct New(#[allow(dead_code)] u16);
    #[derive(Debug, Deserialize)]
    struct NewTries(#[allow(dead_code)] Tried);

    planted! {
        Newtype { secret: New }
        NewtypeTries { secret: NewTries }
        InTagged { inner: Tagged }
        InAdjacent { inner: Adjacent }
        InUntagged { inner: Untagged }
        InEnum { inner: External }
        Chosen { secret: Mode }
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "t")]
    #[allow(dead_code)]
    enum Tagged {
        A {
            secret: Tried,
        },
        B {
            secret: u16,
        },
        C {
            #[serde(deserialize_with = "loud")]
            secret: u16,
        },
    }
    #[derive(Debug, Deserialize)]
    #[serde(tag = "t", content = "c")]
    #[allow(dead_code)]
    enum Adjacent {
        A { secret: Tried },
    }
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code)]
    enum Untagged {
        A { secret: Tried },
        B { secret: u16 },
    }
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    enum External {
        A { secret: Tried },
        B(Plain),
    }

    /// Every line names the key, and no line has the secret in any form.
    fn kept<T: DeserializeOwned>(value: &str, variables: &[(&str, &str)]) {
        // Whatever type this is for, the plain part of its path is in the settings, and so are others' keys.
        let json = |secret: &str| value.replace("SECRET", secret);
        let name = std::any::type_name::<T>();
        let secrets = [
            "\"hunter2\"",
            "\"hunter2 \\\" \\n hunter2\"",
            "[\"hunter2\"]",
            "{\"hunter\": \"hunter2\"}",
            "8020212",
            "80202.12",
            "-8020212",
        ];
        let mut said = Vec::new();
        for secret in secrets {
            said.push(faults::<T>("a.json", &json(secret), &[]));
            said.push(faults::<T>("a.yaml", &json(secret), &[]));
        }
        for secret in [
            "hunter2",
            "8020212",
            "-8020212",
            "hunter2,hunter2",
            "[\"hunter2\"",
            "{\"a\": \"hunter2\"}",
        ] {
            let variables: Vec<_> = variables
                .iter()
                .map(|(name, text)| (*name, text.replace("SECRET", secret)))
                .collect();
            let variables: Vec<_> = variables
                .iter()
                .map(|(name, text)| (*name, text.as_str()))
                .collect();
            said.push(faults::<T>("a.json", "{}", &variables));
        }
        let reversed: String = "hunter2".chars().rev().collect();
        for lines in said {
            assert!(!lines.is_empty(), "{name} takes anything");
            for line in lines {
                let lower = line.to_lowercase();
                for form in ["hunter2", "8020212", "80202.12", &reversed] {
                    assert!(!lower.contains(form), "{name}: {line}");
                }
                assert!(
                    lower.contains("secret") || lower.contains("inner"),
                    "{name} names no key: {line}"
                );
            }
        }
    }

    #[test]
    fn no_structure_of_serde_lets_a_secret_out() {
        let top = "{\"secret\": SECRET}";
        let inner = "{\"inner\": {\"secret\": SECRET}}";
        kept::<Plain>(&top.replace("8020212", "x"), &[("SECRET", "SECRET")]);
        kept::<With>(top, &[("SECRET", "SECRET")]);
        kept::<Tries>(top, &[("SECRET", "SECRET")]);
        kept::<Talks>(top, &[("SECRET", "SECRET")]);
        kept::<InMap>(inner, &[("INNER__SECRET", "SECRET")]);
        kept::<InMapTalks>(inner, &[("INNER__SECRET", "SECRET")]);
        kept::<InList>(top, &[("SECRET", "SECRET")]);
        kept::<InListTalks>(top, &[("SECRET", "SECRET")]);
        kept::<Optional>(top, &[("SECRET", "SECRET")]);
        kept::<OptionalTries>(top, &[("SECRET", "SECRET")]);
        kept::<Nested>(inner, &[("INNER__SECRET", "SECRET")]);
        kept::<NestedWith>(inner, &[("INNER__SECRET", "SECRET")]);
        kept::<NestedTries>(inner, &[("INNER__SECRET", "SECRET")]);
        kept::<NestedTries>(inner, &[("INNER", "{\"secret\": \"SECRET\"}")]);
        kept::<Whole>(inner, &[("INNER__SECRET", "SECRET")]);
        kept::<Flat>(top, &[("SECRET", "SECRET")]);
        kept::<FlatWith>(top, &[("SECRET", "SECRET")]);
        kept::<FlatTries>(top, &[("SECRET", "SECRET")]);
        kept::<FlatTalks>(top, &[("SECRET", "SECRET")]);
        kept::<FlatNested>(inner, &[("INNER__SECRET", "SECRET")]);
        kept::<Newtype>(top, &[("SECRET", "SECRET")]);
        kept::<NewtypeTries>(top, &[("SECRET", "SECRET")]);
        for tag in ["A", "B", "C"] {
            let text = format!("{{\"inner\": {{\"t\": \"{tag}\", \"secret\": SECRET}}}}");
            kept::<InTagged>(&text, &[("INNER__T", tag), ("INNER__SECRET", "SECRET")]);
        }
        kept::<InAdjacent>(
            "{\"inner\": {\"t\": \"A\", \"c\": {\"secret\": SECRET}}}",
            &[("INNER__T", "A"), ("INNER__C__SECRET", "SECRET")],
        );
        kept::<InUntagged>(inner, &[("INNER__SECRET", "SECRET")]);
        kept::<InEnum>(
            "{\"inner\": {\"A\": {\"secret\": SECRET}}}",
            &[("INNER__A__SECRET", "SECRET")],
        );
        kept::<InEnum>(
            "{\"inner\": {\"B\": {\"secret\": SECRET}}}",
            &[("INNER__B__SECRET", "SECRET")],
        );
        kept::<Chosen>(top, &[("SECRET", "SECRET")]);
        // In a map, the variable is one of the many that have nothing to do with it: there is no fault.
        let lines = faults::<FlatMap>("a.json", "{\"secret\": \"hunter2\"}", &[]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(!lines[0].to_lowercase().contains("hunter2"), "{lines:?}");
    }

    #[test]
    fn a_harmless_types_message_is_shown_with_its_key() {
        #[derive(Debug, Deserialize)]
        struct Harmless {
            #[serde(deserialize_with = "loud")]
            _pages: u16,
        }
        assert_eq!(
            faults::<Harmless>("a.toml", "", &[("_PAGES", "many")]),
            ["_PAGES is \"many\", expected another value: \"many\" is no number"]
        );
    }
}

#[test]
fn values_of_a_volume_of_secrets_are_hidden() {
    let directory = directory(&[]);
    let secrets = directory.path().join("secrets");
    fs::create_dir(&secrets).expect("a directory");
    fs::write(secrets.join("a.toml"), "port = \"hunter2\"").expect("a file");
    let fault = load::<Strict>(Some(&secrets), &[]).expect_err("not a port");
    assert!(
        !fault.contains("hunter2") && fault.starts_with("port in "),
        "{fault}"
    );
}

#[test]
fn what_is_wrong_with_the_settings_as_a_whole_is_named_and_does_not_take_long() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "Limits")]
    struct Checked;
    #[derive(Debug, Deserialize)]
    struct Limits {
        least: u8,
        most: u8,
    }
    impl TryFrom<Limits> for Checked {
        type Error = &'static str;
        fn try_from(limits: Limits) -> Result<Self, &'static str> {
            let fine = limits.least <= limits.most;
            fine.then_some(Self).ok_or("least is more than most")
        }
    }
    let expected = "expected another value: least is more than most";
    assert_eq!(
        faults::<Checked>("a.toml", "least = 2\nmost = 1", &[]),
        [format!("FILE: {expected}")]
    );
    assert_eq!(
        faults::<Checked>("a.toml", "least = 2", &[("MOST", "1")]),
        [format!("FILE: {expected}")]
    );
    #[derive(Debug, Deserialize)]
    struct Large {
        #[serde(flatten)]
        #[allow(dead_code)]
        all: HashMap<String, u8>,
    }
    let began = std::time::Instant::now();
    let many: Vec<_> = (0..20_000).map(|key| format!("k{key} = 999")).collect();
    assert!(!faults::<Large>("a.toml", &many.join("\n"), &[]).is_empty());
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
}
