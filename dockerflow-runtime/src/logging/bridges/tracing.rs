//! Records of `tracing`: how events and the fields of their spans become lines.

use std::{error, fmt};

use slog::Level;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record as SpanRecord},
    subscriber::Interest,
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::{
    error::Chain,
    logging::{
        line::{Line, Value},
        sink::Logging,
    },
};

/// The way from `tracing`.
pub(super) struct TracingBridge(pub(super) &'static Logging);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TracingBridge {
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

impl TracingBridge {
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
