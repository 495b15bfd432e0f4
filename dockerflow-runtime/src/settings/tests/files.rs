//! Which files are read, in which order, and what is said of one that cannot be read?

use std::process::Command;

use super::*;

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
fn every_file_that_cannot_be_read_is_reported_at_once() {
    let directory = directory(&[("a.toml", "= 1"), ("b.json", "{"), ("c.yaml", "good: 1")]);
    let fault = load::<Strict>(Some(directory.path()), &[]).expect_err("two are bad");
    let lines: Vec<_> = fault.lines().collect();
    assert_eq!(lines.len(), 2, "{fault}");
    assert!(
        lines[0].contains("a.toml: expected valid TOML: "),
        "{fault}"
    );
    assert!(
        lines[1].contains("b.json: expected valid JSON: "),
        "{fault}"
    );
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

#[test]
fn a_table_or_list_that_means_nothing_is_named_with_its_file() {
    let directory = directory(&[(
        "a.toml",
        "size = 1\nlist = [1]\nplain = 1\n[elasticsearch]\nx = 1",
    )]);
    let mut environment = Environment::new(|_| None);
    let files = Files::at(directory.path(), "CONFIG_PATH", &mut environment);
    let sources = bad_setting::Sources {
        prefix: "",
        files: "CONFIG_PATH",
    };
    let read = read::read::<Pool>(files.merged(), sources, false)
        .unwrap_or_else(|_| panic!("all is well"));
    let file = directory.path().join("a.toml").display().to_string();
    let expected = ["elasticsearch", "list", "plain"]
        .map(|key| format!("{key} in {file} is not a setting of this program"));
    assert_eq!(read.settings.size, 1);
    assert_eq!(read.warnings, expected);
}
