//! What does a panic say, and where was it? Contains the panics of checks.

use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use futures_util::FutureExt as _;

use crate::logging::payload_text;

/// What `future` gives, or the text of its panic.
pub(super) async fn contain<F: Future>(future: F) -> Result<F::Output, String> {
    note_places();
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    caught.map_err(|payload| text(&*payload))
}

/// What `function` gives, or the text of its panic.
pub(super) fn contain_call<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    note_places();
    let caught = panic::catch_unwind(AssertUnwindSafe(function));
    caught.map_err(|payload| text(&*payload))
}

thread_local! {
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// A payload does not know where it was thrown; the hook does. The hook that was there before is called as ever.
fn note_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PLACE.set(panic.location().map(ToString::to_string));
            before(panic);
        }));
    });
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload_text(payload);
    match PLACE.take() {
        Some(place) => format!("panicked at {place}: {text}"),
        None => format!("panicked: {text}"),
    }
}
