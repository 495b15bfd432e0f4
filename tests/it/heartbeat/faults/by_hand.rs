//! Services with any number of checks, defined without the macro.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use dockerflow::__private::{Definition, Embedded, ServiceDefinition};

/// Returns `count` checks, each made by `make` from its number.
pub(super) fn many(count: usize, make: fn() -> Definition) -> &'static ServiceDefinition {
    let version = dockerflow::version!();
    Box::leak(Box::new(ServiceDefinition {
        version: Embedded::facts(version),
        checks: Some(vec![make as fn() -> Definition; count].leak()),
    }))
}

/// A name that no other check of this process has.
pub(super) fn numbered(text: &str) -> &'static str {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("{text} {:03}", NUMBER.fetch_add(1, SeqCst)).leak()
}

macro_rules! hand_made {
    ($name:ident, $facts:expr) => {
        pub(super) fn $name() -> App<impl crate::support::Service<actix_web::body::BoxBody>> {
            static FACTS: std::sync::OnceLock<&dockerflow::__private::ServiceDefinition> =
                std::sync::OnceLock::new();
            dockerflow::__private::service(FACTS.get_or_init(|| $facts), App::new().service(counts))
        }
    };
}
pub(super) use hand_made;
