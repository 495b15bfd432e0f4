//! How the records of `log` and `tracing` are sent to the log for the rest of the process.

use std::sync::atomic::{AtomicBool, Ordering};

use slog::Level;
use tracing_subscriber::{layer::SubscriberExt as _, registry::Registry};

use super::{
    log::{LogBridge, ceiling},
    tracing::{TracingBridge, is_layered},
};
use crate::logging::{
    sink::{Logging, current},
    value::Value,
};

/// Raises the log's level to DEBUG, or takes that back. Returns whether there is a log.
pub(crate) fn raise(raised: bool) -> bool {
    let Some(logging) = current() else {
        return false;
    };
    logging.set_raised(raised);
    if OWNS_LOG.load(Ordering::Relaxed) {
        ::log::set_max_level(ceiling(logging.filter().most()));
    }
    ::tracing::callsite::rebuild_interest_cache();
    true
}

/// Whether the logger of `log` is ours.
static OWNS_LOG: AtomicBool = AtomicBool::new(false);

/// Sends the records of both to `logging`. A logger or subscriber that the program has set stays in place, with a warning, unless
/// the subscriber has the log's [`layer`](super::layer): then all is as the program wants it.
pub(crate) fn install(logging: &'static Logging) {
    let bridge: &'static LogBridge = Box::leak(Box::new(LogBridge(logging)));
    let log = ::log::set_logger(bridge);
    if log.is_ok() {
        OWNS_LOG.store(true, Ordering::Relaxed);
        ::log::set_max_level(ceiling(logging.filter().most()));
    }
    let tracing =
        ::tracing::subscriber::set_global_default(Registry::default().with(TracingBridge(logging)));
    if tracing.is_err() && is_layered() {
        // Callsites may have cached an interest before the log had a filter.
        ::tracing::callsite::rebuild_interest_cache();
        return;
    }
    for (name, taken) in [("log", log.is_err()), ("tracing", tracing.is_err())] {
        if taken && logging.filter().allows(Level::Warning, "dockerflow.log") {
            let text = format_args!(
                "records of `{name}` are not in this log: the program has set another logger for them"
            );
            let message = Some(Value::Format(text));
            logging.write(Level::Warning, "dockerflow.log", message, |_| ());
        }
    }
}
