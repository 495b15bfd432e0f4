//! Records of `tracing`: how events and the fields of their spans become lines.

use std::{
    error, fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::Value as Json;
use slog::Level;
use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record as SpanRecord},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{self, Context},
    registry::LookupSpan,
};

use crate::{
    error::Chain,
    logging::{
        line::Line,
        origin::RecordOrigin,
        sink::{Logging, current},
        value::Value,
    },
};

/// Whether a subscriber was made that has a [`layer`].
static LAYERED: AtomicBool = AtomicBool::new(false);

/// Whether records of `tracing` reach the log through a [`layer`] of the program's own subscriber.
pub(super) fn is_layered() -> bool {
    LAYERED.load(Ordering::Relaxed)
}

/// Returns the log's part of a `tracing` subscriber, for a program that has a subscriber of its own: beside the layers of
/// OpenTelemetry, Sentry or `fmt`, each with its own filter.
///
/// Set the subscriber before the log starts, that is before `dockerflow::main` or
/// [`init_logging`](crate::logging::init_logging): the log then leaves it in place. Records that arrive before the log has
/// started are dropped. `LOG_LEVEL` filters what the log writes, and nothing of what other layers see.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let subscriber = tracing_subscriber::registry()
///     .with(dockerflow::logging::layer()); // .with(tracing_opentelemetry::layer().with_tracer(tracer))
/// tracing::subscriber::set_global_default(subscriber)?;
/// dockerflow::logging::init_logging("shop")?;
/// tracing::info!("a line of the log");
/// # Ok::<(), dockerflow::Error>(())
/// ```
///
/// A global filter (an `EnvFilter` that is added with `.with(…)`) stops records before any layer sees them; one that is added with
/// `.with_filter(…)` to another layer does not touch the log.
#[must_use]
pub fn layer<S>() -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = LogLayer.with_filter(LogLevel);
    #[cfg(feature = "opentelemetry-0_33")]
    let layer = layer.and_then(crate::logging::opentelemetry::layer());
    layer
}

/// `LOG_LEVEL`, as a filter of one layer.
struct LogLevel;

impl<S> layer::Filter<S> for LogLevel {
    fn enabled(&self, metadata: &Metadata<'_>, _context: &Context<'_, S>) -> bool {
        current().is_some_and(|logging| allows(logging, metadata))
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        interest(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(most())
    }
}

/// The layer that receives records of `tracing` in a subscriber of the program's own.
struct LogLayer;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn on_register_dispatch(&self, _subscriber: &Dispatch) {
        LAYERED.store(true, Ordering::Relaxed);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        begin_span(attributes, id, &context);
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, context: Context<'_, S>) {
        extend_span(id, values, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if let Some(logging) = current() {
            log_event(logging, event, &context);
        }
    }
}

/// The layer that receives records of `tracing` if the program has no subscriber. It is the only layer, so its filter is global.
pub(super) struct TracingBridge(pub(super) &'static Logging);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TracingBridge {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        allows(self.0, metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(most())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        begin_span(attributes, id, &context);
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, context: Context<'_, S>) {
        extend_span(id, values, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        log_event(self.0, event, &context);
    }
}

/// The interest in a callsite. `tracing` caches it, so it is asked again when the log starts.
fn interest(metadata: &Metadata<'_>) -> Interest {
    match current() {
        Some(logging) if allows(logging, metadata) => Interest::always(),
        _ => Interest::never(),
    }
}

fn allows(logging: &Logging, metadata: &Metadata<'_>) -> bool {
    let level = from_tracing(*metadata.level());
    logging.filter().allows(level, metadata.target())
}

/// The lowest level that the log writes for any target.
fn most() -> LevelFilter {
    match current().and_then(|logging| logging.filter().most()) {
        None => LevelFilter::OFF,
        Some(Level::Critical | Level::Error) => LevelFilter::ERROR,
        Some(Level::Warning) => LevelFilter::WARN,
        Some(Level::Info) => LevelFilter::INFO,
        Some(Level::Debug) => LevelFilter::DEBUG,
        Some(Level::Trace) => LevelFilter::TRACE,
    }
}

// A value's `Debug` is code of the program, which may itself use `tracing`: a span's extensions are not locked while it runs.

fn begin_span<S>(attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut fields = SpanFields::default();
    attributes.record(&mut fields);
    if let Some(span) = context.span(id) {
        span.extensions_mut().insert(fields);
    }
}

fn extend_span<S>(id: &Id, values: &SpanRecord<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut recorded = SpanFields::default();
    values.record(&mut recorded);
    if let Some(span) = context.span(id) {
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<SpanFields>() {
            Some(fields) => fields.merge(recorded),
            None => extensions.insert(recorded),
        }
    }
}

fn log_event<S>(logging: &Logging, event: &Event<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let metadata = event.metadata();
    // As the macros write them, the message is the first field. actix-http's errors may be none, and those of `tracing-log` are
    // another target's.
    let first = metadata.fields().iter().next();
    let in_order = first.is_some_and(|first| first.name() == MESSAGE)
        && metadata.name() != FORWARDED
        && !(*metadata.level() == tracing::Level::ERROR
            && metadata.target().starts_with(ACTIX_HTTP));
    if !in_order {
        return log_odd_event(logging, event, context);
    }
    let origin = RecordOrigin {
        target: metadata.target(),
        file: metadata.file(),
        line: metadata.line().unwrap_or_default(),
    };
    let level = from_tracing(*metadata.level());
    logging.log(level, &origin, None, |line| {
        event.record(&mut InOrder(line));
        spans(event, context, line);
    });
}

/// Adds the fields of the spans that an event is in.
#[inline]
fn spans<S>(event: &Event<'_>, context: &Context<'_, S>, line: &mut Line<'_>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    for span in context.event_scope(event).into_iter().flatten() {
        if let Some(fields) = span.extensions().get::<SpanFields>() {
            fields.write(line);
        }
    }
}

