//! How the log is started, and the loggers that lead to it.

use std::{
    fs::File,
    io,
    os::fd::AsFd,
    sync::{Once, OnceLock},
};

use slog::{Drain, Level, Logger, Never, OwnedKVList, Record};

use super::{
    bridges,
    line::{Format, Layout},
    options::LogOptions,
    origin::RecordOrigin,
    origin::target_of,
    panics,
    sink::{Logging, Tap, current, flush, set_tap},
    value::Value,
    writer::{BOUND, Writer, piece},
};
use crate::{
    environment::{Environment, program},
    error::Error,
};

thread_local! {
    /// Drops with the thread that started the log: where that is the main thread, at the end of the process.
    static LAST: Last = const { Last };
}

struct Last;

impl Drop for Last {
    fn drop(&mut self) {
        flush();
    }
}

/// Starts the log of a program that makes its own [`HttpServer`](actix_web::HttpServer); `Server::from_env` does it by itself.
///
/// From here on the records of slog (through [`logger`]), `log` and `tracing`, and panics, are
/// lines on stdout, in the name of `program`. `LOG_LEVEL` (by default `info`) decides which are
/// written, and `LOG_FORMAT` in which form: by default text on a terminal, else mozlog. A second
/// call in a process changes nothing.
///
/// ```
/// # fn import() -> Result<u32, dockerflow::Error> { Ok(17) }
/// // A program that serves nothing, such as a nightly import, and logs as the service does.
/// fn main() -> Result<(), dockerflow::Error> {
///     dockerflow::logging::init_logging("shop-import")?;
///     let books = import()?;
///     log::info!(books = books; "imported");
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// Returns [`Error::Settings`] if a variable is invalid, and [`Error::App`] if stdout is closed or
/// a thread cannot start.
pub fn init_logging(program: &str) -> Result<(), Error> {
    let mut environment = Environment::of_process();
    let options = LogOptions::read(&mut environment);
    let warnings = environment.warnings();
    start(&environment.finish(options)?, program)?;
    for warning in warnings {
        log::warn!(target: "dockerflow.log", "{warning}");
    }
    Ok(())
}

/// Starts logging to stdout in the name of `program`: records of slog, `log` and `tracing`, and panics. Once in a process: a
/// second call changes nothing and returns the running log.
pub(crate) fn start(options: &LogOptions, program: &str) -> Result<&'static Logging, Error> {
    if let Some(logging) = current() {
        return Ok(logging);
    }
    // Not std's stdout: its lock would make an app's `println!` wait while the reader of stdout is stopped.
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let layout = Layout::new(options.format(), program);
    let reports = Layout::new(options.format(), program);
    let piece = piece(&output)?;
    let writer = Writer::start(output, piece, BOUND, move |lost| {
        dropped_lines(&reports, lost)
    })?;
    let (logging, first) = Logging::set(options, layout, writer);
    if first {
        let _ = LAST.try_with(|_| ());
        panics::install_hook();
        bridges::install(logging);
    }
    Ok(logging)
}

/// Starts a log that sends each line to `tap`, and drops those that it does not take. A log that was started before stays.
///
/// # Panics
///
/// If a thread cannot start.
pub(crate) fn start_for_tests(tap: Tap) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_tap(tap);
        if current().is_some() {
            return;
        }
        let options = LogOptions::everything();
        let layout = Layout::new(Format::Mozlog, &program());
        let writer = Writer::start(io::sink(), usize::MAX, BOUND, |_| Vec::new());
        let writer = writer.expect("a thread for the log");
        let (logging, first) = Logging::set(&options, layout, writer);
        if first {
            panics::install_hook();
            bridges::install(logging);
        }
    });
}

/// Returns the line that says how many lines were lost.
fn dropped_lines(layout: &Layout, lost: u64) -> Vec<u8> {
    layout.line(
        Level::Warning,
        "dockerflow.log",
        Some(Value::Text(
            "log lines were dropped: stdout took them too slowly, or not at all",
        )),
        |line| line.outer("dropped", Value::Unsigned(lost)),
        <[u8]>::to_vec,
    )
}

/// The program's logger, for [slog](https://docs.rs/slog): its records carry the request's id, and go where those of `log` and
/// `tracing` go.
///
/// If nothing has started the log (in a unit test, for example), they go to the `log` crate's logger.
///
/// It also serves a program that uses `slog_scope`: `slog_scope::set_global_logger(dockerflow::logging::logger())`.
///
/// ```
/// let logger = dockerflow::logging::logger().new(slog::o!("queue" => "mail"));
/// slog::info!(logger, "sent"; "messages" => 3);
/// ```
pub fn logger() -> Logger {
    static ROOT: OnceLock<Logger> = OnceLock::new();
    ROOT.get_or_init(|| Logger::root(Root, slog::o!())).clone()
}

/// The drain of [`logger`].
struct Root;

impl Drain for Root {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        let Some(logging) = current() else {
            bridges::to_log(record, values);
            return Ok(());
        };
        let decided = match record.tag() {
            "" => logging.filter().at_once(record.level(), record.module()),
            _ => None,
        };
        match decided {
            Some(false) => {}
            Some(true) => write(logging, record, values),
            None => decide(logging, record, values),
        }
        Ok(())
    }
}

#[inline(never)] // so that what is decided at once does not pay for its preparations
fn decide(logging: &Logging, record: &Record<'_>, values: &OwnedKVList) {
    let (filter, level) = (logging.filter(), record.level());
    let allowed = match record.tag() {
        "" => filter.allows_constant(level, record.module()),
        tag => filter.allows(level, tag),
    };
    if allowed {
        write(logging, record, values);
    }
}

#[inline(never)] // what is filtered out needs none of its preparations
fn write(logging: &Logging, record: &Record<'_>, values: &OwnedKVList) {
    let message = Some(Value::Format(*record.msg()));
    let origin = RecordOrigin {
        target: target_of(record),
        file: Some(record.file()),
        line: record.line(),
    };
    logging.log(record.level(), &origin, message, |line| {
        line.slog(record, values);
    });
}
