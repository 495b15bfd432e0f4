//! The log alone, in a program that is not a web service: records of slog, `log` and `tracing`, and panics, as lines of one form.
//!
//! ```console
//! $ LOG_FORMAT=mozlog cargo run --example logs_only
//! ```

use dockerflow::logging::slog::{info, o};

#[tracing::instrument]
fn send(mail: u64) {
    tracing::info!(attempt = 1, "sent"); // has the span's field `mail`, too
}

fn main() -> Result<(), dockerflow::Error> {
    dockerflow::logging::init_logging("mailer")?; // LOG_LEVEL, LOG_FORMAT and so on
    log::info!(waiting = 2; "started");
    send(17);
    let logger = dockerflow::logging::logger().new(o!("queue" => "slow"));
    info!(logger, # "mailer.done", "done"; "sent" => 1);
    Ok(()) // the log is flushed when `main` returns
}
