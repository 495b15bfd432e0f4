//! Does a secret stay out of every message?

use std::fmt;

use super::*;

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
        ["_PAGES is \"many\", expected a valid value: \"many\" is no number"]
    );
}
