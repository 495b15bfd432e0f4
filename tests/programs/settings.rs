//! A program that reads its settings as one of many structures, and ends. The tests in `tests/it/process/secrets.rs` run it.

// The fields are there to be read by serde alone.
#![allow(dead_code)]

use std::collections::HashMap;

use dockerflow::{BadSetting, Error, Server};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

/// Refuses everything, and quotes it in two forms.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Refused(String);

impl TryFrom<String> for Refused {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Err(format!(
            "{text:?} is refused, and so is {}",
            text.to_uppercase()
        ))
    }
}

fn quoting<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let text = String::deserialize(from)?;
    let quoted = |_| de::Error::custom(format!("{text:?} is not a number"));
    text.parse().map_err(quoted)
}

#[derive(Debug, Deserialize)]
struct Plain {
    api_token: u16,
}

#[derive(Debug, Deserialize)]
struct With {
    #[serde(deserialize_with = "quoting")]
    api_token: u16,
}

#[derive(Debug, Deserialize)]
struct TryFromText {
    api_token: Refused,
}

#[derive(Debug, Deserialize)]
struct Nested {
    inner: With,
}

#[derive(Debug, Deserialize)]
struct Flat {
    #[serde(flatten)]
    inner: TryFromText,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    Tcp { api_token: Refused },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Tcp { api_token: u16 },
}

#[derive(Debug, Deserialize)]
struct Of<T> {
    inner: T,
}

#[derive(Debug, Deserialize)]
struct OfToken<T> {
    api_token: T,
}

#[derive(Debug, Deserialize)]
struct Newtype(Refused);

#[derive(Debug, Deserialize)]
struct Wrapped {
    value: SecretString,
    port: u16,
}

fn read(server: &Server, kind: &str) -> Result<(), Error> {
    match kind {
        "plain" => server.settings::<Plain>().map(drop),
        "deserialize_with" => server.settings::<With>().map(drop),
        "try_from" => server.settings::<TryFromText>().map(drop),
        "nested" => server.settings::<Nested>().map(drop),
        "flatten" => server.settings::<Flat>().map(drop),
        "tagged" => server.settings::<Of<Tagged>>().map(drop),
        "untagged" => server.settings::<Of<Untagged>>().map(drop),
        "map" => server.settings::<Of<HashMap<String, Refused>>>().map(drop),
        "list" => server.settings::<OfToken<Vec<Refused>>>().map(drop),
        "option" => server.settings::<OfToken<Option<Refused>>>().map(drop),
        "newtype" => server.settings::<OfToken<Newtype>>().map(drop),
        "secrecy" => {
            let settings = server.settings::<Wrapped>()?;
            println!("{settings:?}");
            Ok(())
        }
        "own" => Err(BadSetting::new("api_token", "another one").held("hunter2"))?,
        other => Err(format!("{other} is not a structure of this program"))?,
    }
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    let kind = std::env::var("STRUCTURE")?;
    read(&server, &kind)
}