/// Logs an event whose message may stand anywhere, or decide what becomes of it.
#[inline(never)]
fn log_odd_event<S>(logging: &Logging, event: &Event<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let metadata = event.metadata();
    let mut text = Message(None);
    event.record(&mut text);
    let message = text.0.as_deref().map(Value::Text);
    let mut forwarded = Forwarded::default();
    if metadata.name() == FORWARDED {
        event.record(&mut forwarded);
    }
    let target = forwarded.target.as_deref().unwrap_or(metadata.target());
    let level = match from_tracing(*metadata.level()) {
        Level::Error => match lowered(target, text.0.as_deref()) {
            Some(level) if !logging.filter().allows(level, target) => return,
            Some(level) => level,
            None => Level::Error,
        },
        level => level,
    };
    let origin = RecordOrigin {
        target,
        file: metadata.file(),
        line: metadata.line().unwrap_or_default(),
    };
    logging.log(level, &origin, message, |line| {
        if forwarded.target.is_none() {
            event.record(&mut EventFields(line));
        }
        spans(event, context, line);
    });
}

const ACTIX_HTTP: &str = "actix_http::";

/// Returns the level of a record that actix-http logs as an error though it is none of the service's: anybody who sends a malformed
/// request would raise an alert. A body that fails is logged by the request's own scope.
fn lowered(target: &str, message: Option<&str>) -> Option<Level> {
    let message = message.filter(|_| target.starts_with(ACTIX_HTTP))?;
    if message.starts_with("stream error: ") {
        Some(Level::Info)
    } else if message.starts_with("Response payload stream error: ") {
        Some(Level::Debug)
    } else {
        None
    }
}

/// The name of the events that the `tracing-log` crate makes of records of `log`.
const FORWARDED: &str = "log event";

/// The target that a record of `log` had before `tracing-log` made an event of it. Its other fields say where it is in the source.
#[derive(Default)]
struct Forwarded {
    target: Option<String>,
}

