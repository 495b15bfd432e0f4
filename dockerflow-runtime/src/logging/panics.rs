//! Panics: how they are logged, and how the code of an application is kept from ending ours.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::{Cell, RefCell},
    future::poll_fn,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    pin::pin,
    sync::{
        Once, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
};

use slog::Level;

use super::{
    sink::{Logging, current, flush, is_tapped},
    unresolved,
    value::Value,
};
use crate::request::{self, RequestId, TraceContext};

/// How many bytes of a back-trace are kept: container engines split a line at 16 KiB.
const BACKTRACE: usize = 8192;

/// What the standard library says of a panic that it cannot let go on: the process is aborted after the hook.
const ABORTING: [&str; 2] = [
    "panic in a destructor during cleanup",
    "panic in a function that cannot unwind",
];

/// Whether the service is up. From then on panics are logged and no longer printed on stderr.
static UP: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Where the last panic of this thread was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
    /// How many calls of [`contain_call`] this thread is in.
    static CONTAINED: Cell<u32> = const { Cell::new(0) };
}

/// Returns the output of `future`, or the text of its panic.
pub(crate) async fn contain<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(|context| {
        let polled = contain_call(|| future.as_mut().poll(context));
        polled.map_or_else(
            |panic| std::task::Poll::Ready(Err(panic)),
            |poll| poll.map(Ok),
        )
    })
    .await
}

/// Returns what `function` returns, or the text of its panic.
pub(crate) fn contain_call<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            CONTAINED.set(CONTAINED.get() - 1);
        }
    }
    install_hook();
    CONTAINED.set(CONTAINED.get() + 1);
    let _inside = Inside;
    panic::catch_unwind(AssertUnwindSafe(function)).map_err(|payload| text(&*payload))
}

/// Whether a panic on this thread would end in [`contain`] or [`contain_call`], whose caller reports it.
#[cfg(feature = "sentry-0_49")]
pub(crate) fn is_contained() -> bool {
    CONTAINED.get() > 0
}

/// Ends the time in which the standard library prints panics on stderr.
pub(crate) fn service_is_up() {
    UP.store(true, Ordering::Relaxed);
}

/// Returns the text of a payload.
pub(crate) fn payload_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a payload that is not text")
}

/// A payload does not say where the panic was, but the hook does.
fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload_text(payload);
    match PLACE.take() {
        Some(place) => format!("panicked at {place}: {text}"),
        None => format!("panicked: {text}"),
    }
}

/// Installs this crate's only panic hook. It records where a panic happened and, once the log has started, logs it.
///
/// A hook that was set before runs after it. The standard library's own runs until the service is up: whoever starts a program
/// reads stderr. From then on it does not, because what it prints is not a line of the log.
pub(super) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let earlier = panic::take_hook();
        // A second take returns the standard library's. Its type has no size, but so may a program's: their code differs.
        let standard = panic::take_hook();
        let is_standard = std::ptr::eq(&raw const *earlier, &raw const *standard);
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(ToString::to_string);
            let _ = PLACE.try_with(|last| last.replace(place));
            let logging = current();
            handle(logging, info);
            let starts = !UP.load(Ordering::Relaxed);
            // A failing test prints its reason.
            if !is_standard || logging.is_none() || starts || is_tapped() {
                earlier(info);
            }
        }));
    });
}

/// A panic that is about to be logged.
struct Panic {
    text: String,
    place: Option<String>,
    thread: String,
    request: Option<(RequestId, Option<TraceContext>)>,
    backtrace: Backtrace,
}

/// What is left to do about a panic, on any thread.
pub(crate) type Rest = Box<dyn FnOnce() + Send>;

