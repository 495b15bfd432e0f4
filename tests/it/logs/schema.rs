//! What a line of mozlog is: stricter than the schema that the implementations share (no null, no nesting, no key twice).

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::{Number, Value};

/// A line that is valid.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) kind: String,
    pub(super) severity: u64,
    pub(super) fields: BTreeMap<String, Value>,
    /// Keys beside those of mozlog.
    pub(super) others: BTreeMap<String, Value>,
}

impl Line {
    pub(super) fn text(&self, key: &str) -> &str {
        self.fields
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.fields.get(key).and_then(Value::as_u64)
    }
}

/// The objects that Google Cloud reads.
const GOOGLE: [&str; 2] = ["httpRequest", "logging.googleapis.com/sourceLocation"];

/// The line, or what is wrong with it.
pub(super) fn validate(line: &[u8]) -> Result<Line, String> {
    let text = str::from_utf8(line).map_err(|error| error.to_string())?;
    if text.bytes().any(|byte| byte < 0x20) {
        return Err("a control character".into());
    }
    let object: Object = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Object(mut keys) = object;
    let mut take = |key: &str| keys.remove(key).ok_or(format!("no {key}"));
    let timestamp = take("Timestamp")?.number("Timestamp")?;
    let nanoseconds = timestamp
        .as_u64()
        .ok_or("a Timestamp that is not an integer")?;
    if !(1_600_000_000_000_000_000..4_000_000_000_000_000_000).contains(&nanoseconds) {
        return Err(format!(
            "the Timestamp {nanoseconds} is not of our time in nanoseconds"
        ));
    }
    let kind = take("Type")?.text("Type")?;
    if kind.is_empty() || kind.contains("::") {
        return Err(format!("the Type {kind:?}"));
    }
    take("Logger")?.text("Logger")?;
    take("Hostname")?.text("Hostname")?;
    if take("EnvVersion")?.text("EnvVersion")? != "2.0" {
        return Err("not EnvVersion 2.0".into());
    }
    let severity = take("Severity")?.number("Severity")?.as_u64().unwrap_or(99);
    if ![2, 3, 4, 6, 7].contains(&severity) {
        return Err(format!("the Severity {severity}"));
    }
    take("Pid")?
        .number("Pid")?
        .as_u64()
        .ok_or("a Pid that is not an integer")?;
    let Member::Object(fields) = take("Fields")? else {
        return Err("Fields is not an object".into());
    };
    if fields.is_empty() {
        return Err("empty Fields".into());
    }
    let fields = fields.into_iter().map(|(key, field)| match field {
        Member::Object(_) => Err(format!("an object in {key:?}")),
        Member::Plain(value) => Ok((key, value)),
    });
    let others = keys.into_iter().map(|(key, value)| match value {
        Member::Object(members) if GOOGLE.contains(&key.as_str()) => {
            let members = members.into_iter().map(|(name, member)| match member {
                Member::Object(_) => Err(format!("an object in {key:?}")),
                Member::Plain(value) => Ok((name, value)),
            });
            let members: Result<serde_json::Map<_, _>, String> = members.collect();
            Ok((key.clone(), members?.into()))
        }
        Member::Object(_) => Err(format!("an object in {key:?}")),
        Member::Plain(value) => Ok((key, value)),
    });
    Ok(Line {
        kind,
        severity,
        fields: fields.collect::<Result<_, _>>()?,
        others: others.collect::<Result<_, _>>()?,
    })
}

/// An object of which each key was seen.
struct Object(BTreeMap<String, Member>);

/// What may stand in an object: no null, no list.
enum Member {
    Object(BTreeMap<String, Member>),
    Plain(Value),
}

impl Member {
    fn text(self, key: &str) -> Result<String, String> {
        match self {
            Self::Plain(Value::String(text)) => Ok(text),
            _ => Err(format!("{key} is not a string")),
        }
    }

    fn number(self, key: &str) -> Result<Number, String> {
        match self {
            Self::Plain(Value::Number(number)) => Ok(number),
            _ => Err(format!("{key} is not a number")),
        }
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Member::deserialize(deserializer)? {
            Member::Object(members) => Ok(Self(members)),
            Member::Plain(_) => Err(D::Error::custom("no object")),
        }
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Member;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, a number, a boolean, or an object of these")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Member, E> {
                Ok(Member::Plain(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Member, E> {
                Ok(Member::Plain(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Member, E> {
                Ok(Member::Plain(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Member, E> {
                Ok(Member::Plain(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Member, E> {
                Ok(Member::Plain(value.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Member>()? {
                    if members.insert(key.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("the key {key:?} twice")));
                    }
                }
                Ok(Member::Object(members))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[test]
fn the_validator_refuses_what_mozlog_does_not_allow() {
    let good = r#"{"Timestamp":1795423182674755840,"Type":"a.b","Logger":"l","Hostname":"h","EnvVersion":"2.0","Severity":6,"Pid":1,"Fields":{"msg":"x","n":1.5}}"#;
    validate(good.as_bytes()).expect("good");
    for (part, instead) in [
        (r#""msg":"x""#, r#""msg":null"#),
        (r#""msg":"x""#, r#""n":2"#),
        (r#""msg":"x""#, r#""msg":{"a":1}"#),
        (r#""msg":"x""#, r#""msg":[1,2]"#),
        (r#""msg":"x""#, r#""msg":NaN"#),
        (r#""msg":"x","n":1.5"#, ""),
        (r#""Severity":6"#, r#""Severity":5"#),
        (r#""Severity":6"#, r#""Severity":6,"Pid":1"#),
        (r#""EnvVersion":"2.0","#, ""),
        (r#""Type":"a.b""#, r#""Type":"a::b""#),
        (r#""Type":"a.b""#, r#""type":"a.b""#),
        ("1795423182674755840", "1795423182674"),
        ("1795423182674755840", "1795423182674755840.5"),
        (r#""msg":"x""#, "\"msg\":\"\n\""),
        ("}}", "}"),
    ] {
        let bad = good.replacen(part, instead, 1);
        assert_ne!(bad, good, "{part}");
        assert!(validate(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(validate(b"{\"Fields\":{\"a\":\"\xff\"}}").is_err());
}
