//! The values that a variable's text may stand for, if a type does not say what it expects.

use std::sync::Arc;

use super::{
    formats,
    value::{Kind, Setting},
};
use crate::environment::flag;

/// Returns the values that the text may stand for, the likeliest first; none if the value is not a variable's text.
pub(super) fn of(value: &Setting) -> Vec<Setting> {
    let Some(text) = value.loose_text() else {
        return Vec::new();
    };
    let mut readings = scalars(value, text);
    if text.starts_with(['[', '{']) {
        readings.extend(formats::json(text, &value.origin));
    } else {
        let items = value.items(text);
        let numbers = items.iter().map(|item| {
            let text = item.loose_text().unwrap_or_default();
            scalars(item, text).into_iter().next().map(Arc::new)
        });
        let numbers: Option<Vec<_>> = numbers.collect();
        let lists = [numbers, Some(items)].into_iter().flatten();
        readings.extend(lists.map(|items| Setting::new(Kind::List(items), &value.origin)));
    }
    readings
}

/// Returns the text as a number or a switch, if it can be one.
fn scalars(value: &Setting, text: &str) -> Vec<Setting> {
    let integer = text.parse().map(Kind::Integer).ok();
    let float = text.parse().map(Kind::Float).ok();
    let switch = flag(text).map(Kind::Bool);
    let kinds = [integer, float, switch].into_iter().flatten();
    kinds
        .map(|kind| Setting::new(kind, &value.origin))
        .collect()
}
