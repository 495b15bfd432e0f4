//! How the records of `log` and `tracing` are sent to the log for the rest of the process.

use slog::Level;
use tracing_subscriber::{layer::SubscriberExt as _, registry::Registry};

use super::{
    log::{LogBridge, ceiling},
    tracing::TracingBridge,
};
use crate::logging::{line::Value, sink::Logging};

/// Sends the records of both here. Where the program has set a logger or subscriber of its own, that one stays, and it is said.
pub(crate) fn install(logging: &'static Logging) {
    let bridge: &'static LogBridge = Box::leak(Box::new(LogBridge(logging)));
    let log = ::log::set_logger(bridge);
    if log.is_ok() {
        ::log::set_max_level(ceiling(logging.filter().most()));
    }
    let tracing =
        ::tracing::subscriber::set_global_default(Registry::default().with(TracingBridge(logging)));
    for (name, taken) in [("log", log.is_err()), ("tracing", tracing.is_err())] {
        if taken && logging.filter().allows(Level::Warning, "dockerflow.log") {
            let text = format_args!(
                "records of `{name}` are not logged here: the program has set another logger for them"
            );
            logging.log(
                Level::Warning,
                "dockerflow.log",
                Some(Value::Format(text)),
                |_| (),
            );
        }
    }
}
