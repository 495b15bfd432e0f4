//! Is each of serde's attributes and of the standard library's types read rightly, or refused with the key's name?

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    fmt,
    net::SocketAddr,
    ops::Range,
    path::PathBuf,
    time::Duration,
};

use serde::{Deserializer, de};

use super::*;

/// As the crate humantime-serde does.
mod seconds {
    use super::*;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        let number = text.strip_suffix('s').and_then(|text| text.parse().ok());
        let number = number.ok_or_else(|| de::Error::custom(format!("{text:?} is not a time")))?;
        Ok(Duration::from_secs(number))
    }
}

/// A type of another crate, which has no `Deserialize`.
#[derive(Debug, PartialEq)]
struct Foreign {
    size: u8,
}

#[derive(Deserialize)]
#[serde(remote = "Foreign")]
struct ForeignForm {
    size: u8,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct All {
    #[serde(with = "seconds", default = "one")]
    idle_time: Duration,
    #[serde(with = "ForeignForm", default = "foreign")]
    foreign: Foreign,
    #[serde(skip)]
    skipped: u8,
    #[serde(default, rename = "somethingElse", alias = "old-name")]
    renamed: u8,
}

fn one() -> Duration {
    Duration::from_secs(1)
}

fn foreign() -> Foreign {
    Foreign { size: 1 }
}

#[test]
fn attributes_of_fields_and_names_in_any_style() {
    let all: All = good(
        "a.yaml",
        "IDLE-TIME: 5s\nFOREIGN: {size: 2}\nold-name: 3",
        &[("SKIPPED", "9")],
    );
    let expected = All {
        idle_time: Duration::from_secs(5),
        foreign: Foreign { size: 2 },
        skipped: 0,
        renamed: 3,
    };
    assert_eq!(all, expected);
    let all: All = good(
        "a.yaml",
        "IDLE-TIME: 5s\nold-name: 3",
        &[
            ("IDLE_TIME", "7s"),
            ("FOREIGN__SIZE", "4"),
            ("SOMETHING_ELSE", "8"),
        ],
    );
    assert_eq!(
        (all.idle_time.as_secs(), all.foreign.size, all.renamed),
        (7, 4, 8)
    );
    assert_each::<All>(
        "a.yaml",
        &[
            (
                "IDLE-TIME: soon",
                &[],
                &["IDLE-TIME in FILE is \"soon\", expected a valid value: \"soon\" is not a time"],
            ),
            (
                "IDLE-TIME: 5",
                &[],
                &["IDLE-TIME in FILE: expected text: put it in quotes"],
            ),
            (
                "",
                &[("IDLE_TIME", "soon")],
                &["IDLE_TIME is \"soon\", expected a valid value: \"soon\" is not a time"],
            ),
            (
                "FOREIGN: {}",
                &[],
                &["FOREIGN.size: expected a value, in a file at CONFIG_PATH or as FOREIGN__SIZE"],
            ),
            (
                "",
                &[("FOREIGN__SIZE", "x")],
                &["FOREIGN__SIZE is \"x\", expected a whole number from 0 to 255"],
            ),
        ],
    );
}

#[derive(Debug, Deserialize, PartialEq)]
struct Outer {
    #[serde(flatten)]
    middle: Middle,
    name: String,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Middle {
    #[serde(flatten)]
    inner: Inner,
    #[serde(flatten)]
    choice: Choice,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Inner {
    port: u16,
    #[serde(default, rename = "maxSize")]
    max_size: u8,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Choice {
    Tcp {
        host: String,
    },
    File(Located),
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Located {
    path: PathBuf,
    mode: u16,
}

#[test]
fn flatten_in_flatten_with_a_tagged_enumeration_in_it() {
    let outer: Outer = good(
        "a.yaml",
        "name: n\nport: 1\nmaxSize: 1\nkind: tcp\nhost: h",
        &[("PORT", "2"), ("MAX_SIZE", "3")],
    );
    assert_eq!(
        outer.middle.inner,
        Inner {
            port: 2,
            max_size: 3
        }
    );
    assert_eq!(outer.middle.choice, Choice::Tcp { host: "h".into() });
    let outer: Outer = good(
        "a.yaml",
        "name: n\nport: 1",
        &[("KIND", "file"), ("PATH", "/p"), ("MODE", "644")],
    );
    let located = Located {
        path: "/p".into(),
        mode: 644,
    };
    assert_eq!(outer.middle.choice, Choice::File(located));
    let outer: Outer = good("a.yaml", "name: n\nport: 1\nkind: new", &[]);
    assert_eq!(outer.middle.choice, Choice::Other);
    assert_each::<Outer>(
        "a.yaml",
        &[
            (
                "name: n\nport: x\nkind: new",
                &[],
                &["port in FILE is \"x\", expected a whole number from 0 to 65535"],
            ),
            (
                "name: n\nport: 1",
                &[],
                &["kind: expected a value, in a file at CONFIG_PATH or as KIND"],
            ),
            (
                "name: n\nport: 1\nkind: file\nmode: 1",
                &[],
                &["path: expected a value, in a file at CONFIG_PATH or as PATH"],
            ),
            (
                "name: n\nport: 1\nkind: file\npath: p",
                &[("MODE", "rw")],
                &["MODE is \"rw\", expected a whole number from 0 to 65535"],
            ),
            (
                "port: -1\nkind: tcp",
                &[],
                &[
                    "name: expected a value, in a file at CONFIG_PATH or as NAME",
                    "port in FILE is \"-1\", expected a whole number from 0 to 65535",
                    "host: expected a value, in a file at CONFIG_PATH or as HOST",
                ],
            ),
        ],
    );
}

#[derive(Debug, Deserialize, PartialEq)]
struct Lists {
    #[serde(default)]
    tagged: Vec<Choice>,
    #[serde(default)]
    adjacent: Vec<Adjacent>,
    #[serde(default)]
    maybe: Option<Adjacent>,
    #[serde(default)]
    upstreams: Vec<Inner>,
    #[serde(default)]
    pairs: Vec<(String, u8)>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Size(u8),
    Full { port: u16 },
    Nothing,
}

#[test]
fn tagged_enumerations_and_structures_in_lists() {
    let lists: Lists = good(
        "a.yaml",
        "tagged: [{kind: tcp, host: h}, {kind: x}]\nadjacent: [{t: Size, c: 1}, {t: Full, c: {port: 2}}, {t: Nothing}]\nmaybe: {t: Size, c: 3}",
        &[
            (
                "UPSTREAMS",
                "[{\"port\": 1}, {\"port\": 2, \"maxSize\": 3}]",
            ),
            ("PAIRS", "[[\"a\", 1]]"),
        ],
    );
    assert_eq!(
        lists.tagged,
        [Choice::Tcp { host: "h".into() }, Choice::Other]
    );
    assert_eq!(
        lists.adjacent,
        [
            Adjacent::Size(1),
            Adjacent::Full { port: 2 },
            Adjacent::Nothing
        ]
    );
    assert_eq!(lists.maybe, Some(Adjacent::Size(3)));
    assert_eq!(
        lists.upstreams[1],
        Inner {
            port: 2,
            max_size: 3
        }
    );
    assert_eq!(lists.pairs, [("a".to_owned(), 1)]);
    let lists: Lists = good("a.yaml", "", &[("MAYBE__T", "Size"), ("MAYBE__C", "5")]);
    assert_eq!(lists.maybe, Some(Adjacent::Size(5)));
    assert_each::<Lists>(
        "a.yaml",
        &[
            (
                "tagged: [{kind: tcp, host: h}, {kind: tcp}]",
                &[],
                &["tagged[1].host: expected a value, in a file at CONFIG_PATH"],
            ),
            (
                "adjacent: [{t: Size, c: 1}, {t: Size, c: 999}]",
                &[],
                &["adjacent[1].c in FILE is \"999\", expected a whole number from 0 to 255"],
            ),
            (
                "adjacent: [{t: Sise, c: 1}]",
                &[],
                &["adjacent[0].t in FILE is \"Sise\", expected one of Size, Full, Nothing"],
            ),
            (
                "maybe: {t: Full, c: {port: x}}",
                &[],
                &["maybe.c.port in FILE is \"x\", expected a whole number from 0 to 65535"],
            ),
            (
                "upstreams: [{port: 1}]",
                &[("UPSTREAMS__0__PORT", "2")],
                &[
                    "UPSTREAMS__0__PORT: expected a list, whose elements have no variables of their own",
                ],
            ),
            (
                "",
                &[("UPSTREAMS__0__PORT", "2")],
                &[
                    "UPSTREAMS__0__PORT: expected a list, whose elements have no variables of their own",
                ],
            ),
            (
                "",
                &[("UPSTREAMS", "[{\"port\": 1}, {\"port\": \"x\"}]")],
                &["UPSTREAMS[1].port is \"x\", expected a whole number from 0 to 65535"],
            ),
            (
                "pairs: [[a, 1], [b]]",
                &[],
                &["pairs[1] in FILE: expected a list of 2 values"],
            ),
        ],
    );
}

#[derive(Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Region {
    North,
    South,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
#[expect(
    clippy::option_option,
    reason = "an option in an option is one of the types"
)]
struct Types {
    by_region: HashMap<Region, u8>,
    by_switch: BTreeMap<bool, u8>,
    by_letter: BTreeMap<char, u8>,
    by_number: BTreeMap<i64, u8>,
    large: u128,
    negative: i128,
    letter: char,
    set: BTreeSet<u8>,
    words: HashSet<String>,
    cow: Cow<'static, str>,
    boxed: Box<u8>,
    range: Option<Range<u8>>,
    path: PathBuf,
    address: Option<SocketAddr>,
    duration: Option<Duration>,
    twice: Option<Option<u8>>,
    unit: (),
    newtype: Newtype,
    mark: Mark,
    bytes: Bytes,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(transparent)]
struct Newtype {
    number: u8,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
struct Mark;

/// As the crate `serde_bytes` does.
#[derive(Debug, Default, PartialEq)]
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Buffer;
        impl<'de> de::Visitor<'de> for Buffer {
            type Value = Bytes;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("byte array")
            }
            fn visit_str<E>(self, text: &str) -> Result<Bytes, E> {
                Ok(Bytes(text.into()))
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.into()))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Bytes, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = items.next_element()? {
                    bytes.push(byte);
                }
                Ok(Bytes(bytes))
            }
        }
        from.deserialize_byte_buf(Buffer)
    }
}

