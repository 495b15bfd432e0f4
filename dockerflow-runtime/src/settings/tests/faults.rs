//! What is said of a wrong, missing or unknown key?

use super::*;

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
            "name in FILE: expected text: put it in quotes",
        ),
        (
            "origins = [\"a\", 1]",
            &[],
            "origins[1] in FILE: expected text: put it in quotes",
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
            "database.url in FILE: expected text: put it in quotes",
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
            .any(|line| line == "_a in FILE is \"1\", expected a valid value: only 97 will do"),
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
    let expected = "expected a valid value: least is more than most";
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