impl Visit for Forwarded {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.target = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

fn from_tracing(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

const MESSAGE: &str = "message";

/// The message of an event, which may come after its fields.
struct Message(Option<String>);

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == MESSAGE {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == MESSAGE {
            self.0 = Some(text_of(format_args!("{value:?}")));
        }
    }
}

/// Implements `Visit` with `fn put(&mut self, &Field, Value)`.
macro_rules! visit {
    () => {
        fn record_str(&mut self, field: &Field, value: &str) {
            self.put(field, Value::Text(value));
        }

        fn record_u64(&mut self, field: &Field, value: u64) {
            self.put(field, Value::Unsigned(value));
        }

        fn record_i64(&mut self, field: &Field, value: i64) {
            self.put(field, Value::Signed(value));
        }

        fn record_u128(&mut self, field: &Field, value: u128) {
            self.put(field, Value::Wide(value));
        }

        fn record_i128(&mut self, field: &Field, value: i128) {
            self.put(field, Value::WideSigned(value));
        }

        fn record_f64(&mut self, field: &Field, value: f64) {
            self.put(field, Value::Float(value));
        }

        fn record_bool(&mut self, field: &Field, value: bool) {
            self.put(field, Value::Bool(value));
        }

        fn record_error(&mut self, field: &Field, error: &(dyn error::Error + 'static)) {
            self.put(field, Value::Format(format_args!("{}", Chain(error))));
        }

        fn record_bytes(&mut self, field: &Field, value: &[u8]) {
            let value = Json::from(value).to_string();
            self.put(field, Value::Text(&value));
        }

        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.put(field, Value::Format(format_args!("{value:?}")));
        }
    };
}

/// An event's message, and then its own fields.
struct InOrder<'a, 'b>(&'a mut Line<'b>);

impl Visit for InOrder<'_, '_> {
    visit!();
}

impl InOrder<'_, '_> {
    #[inline]
    fn put(&mut self, field: &Field, value: Value<'_>) {
        if field.index() > 0 {
            return self.0.last(name(field), value);
        }
        // A message is text.
        let mut show = |text: fmt::Arguments<'_>| self.0.message(Value::Format(text));
        match value {
            Value::Unsigned(number) => show(format_args!("{number}")),
            Value::Signed(number) => show(format_args!("{number}")),
            Value::Wide(number) => show(format_args!("{number}")),
            Value::WideSigned(number) => show(format_args!("{number}")),
            Value::Float(number) => show(format_args!("{number:?}")),
            Value::Bool(yes) => show(format_args!("{yes}")),
            Value::Text(_) | Value::Bytes(_) | Value::Plain(_) | Value::Format(_) => {
                self.0.message(value);
            }
        }
    }
}

/// An event's own fields.
struct EventFields<'a, 'b>(&'a mut Line<'b>);

impl Visit for EventFields<'_, '_> {
    visit!();
}

impl EventFields<'_, '_> {
    fn put(&mut self, field: &Field, value: Value<'_>) {
        if field.name() != MESSAGE {
            self.0.last(name(field), value);
        }
    }
}

/// Returns what can be shown of a value, which is cut where it fails.
fn text_of(arguments: fmt::Arguments<'_>) -> String {
    let mut text = String::new();
    let _ = fmt::write(&mut text, arguments);
    text
}

fn name(field: &Field) -> &'static str {
    let name = field.name();
    name.strip_prefix("r#").unwrap_or(name)
}

/// The fields of a span, kept for the events in it.
#[derive(Debug, Default)]
struct SpanFields(Vec<(&'static str, Kept)>);

#[derive(Debug)]
enum Kept {
    Text(String),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
}

impl Visit for SpanFields {
    visit!();
}

impl SpanFields {
    /// Adds fields that were recorded later. If two have the same name, the last counts.
    fn merge(&mut self, later: Self) {
        self.0
            .retain(|(name, _)| later.0.iter().all(|(other, _)| other != name));
        self.0.extend(later.0);
    }

    fn put(&mut self, field: &Field, value: Value<'_>) {
        let kept = match value {
            Value::Text(text) => Kept::Text(text.to_owned()),
            Value::Bytes(bytes) | Value::Plain(bytes) => {
                Kept::Text(String::from_utf8_lossy(bytes).into_owned())
            }
            Value::Format(arguments) => Kept::Text(text_of(arguments)),
            Value::Unsigned(number) => Kept::Unsigned(number),
            Value::Signed(number) => Kept::Signed(number),
            Value::Wide(number) => u64::try_from(number)
                .map_or_else(|_| Kept::Text(number.to_string()), Kept::Unsigned),
            Value::WideSigned(number) => {
                i64::try_from(number).map_or_else(|_| Kept::Text(number.to_string()), Kept::Signed)
            }
            Value::Float(number) => Kept::Float(number),
            Value::Bool(yes) => Kept::Bool(yes),
        };
        let name = name(field);
        self.0.retain(|(earlier, _)| *earlier != name);
        self.0.push((name, kept));
    }

    fn write(&self, line: &mut Line<'_>) {
        for (name, kept) in &self.0 {
            line.outer(
                name,
                match kept {
                    Kept::Text(text) => Value::Text(text),
                    Kept::Unsigned(number) => Value::Unsigned(*number),
                    Kept::Signed(number) => Value::Signed(*number),
                    Kept::Float(number) => Value::Float(*number),
                    Kept::Bool(yes) => Value::Bool(*yes),
                },
            );
        }
    }
}
