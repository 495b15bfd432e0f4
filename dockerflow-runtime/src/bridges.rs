//! How the records of `log` and `tracing` become lines.

use std::{error, fmt};

use log::kv::{self, VisitSource, VisitValue};
use slog::{Level, OwnedKVList, Record};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record as SpanRecord},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    registry::{LookupSpan, Registry},
};

use crate::{
    logging::Logging,
    mozlog::{self, Line, Value},
};

/// Sends the records of both here. Where the program has set a logger or subscriber of its own, that one stays, and it is said.
pub(crate) fn install(logging: &'static Logging) {
    let bridge: &'static Bridge = Box::leak(Box::new(Bridge(logging)));
    let log = log::set_logger(bridge);
    if log.is_ok() {
        log::set_max_level(ceiling(logging.filter().most()));
    }
    let tracing =
        tracing::subscriber::set_global_default(Registry::default().with(Bridge(logging)));
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

/// The way from `log` and from `tracing`.
struct Bridge(&'static Logging);

impl log::Log for Bridge {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        self.0
            .filter()
            .allows(from_log(metadata.level()), metadata.target())
    }

    fn log(&self, record: &log::Record<'_>) {
        if !log::Log::enabled(self, record.metadata()) {
            return;
        }
        let message = Some(Value::Format(*record.args()));
        self.0
            .log(from_log(record.level()), record.target(), message, |line| {
                if let Err(error) = record.key_values().visit(&mut Pairs(line)) {
                    line.outer("log.error", Value::Format(format_args!("{error}")));
                }
            });
    }

    fn flush(&self) {
        crate::logging::flush();
    }
}

fn from_log(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warning,
        log::Level::Info => Level::Info,
        log::Level::Debug => Level::Debug,
        log::Level::Trace => Level::Trace,
    }
}

fn to_log_level(level: Level) -> log::Level {
    match level {
        Level::Critical | Level::Error => log::Level::Error,
        Level::Warning => log::Level::Warn,
        Level::Info => log::Level::Info,
        Level::Debug => log::Level::Debug,
        Level::Trace => log::Level::Trace,
    }
}

fn ceiling(level: Option<Level>) -> log::LevelFilter {
    level.map_or(log::LevelFilter::Off, |level| {
        to_log_level(level).to_level_filter()
    })
}

/// A record of slog, for whatever logger `log` has.
pub(crate) fn to_log(record: &Record<'_>, values: &OwnedKVList) {
    struct Shown<'a>(&'a Record<'a>, &'a OwnedKVList);
    impl fmt::Display for Shown<'_> {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            use slog::KV as _;
            struct Pairs<'a, 'b>(&'a mut fmt::Formatter<'b>);
            impl slog::Serializer for Pairs<'_, '_> {
                fn emit_arguments(
                    &mut self,
                    key: slog::Key,
                    value: &fmt::Arguments<'_>,
                ) -> slog::Result {
                    Ok(write!(self.0, " {key}={value}")?)
                }
            }
            self.0.msg().fmt(formatter)?;
            let mut pairs = Pairs(formatter);
            let own = self.0.kv().serialize(self.0, &mut pairs);
            own.and_then(|()| self.1.serialize(self.0, &mut pairs))
                .map_err(|_| fmt::Error)
        }
    }
    let (level, target) = (to_log_level(record.level()), mozlog::kind(record));
    log::log!(target: target, level, "{}", Shown(record, values));
}

/// The fields of a record of `log`: of two of one key the last.
struct Pairs<'a, 'b>(&'a mut Line<'b>);

impl<'kvs> VisitSource<'kvs> for Pairs<'_, '_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        value.visit(One {
            line: self.0,
            key: key.as_str(),
        })
    }
}

struct One<'a, 'b> {
    line: &'a mut Line<'b>,
    key: &'a str,
}

impl<'v> VisitValue<'v> for One<'_, '_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.put(Value::Format(format_args!("{value}")));
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.put(Value::Unsigned(value));
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.put(Value::Signed(value));
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.put(Value::Float(value));
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.put(Value::Bool(value));
        Ok(())
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.put(Value::Text(value));
        Ok(())
    }

    fn visit_error(&mut self, error: &(dyn error::Error + 'static)) -> Result<(), kv::Error> {
        self.put(Value::Format(format_args!("{}", Chain(error))));
        Ok(())
    }

    fn visit_borrowed_error(
        &mut self,
        error: &'v (dyn error::Error + 'static),
    ) -> Result<(), kv::Error> {
        self.visit_error(error)
    }
}

impl One<'_, '_> {
    fn put(&mut self, value: Value<'_>) {
        self.line.last(self.key, value);
    }
}

/// An error with its sources.
struct Chain<'a>(&'a (dyn error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Bridge {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.allows(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        self.allows(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.0.filter().most() {
            None => LevelFilter::OFF,
            Some(Level::Critical | Level::Error) => LevelFilter::ERROR,
            Some(Level::Warning) => LevelFilter::WARN,
            Some(Level::Info) => LevelFilter::INFO,
            Some(Level::Debug) => LevelFilter::DEBUG,
            Some(Level::Trace) => LevelFilter::TRACE,
        })
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = SpanFields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<SpanFields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut text = Message(None);
        event.record(&mut text);
        let message = text.0.as_deref().map(Value::Text);
        self.0.log(
            from_tracing(*metadata.level()),
            metadata.target(),
            message,
            |line| {
                event.record(&mut EventFields(line));
                for span in context.event_scope(event).into_iter().flatten() {
                    if let Some(fields) = span.extensions().get::<SpanFields>() {
                        fields.write(line);
                    }
                }
            },
        );
    }
}

impl Bridge {
    fn allows(&self, metadata: &Metadata<'_>) -> bool {
        self.0
            .filter()
            .allows(from_tracing(*metadata.level()), metadata.target())
    }
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

/// The message of an event, which may stand after its fields.
struct Message(Option<String>);

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == MESSAGE {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == MESSAGE {
            self.0 = Some(format!("{value:?}"));
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

        fn record_f64(&mut self, field: &Field, value: f64) {
            self.put(field, Value::Float(value));
        }

        fn record_bool(&mut self, field: &Field, value: bool) {
            self.put(field, Value::Bool(value));
        }

        fn record_error(&mut self, field: &Field, error: &(dyn error::Error + 'static)) {
            self.put(field, Value::Format(format_args!("{}", Chain(error))));
        }

        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.put(field, Value::Format(format_args!("{value:?}")));
        }
    };
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

fn name(field: &Field) -> &'static str {
    field.name().trim_start_matches("r#")
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
    fn put(&mut self, field: &Field, value: Value<'_>) {
        let kept = match value {
            Value::Text(text) => Kept::Text(text.to_owned()),
            Value::Bytes(bytes) | Value::Plain(bytes) => {
                Kept::Text(String::from_utf8_lossy(bytes).into_owned())
            }
            Value::Format(arguments) => Kept::Text(arguments.to_string()),
            Value::Unsigned(number) => Kept::Unsigned(number),
            Value::Signed(number) => Kept::Signed(number),
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
