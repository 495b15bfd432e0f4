//! Where the program's log goes: set-up from `LOG_LEVEL` and `LOG_FORMAT`, and the one way that every record takes.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    env,
    fs::File,
    io::{self, IsTerminal},
    os::fd::AsFd,
    panic::{self, PanicHookInfo},
    sync::OnceLock,
    thread,
    time::Duration,
};

use slog::{Drain, Level, Logger, Never, OwnedKVList, Record};

use crate::{
    bridges,
    error::Error,
    filter::Filter,
    mozlog::{self, Format, Layout, Line, Value},
    request_id,
    settings::Environment,
    writer::{BOUND, Writer},
};

/// So long the end of a process waits for its last lines to be written.
const FLUSH: Duration = Duration::from_secs(2);

/// The one of this process.
static LOGGING: OnceLock<Logging> = OnceLock::new();

/// What operations set of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogOptions {
    /// `LOG_LEVEL`.
    filter: Filter,
    /// `LOG_FORMAT`; where that is unset, text on a terminal, else mozlog.
    format: Option<Named>,
}

#[derive(Clone, Copy, Debug)]
enum Named {
    Mozlog,
    Gcp,
    Text,
}

impl LogOptions {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            filter: environment.get(
                "LOG_LEVEL",
                Filter::default(),
                Filter::EXPECTED,
                Filter::parse,
            ),
            format: environment.get("LOG_FORMAT", None, "mozlog, text or gcp", |text| {
                Some(Some(match text.to_ascii_lowercase().as_str() {
                    "mozlog" => Named::Mozlog,
                    "gcp" => Named::Gcp,
                    "text" => Named::Text,
                    _ => return None,
                }))
            }),
        }
    }

    fn format(&self) -> Format {
        let terminal = io::stdout().is_terminal();
        let text = Format::Text {
            coloured: terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        match self.format {
            Some(Named::Gcp) => Format::Gcp,
            Some(Named::Text) => text,
            None if terminal => text,
            Some(Named::Mozlog) | None => Format::Mozlog,
        }
    }
}

/// The log of this process: it lasts until the process ends.
#[derive(Debug)]
pub(crate) struct Logging {
    filter: Filter,
    layout: Layout,
    writer: Writer,
}

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
/// From here on the records of slog (through [`logger`]), `log` and `tracing`, and panics, are lines on stdout, in the name of
/// `program`. `LOG_LEVEL` and `LOG_FORMAT` say which and how. A second call in a process changes nothing.
///
/// # Errors
///
/// [`Error::Settings`] where one of the two variables is bad, and [`Error::App`] where there is no thread or no stdout to be had.
pub fn start_logging(program: &str) -> Result<(), Error> {
    let mut environment = Environment::new(|name| env::var_os(name));
    let options = LogOptions::read(&mut environment);
    start(&environment.finish(options)?, program).map(drop)
}

/// Starts logging to stdout in the name of `program`: records of slog, `log` and `tracing`, and panics. Once in a process: a
/// second call changes nothing and gives what is there.
pub(crate) fn start(options: &LogOptions, program: &str) -> Result<&'static Logging, Error> {
    if let Some(logging) = LOGGING.get() {
        return Ok(logging);
    }
    // Not std's stdout: its lock would make an app's `println!` wait while the reader of stdout is stopped.
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let layout = Layout::new(options.format(), program);
    let reports = Layout::new(options.format(), program);
    let writer = Writer::start(output, BOUND, move |lost| report(&reports, lost))?;
    let mut first = false;
    let logging = LOGGING.get_or_init(|| {
        first = true;
        Logging {
            filter: options.filter.clone(),
            layout,
            writer,
        }
    });
    if first {
        let _ = LAST.try_with(|_| ());
        log_panics();
        bridges::install(logging);
    }
    Ok(logging)
}

/// The log, if it was started.
#[inline]
pub(crate) fn current() -> Option<&'static Logging> {
    LOGGING.get()
}

/// Waits, for at most 2 s, until all that was logged so far is written. Says whether it was.
pub(crate) fn flush() -> bool {
    current().is_none_or(|logging| logging.writer.flush(FLUSH))
}

/// How many lines were lost since the start, because stdout took none.
pub(crate) fn dropped() -> u64 {
    current().map_or(0, |logging| logging.writer.dropped())
}

fn report(layout: &Layout, lost: u64) -> Vec<u8> {
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

impl Logging {
    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Logs a record that has passed the filter, with the id of the request that is handled.
    pub(crate) fn log(
        &self,
        level: Level,
        kind: &str,
        message: Option<Value<'_>>,
        fields: impl FnOnce(&mut Line<'_>),
    ) {
        self.write(level, kind, message, |line| {
            fields(line);
            request_id::with(|id| line.outer("rid", Value::Plain(id)));
        });
    }

    /// The same, with these fields alone.
    pub(crate) fn write(
        &self,
        level: Level,
        kind: &str,
        message: Option<Value<'_>>,
        fields: impl FnOnce(&mut Line<'_>),
    ) {
        let push = |line: &[u8]| self.writer.push(line);
        self.layout.line(level, kind, message, fields, push);
    }
}

/// The program's logger, for [slog](https://docs.rs/slog): its records carry the request's id, and go where those of `log` and
/// `tracing` go.
///
/// Where no server has started the log (in a unit test, say), they go to the `log` crate's logger.
///
/// ```
/// let logger = dockerflow_runtime::logger().new(slog::o!("queue" => "mail"));
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
        let kind = mozlog::kind(record);
        match current() {
            Some(logging) => {
                if logging.filter.allows(record.level(), kind) {
                    let message = Some(Value::Format(*record.msg()));
                    logging.log(record.level(), kind, message, |line| {
                        line.slog(record, values);
                    });
                }
            }
            None => bridges::to_log(record, values),
        }
        Ok(())
    }
}

/// Panics are logged, with the id of the request that they end. A hook that was set before runs after; the standard library's own
/// does not, as what it prints is no mozlog.
fn log_panics() {
    let earlier = panic::take_hook();
    // The standard library's hook is a bare function; one that calls another holds that.
    let earlier = (size_of_val(&*earlier) > 0).then_some(earlier);
    panic::set_hook(Box::new(move |info| {
        log_panic(info);
        if let Some(earlier) = &earlier {
            earlier(info);
        }
    }));
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let Some(logging) = current() else { return };
    let thread = thread::current();
    if logging.filter.allows(Level::Error, "panic") {
        let text = payload_text(info.payload());
        let backtrace = Backtrace::capture();
        logging.log(Level::Error, "panic", Some(Value::Text(text)), |line| {
            if let Some(location) = info.location() {
                line.outer("location", Value::Format(format_args!("{location}")));
            }
            line.outer("thread", Value::Text(thread.name().unwrap_or("unnamed")));
            if backtrace.status() == BacktraceStatus::Captured {
                let text = backtrace.to_string();
                let mut end = text.len().min(BACKTRACE);
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                line.outer("backtrace", Value::Text(&text[..end]));
            }
        });
    }
    // Elsewhere a panic ends a request or a task, and the log's thread lives to write it.
    if cfg!(panic = "abort") || thread.name() == Some("main") {
        flush();
    }
}

/// How much of a back-trace is kept, in bytes: engines of containers split a line at 16 KiB.
const BACKTRACE: usize = 8192;

/// What a panic said.
pub(crate) fn payload_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a payload that is no text")
}
