//! Structures that serde keeps and reads later on its own: flatten, tagged and untagged enumerations.

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
            "text in FILE: expected text: put it in quotes",
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