#[test]
fn types_of_the_standard_library_from_a_file_and_from_variables() {
    let types: Types = good(
        "a.yaml",
        "by_region: {north: 1}\nby_switch: {true: 1}\nby_letter: {a: 1}\nby_number: {-1: 1}\nlarge: 18446744073709551616\n\
         negative: -18446744073709551616\nletter: x\nset: [1, 1]\nwords: [a]\ncow: c\nboxed: 1\nrange: {start: 1, end: 2}\npath: /p\n\
         address: 127.0.0.1:1\nduration: {secs: 1, nanos: 0}\ntwice: 1\nunit: ~\nnewtype: 1\nmark: ~\nbytes: [1, 2]",
        &[],
    );
    assert_eq!(types.by_region, HashMap::from([(Region::North, 1)]));
    assert_eq!(types.by_switch, BTreeMap::from([(true, 1)]));
    assert_eq!(types.by_number, BTreeMap::from([(-1, 1)]));
    assert_eq!(types.large, 1 << 64);
    assert_eq!(types.negative, -(1 << 64));
    assert_eq!(types.bytes.0, [1, 2]);
    assert_eq!(types.duration, Some(Duration::from_secs(1)));
    let types: Types = good(
        "a.yaml",
        "by_region: {north: 1}",
        &[
            ("BY_REGION__SOUTH", "2"),
            ("BY_SWITCH__FALSE", "2"),
            ("BY_NUMBER", "{\"-5\": 2}"),
            ("LARGE", "340282366920938463463374607431768211455"),
            ("NEGATIVE", "-5"),
            ("LETTER", "é"),
            ("SET", "3,1"),
            ("BOXED", "7"),
            ("RANGE__START", "1"),
            ("RANGE__END", "9"),
            ("ADDRESS", "[::1]:80"),
            ("DURATION__SECS", "5"),
            ("DURATION__NANOS", "0"),
            ("TWICE", "3"),
            ("NEWTYPE", "4"),
            ("BYTES", "text"),
        ],
    );
    assert_eq!(types.by_region.len(), 2);
    assert_eq!(types.by_switch, BTreeMap::from([(false, 2)]));
    assert_eq!(types.by_number, BTreeMap::from([(-5, 2)]));
    assert_eq!(
        (types.large, types.negative, types.letter),
        (u128::MAX, -5, 'é')
    );
    assert_eq!(types.range, Some(1..9));
    assert_eq!((types.twice, types.newtype.number), (Some(Some(3)), 4));
    assert_eq!(types.bytes.0, b"text");
}

