//! What the code of one test reports as errors.

use std::cell::RefCell;

use sentry::protocol::Event;

use crate::reports;

thread_local! {
    /// The events of this thread's test.
    static EVENTS: RefCell<Option<Vec<Reported>>> = const { RefCell::new(None) };
}

pub(super) fn start() {
    reports::start_for_tests(keep);
    EVENTS.set(Some(Vec::new()));
}

pub(super) fn end() {
    EVENTS.set(None);
}

fn keep(event: Event<'static>) {
    // On a thread without a test it is dropped.
    let _ = EVENTS.try_with(|events| {
        if let Ok(mut events) = events.try_borrow_mut()
            && let Some(events) = events.as_mut()
        {
            events.push(Reported(event));
        }
    });
}

/// Returns what was reported on this thread until now.
pub(super) fn until_now() -> Vec<Reported> {
    EVENTS.with_borrow(Clone::clone).unwrap_or_default()
}

/// An error or a message that was reported to Sentry, which
/// [`Telemetry::reported`](super::Telemetry::reported) returns.
///
/// ```standalone_crate
/// # #[cfg(feature = "sentry-0_49")]
/// # #[actix_web::main]
/// # async fn main() {
/// use actix_web::{App, error::ErrorInternalServerError, test, web};
/// use dockerflow::testing::Telemetry;
///
/// async fn buy() -> actix_web::Result<&'static str> {
///     Err(ErrorInternalServerError("the till is shut"))
/// }
///
/// #[dockerflow::service]
/// fn app() -> App {
///     App::new().route("/buy", web::get().to(buy))
/// }
///
/// let telemetry = Telemetry::start();
/// let app = test::init_service(app()).await;
/// test::call_service(&app, test::TestRequest::get().uri("/buy").to_request()).await;
///
/// let [reported] = &telemetry.reported()[..] else { panic!("one report") };
/// assert_eq!(reported.message(), "the till is shut");
/// assert_eq!(reported.tag("route"), Some("/buy"));
/// # }
/// # #[cfg(not(feature = "sentry-0_49"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Reported(Event<'static>);

impl Reported {
    /// Returns the text of the error, or the message.
    #[must_use]
    pub fn message(&self) -> &str {
        let exception = self.0.exception.values.last();
        let text = exception.and_then(|exception| exception.value.as_deref());
        text.or(self.0.message.as_deref()).unwrap_or_default()
    }

    /// Returns a tag, such as `rid` or `route`.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.0.tags.get(name).map(String::as_str)
    }
}
