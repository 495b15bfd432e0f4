//! How any value that serializes becomes JSON, even with numbers and keys that JSON does not have.

use std::fmt::{Display, Write as _};

use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};
use serde_json::{Error, Map, Number, Value as Json};

/// Returns `value` as JSON. A NaN, an infinity or an integer beyond 64 bits becomes a string, and so does a key that is not one.
/// If a value fails to serialize, the text of the error takes its place.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Json {
    let json = value.serialize(Lenient);
    json.unwrap_or_else(|error| format!("not JSON: {error}").into())
}

/// Returns the 64-bit number that is written with the digits of `number`.
pub(crate) fn widened(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(number.into())
}

struct Lenient;

impl Serializer for Lenient {
    type Ok = Json;
    type Error = Error;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    fn serialize_bool(self, value: bool) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn serialize_i8(self, value: i8) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn serialize_i128(self, value: i128) -> Result<Json, Error> {
        Ok(i64::try_from(value).map_or_else(|_| value.to_string().into(), Json::from))
    }

    fn serialize_u8(self, value: u8) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn serialize_u128(self, value: u128) -> Result<Json, Error> {
        Ok(u64::try_from(value).map_or_else(|_| value.to_string().into(), Json::from))
    }

    fn serialize_f32(self, value: f32) -> Result<Json, Error> {
        self.serialize_f64(widened(value))
    }

    fn serialize_f64(self, value: f64) -> Result<Json, Error> {
        Ok(Number::from_f64(value).map_or_else(|| value.to_string().into(), Json::Number))
    }

    fn serialize_char(self, value: char) -> Result<Json, Error> {
        Ok(value.to_string().into())
    }