#[test]
fn types_of_the_standard_library_are_refused_by_name() {
    assert_each::<Types>(
        "a.yaml",
        &[
            (
                "by_region: {west: 1}",
                &[],
                &["by_region.west in FILE: expected a key that is one of north, south"],
            ),
            (
                "by_switch: {perhaps: 1}",
                &[],
                &["by_switch.perhaps in FILE: expected a key that is true or false"],
            ),
            (
                "by_letter: {ab: 1}",
                &[],
                &["by_letter.ab in FILE: expected a key that is one character"],
            ),
            (
                "by_number: {1.5: 1}",
                &[],
                &[
                    "by_number.\"1.5\" in FILE: expected a key that is a whole number from -9223372036854775808 to 9223372036854775807",
                ],
            ),
            (
                "large: -1",
                &[],
                &["large in FILE is \"-1\", expected a whole number from 0"],
            ),
            (
                "",
                &[("LARGE", "340282366920938463463374607431768211456")],
                &[
                    "LARGE is \"340282366920938463463374607431768211456\", expected a whole number from 0",
                ],
            ),
            (
                "letter: ab",
                &[],
                &["letter in FILE is \"ab\", expected one character"],
            ),
            (
                "set: [1, 256]",
                &[],
                &["set[1] in FILE is \"256\", expected a whole number from 0 to 255"],
            ),
            (
                "range: {start: 1}",
                &[],
                &["range.end: expected a value, in a file at CONFIG_PATH or as RANGE__END"],
            ),
            (
                "address: localhost",
                &[],
                &[
                    "address in FILE is \"localhost\", expected an address with a port, such as 127.0.0.1:80",
                ],
            ),
            (
                "duration: 5s",
                &[],
                &["duration in FILE is \"5s\", expected a table with the keys secs and nanos"],
            ),
            ("unit: 5", &[], &["unit in FILE is \"5\", expected nothing"]),
            ("mark: 5", &[], &["mark in FILE is \"5\", expected nothing"]),
            (
                "newtype: x",
                &[],
                &["newtype in FILE is \"x\", expected a whole number from 0 to 255"],
            ),
            (
                "bytes: 5",
                &[],
                &["bytes in FILE is \"5\", expected text or a list of numbers"],
            ),
            (
                "twice: [1]",
                &[],
                &["twice in FILE: expected a whole number from 0 to 255"],
            ),
        ],
    );
}
