//! The fields that an app adds to the summary of a request.

use std::{
    borrow::Cow,
    cell::{Cell, Ref, RefCell},
    fmt::Display,
    rc::Rc,
};

use serde::{Serialize, de::DeserializeOwned};

use super::fields::Fields;
use crate::json::to_json;

/// The summary of the request that is handled: an extractor with which an app adds fields to it.
///
/// A field of an app replaces one of ours with the same name, and its own earlier one. `null` is left out; an object or a list becomes
/// a string that holds its JSON. It may be kept, cloned, and used until the response is sent.
///
/// As an extractor it fails with 500 if the app is not a Dockerflow service.
///
/// ```
/// # use dockerflow::Summary;
/// async fn order(summary: Summary) -> &'static str {
///     summary.uid("4711");
///     summary.set("items", 3);
///     assert_eq!(summary.get("items"), Some(3));
///     "ordered"
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Summary(Rc<State>);

#[derive(Debug, Default)]
struct State {
    fields: RefCell<Fields>,
    skipped: Cell<bool>,
}

impl Summary {
    /// Sets the field `uid`: the app's own id of the user. It counts as personal data.
    pub fn uid(&self, uid: impl Display) {
        self.set("uid", uid.to_string());
    }

    /// Sets the field `name` to anything that serializes. A value that is not JSON becomes a string that says why.
    pub fn set(&self, name: impl Into<Cow<'static, str>>, value: impl Serialize) {
        // Both run code of the application, which may use this summary.
        let name = name.into();
        let value = to_json(&value);
        self.0.fields.borrow_mut().set(name, value);
    }

    /// Returns the field `name` that [`Summary::set`] has set. `None` if it is not set, or if it is
    /// not a `T`.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let value = {
            let fields = self.0.fields.borrow();
            fields.get(name)?.clone()
        };
        serde_json::from_value(value).ok()
    }

    /// Leaves the summary of this request out of the log, unless its status is 500 or above: for frequent, uniform requests.
    ///
    /// ```
    /// use actix_web::{Responder, get};
    /// use dockerflow::Summary;
    ///
    /// /// Browsers ask this every second.
    /// #[get("/unread")]
    /// async fn unread(summary: Summary) -> impl Responder {
    ///     summary.skip();
    ///     "0"
    /// }
    /// ```
    pub fn skip(&self) {
        self.0.skipped.set(true);
    }

    pub(crate) fn is_skipped(&self) -> bool {
        self.0.skipped.get()
    }

    /// Borrows the fields.
    pub(crate) fn fields(&self) -> Ref<'_, Fields> {
        self.0.fields.borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_anything_that_serializes_and_is_read_back() {
        #[derive(Serialize)]
        struct Basket {
            items: u8,
        }
        let summary = Summary::default();
        summary.uid(17);
        summary.set("count", 3_u64);
        summary.set("count", 4_u64);
        summary.set(String::from("basket"), Basket { items: 2 });
        assert_eq!(summary.get::<String>("uid").as_deref(), Some("17"));
        assert_eq!(summary.get("count"), Some(4));
        assert_eq!(summary.get("basket"), Some(serde_json::json!({"items": 2})));
        assert_eq!(summary.get::<u64>("uid"), None, "it is a string");
        assert_eq!(summary.get::<u64>("other"), None);
        assert_eq!(summary.fields().iter().count(), 3);
    }

    #[test]
    fn a_value_that_uses_the_summary_while_it_serializes_does_no_harm() {
        struct Nosy(Summary);
        impl Serialize for Nosy {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.set("inner", 1);
                serializer.serialize_u64(2)
            }
        }
        let summary = Summary::default();
        summary.set("outer", Nosy(summary.clone()));
        assert_eq!(
            (summary.get("inner"), summary.get("outer")),
            (Some(1), Some(2))
        );
    }
}