/// Is called on the thread that panics. `true` if the process ends: then what is left must be done when it returns.
pub(crate) type Observer = fn(&PanicHookInfo<'_>, bool) -> Option<Rest>;

static OBSERVER: OnceLock<Observer> = OnceLock::new();

/// Shows each panic to `observer`, from now on. There is only one.
#[cfg(feature = "sentry-0_49")]
pub(crate) fn observe(observer: Observer) {
    install_hook();
    let _only_one = OBSERVER.set(observer);
}

fn handle(logging: Option<&'static Logging>, info: &PanicHookInfo<'_>) {
    let thread = thread::current();
    // Elsewhere a panic ends a request or a task, and the log's thread lives to write it.
    let is_last = cfg!(panic = "abort")
        || thread.name() == Some("main")
        || ABORTING.contains(&payload_text(info.payload()));
    if let Some(logging) = logging
        && logging.filter().allows(Level::Error, "panic")
    {
        let mut request = None;
        request::with(|id, trace| request = Some((id.clone(), trace.cloned())));
        let panic = Panic {
            text: payload_text(info.payload()).to_owned(),
            place: info.location().map(ToString::to_string),
            thread: thread.name().unwrap_or("unnamed").to_owned(),
            request,
            backtrace: Backtrace::capture(),
        };
        if is_last || panic.backtrace.status() != BacktraceStatus::Captured {
            panic.log(logging);
        } else {
            elsewhere(Box::new(move || panic.log(logging)));
        }
    }
    // A report of a panic that panics is not worth another one.
    let is_report = thread.name() == Some(RESOLVER_NAME);
    let observer = OBSERVER.get().filter(|_| !is_report);
    match observer.and_then(|observer| observer(info, is_last)) {
        // A test looks at what was reported on its own thread.
        Some(rest) if is_last || is_tapped() => rest(),
        Some(rest) => elsewhere(rest),
        None => {}
    }
    if is_last {
        flush();
    }
}

impl Panic {
    fn place_parts(&self) -> Option<[&str; 3]> {
        let mut parts = self.place.as_ref()?.rsplitn(3, ':');
        Some([parts.next()?, parts.next()?, parts.next()?])
    }

    fn log(&self, logging: &Logging) {
        let message = Some(Value::Text(&self.text));
        logging.write(Level::Error, "panic", message, |line| {
            if let Some(place) = &self.place {
                line.outer("location", Value::Text(place));
            }
            line.outer("thread", Value::Text(&self.thread));
            if let Some([_column, number, file]) = self.place_parts() {
                line.source(file, number.parse().unwrap_or_default());
            }
            if self.backtrace.status() == BacktraceStatus::Captured {
                let text = self.backtrace.to_string();
                let mut end = text.len().min(BACKTRACE);
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                line.outer("backtrace", Value::Text(&text[..end]));
            }
            if let Some((id, trace)) = &self.request {
                line.outer("rid", Value::Plain(id.as_bytes()));
                if let Some(trace) = trace {
                    logging.trace(line, trace);
                }
            }
        });
    }
}

/// The thread that resolves back-traces.
const RESOLVER_NAME: &str = "dockerflow-panic";

/// Does the rest on a thread of its own: resolving a back-trace takes up to seconds, for which a worker would answer nobody.
fn elsewhere(rest: Rest) {
    static RESOLVER: OnceLock<Option<Sender<Rest>>> = OnceLock::new();
    let resolver = RESOLVER.get_or_init(|| {
        let (sender, all) = channel::<Rest>();
        let thread = thread::Builder::new().name(RESOLVER_NAME.into());
        let started = thread.spawn(move || {
            for rest in all {
                // The hook has said what it was.
                let _ = panic::catch_unwind(AssertUnwindSafe(rest));
                unresolved::end();
            }
        });
        started.is_ok().then_some(sender)
    });
    unresolved::begin();
    let refused = match resolver {
        Some(resolver) => resolver.send(rest).err().map(|refused| refused.0),
        None => Some(rest),
    };
    if let Some(rest) = refused {
        let _ = panic::catch_unwind(AssertUnwindSafe(rest));
        unresolved::end();
    }
}
