//! Does a browser have an answer already?

use actix_web::http::header::{EntityTag, IfNoneMatch};

/// Reports whether the tag is among those that a browser says that it has.
pub(crate) fn has(held: &IfNoneMatch, tag: &EntityTag) -> bool {
    match held {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|held| held.weak_eq(tag)),
    }
}
