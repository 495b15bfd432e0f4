//! The fields that an app adds to the summary of a request.

use std::{
    borrow::Cow,
    cell::{Ref, RefCell},
    fmt::Display,
    rc::Rc,
};

use serde_json::Value as Json;

/// The summary of the request that is handled: an extractor by which an app adds fields to it.
///
/// A field of an app replaces one of ours of the same name, and its earlier one. `null` is left out; an object or a list becomes a
/// string that holds its JSON. It may be kept, cloned, and used until the response is on its way.
///
/// As an extractor it fails where the app is not a Dockerflow service.
///
/// ```
/// # use dockerflow::Summary;
/// async fn order(summary: Summary) -> &'static str {
///     summary.uid("4711");
///     summary.set("items", 3);
///     "ordered"
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Summary(Rc<RefCell<Fields>>);

/// Names and values, each name once.
pub(crate) type Fields = Vec<(Cow<'static, str>, Json)>;

impl Summary {
    /// Says who asked, by an id of yours: the field `uid`. It counts as personal data.
    pub fn uid(&self, uid: impl Display) {
        self.set("uid", uid.to_string());
    }

    /// Adds the field `name`.
    pub fn set(&self, name: impl Into<Cow<'static, str>>, value: impl Into<Json>) {
        let name = name.into();
        let mut fields = self.0.borrow_mut();
        fields.retain(|(earlier, _)| *earlier != name);
        fields.push((name, value.into()));
    }

    /// Borrows the fields in the order in which they were set.
    pub(crate) fn fields(&self) -> Ref<'_, Fields> {
        self.0.borrow()
    }
}