    fn serialize_str(self, value: &str) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Json, Error> {
        let mut text = String::new();
        // A value whose `Display` fails is cut at that point: half of it says more than nothing.
        let _ = write!(text, "{value}");
        Ok(text.into())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Json, Error> {
        Ok(value.into())
    }

    fn serialize_none(self) -> Result<Json, Error> {
        Ok(Json::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Json, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Json, Error> {
        Ok(Json::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Json, Error> {
        Ok(Json::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Json, Error> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Json, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Json, Error> {
        Ok(tagged(Some(variant), value.serialize(self)?))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Items, Error> {
        Ok(Items::default())
    }

    fn serialize_tuple(self, _length: usize) -> Result<Items, Error> {
        Ok(Items::default())
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Items, Error> {
        Ok(Items::default())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Items, Error> {
        Ok(Items {
            variant: Some(variant),
            ..Items::default()
        })
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Members, Error> {
        Ok(Members::default())
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Members, Error> {
        Ok(Members {
            is_text: name.starts_with("$serde_json::private::"),
            ..Members::default()
        })
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Members, Error> {
        Ok(Members {
            variant: Some(variant),
            ..Members::default()
        })
    }
}

/// `{"variant": value}` if there is a variant.
fn tagged(variant: Option<&'static str>, value: Json) -> Json {
    match variant {
        Some(variant) => Json::Object(Map::from_iter([(variant.into(), value)])),
        None => value,
    }
}

/// A list that is being written.
#[derive(Default)]
struct Items {
    variant: Option<&'static str>,
    items: Vec<Json>,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.items.push(value.serialize(Lenient)?);
        Ok(())
    }

    fn finish(self) -> Json {
        tagged(self.variant, self.items.into())
    }
}

/// An object that is being written.
#[derive(Default)]
struct Members {
    variant: Option<&'static str>,
    all: Map<String, Json>,
    key: String,
    /// Whether it is a structure of `serde_json`'s own whose only member is a text of JSON: a number of `arbitrary_precision`, or a
    /// `RawValue`.
    is_text: bool,
}

impl Members {
    fn insert<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), Error> {
        self.all.insert(key, value.serialize(Lenient)?);
        Ok(())
    }

    fn finish(self) -> Json {
        if self.is_text
            && let Some(Json::String(text)) = self.all.values().next()
        {
            return serde_json::from_str(text).unwrap_or_else(|_| text.clone().into());
        }
        tagged(self.variant, self.all.into())
    }
}

/// Implements a trait of serde's for lists by [`Items`].
macro_rules! items {
    ($($of:ident: $method:ident;)*) => {$(
        impl $of for Items {
            type Ok = Json;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.push(value)
            }

            fn end(self) -> Result<Json, Error> {
                Ok(self.finish())
            }
        }
    )*};
}

items! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

/// Implements a trait of serde's for structures by [`Members`].
macro_rules! members {
    ($($of:ident;)*) => {$(
        impl $of for Members {
            type Ok = Json;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.insert(key.into(), value)
            }

            fn end(self) -> Result<Json, Error> {
                Ok(self.finish())
            }
        }
    )*};
}

members! {
    SerializeStruct;
    SerializeStructVariant;
}

impl SerializeMap for Members {
    type Ok = Json;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = match key.serialize(Lenient)? {
            Json::String(text) => text,
            other => other.to_string(),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = std::mem::take(&mut self.key);
        self.insert(key, value)
    }

    fn end(self) -> Result<Json, Error> {
        Ok(self.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        fmt::{self, Formatter},
    };

    use serde::ser;
    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Unit,
        Newtype(f64),
        Tuple(u128, i128),
        Struct { small: f32, nothing: Option<()> },
    }

    #[test]
    fn values_that_json_does_not_have_become_strings() {
        for (json, expected) in [
            (to_json(&f64::NAN), json!("NaN")),
            (to_json(&f32::NEG_INFINITY), json!("-inf")),
            (to_json(&5_u128), json!(5)),
            (to_json(&-5_i128), json!(-5)),
            (to_json(&u128::MAX), json!(u128::MAX.to_string())),
            (to_json(&0.1_f32), json!(0.1)),
            (
                to_json(&BTreeMap::from([((1, 'a'), f64::INFINITY)])),
                json!({"[1,\"a\"]": "inf"}),
            ),
            (
                to_json(&BTreeMap::from([(Some(true), 1), (None, 2)])),
                json!({"true": 1, "null": 2}),
            ),
            (to_json(&Shape::Unit), json!("Unit")),
            (
                to_json(&Shape::Newtype(f64::NAN)),
                json!({"Newtype": "NaN"}),
            ),
            (
                to_json(&Shape::Tuple(1 << 100, 1)),
                json!({"Tuple": ["1267650600228229401496703205376", 1]}),
            ),
            (
                to_json(&Shape::Struct {
                    small: 0.5,
                    nothing: None,
                }),
                json!({"Struct": {"small": 0.5, "nothing": null}}),
            ),
            (to_json("text"), json!("text")),
        ] {
            assert_eq!(json, expected);
        }
    }

    #[test]
    fn a_text_of_json_is_what_it_says() {
        #[derive(Serialize)]
        #[serde(rename = "$serde_json::private::Number")]
        struct Precise {
            #[serde(rename = "$serde_json::private::Number")]
            digits: &'static str,
        }
        for (digits, expected) in [
            ("1.5", json!(1.5)),
            ("17", json!(17)),
            ("1e999", json!("1e999")),
        ] {
            assert_eq!(to_json(&[Precise { digits }]), json!([expected]));
        }
    }

    #[test]
    fn a_value_that_fails_says_why_and_a_display_that_fails_is_cut() {
        struct Fails;
        impl Serialize for Fails {
            fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
                Err(ser::Error::custom("no such file"))
            }
        }
        struct Shown;
        impl Display for Shown {
            fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
                formatter.write_str("half")?;
                Err(fmt::Error)
            }
        }
        impl Serialize for Shown {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        assert_eq!(to_json(&Fails), json!("not JSON: no such file"));
        assert_eq!(to_json(&[Shown]), json!(["half"]));
    }
}
