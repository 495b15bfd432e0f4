//! Records of `log`: how they become lines, and how a record of slog becomes one of them.

use std::{error, fmt, ptr};

use log::kv::{self, VisitSource, VisitValue};
use slog::{Level, OwnedKVList, Record};

use crate::{
    error::Chain,
    json::to_json,
    logging::{
        line::Line,
        origin::RecordOrigin,
        origin::target_of,
        sink::{Logging, flush},
        value::Value,
    },
};

/// The logger that receives records of `log`.
pub(super) struct LogBridge(pub(super) &'static Logging);

impl log::Log for LogBridge {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        self.0
            .filter()
            .allows(from_log(metadata.level()), metadata.target())
    }

    #[inline]
    fn log(&self, record: &log::Record<'_>) {
        let level = from_log(record.level());
        let decided = match constant_target(record) {
            Some(target) => self.0.filter().at_once(level, target),
            None => None,
        };
        match decided {
            Some(false) => {}
            Some(true) => self.write(record),
            None => self.decide(record),
        }
    }

    fn flush(&self) {
        flush();
    }
}

/// Returns the target if it is a constant of the program: almost every target is its module, whose path is the program's text.
#[inline]
fn constant_target(record: &log::Record<'_>) -> Option<&'static str> {
    let module = record.module_path_static();
    module.filter(|module| ptr::eq(*module, record.target()))
}

impl LogBridge {
    #[inline(never)] // so that what is decided at once does not pay for its preparations
    fn decide(&self, record: &log::Record<'_>) {
        let (filter, level) = (self.0.filter(), from_log(record.level()));
        let allowed = match constant_target(record) {
            Some(target) => filter.allows_constant(level, target),
            None => filter.allows(level, record.target()),
        };
        if allowed {
            self.write(record);
        }
    }

    #[inline(never)] // what is filtered out needs none of its preparations
    fn write(&self, record: &log::Record<'_>) {
        let message = Some(Value::Format(*record.args()));
        let origin = RecordOrigin {
            target: record.target(),
            file: record.file(),
            line: record.line().unwrap_or_default(),
        };
        self.0
            .log(from_log(record.level()), &origin, message, |line| {
                if let Err(error) = record.key_values().visit(&mut Pairs(line)) {
                    line.outer("log.error", Value::Format(format_args!("{error}")));
                }
            });
    }
}

#[inline]
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

pub(super) fn ceiling(level: Option<Level>) -> log::LevelFilter {
    level.map_or(log::LevelFilter::Off, |level| {
        to_log_level(level).to_level_filter()
    })
}

/// Passes a record of slog to the logger of the `log` crate.
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
    let (level, target) = (to_log_level(record.level()), target_of(record));
    log::log!(target: target, level, "{}", Shown(record, values));
}

/// The fields of a record of `log`. If two have the same key, the last counts.
struct Pairs<'a, 'b>(&'a mut Line<'b>);

impl<'kvs> VisitSource<'kvs> for Pairs<'_, '_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        // `log` writes the name of `r#type = 1` as it stands there.
        let key = key.as_str();
        value.visit(One {
            line: self.0,
            key: key.strip_prefix("r#").unwrap_or(key),
        })
    }
}

struct One<'a, 'b> {
    line: &'a mut Line<'b>,
    key: &'a str,
}

impl<'v> VisitValue<'v> for One<'_, '_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.line.json(self.key, &to_json(&value), Line::last);
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

    fn visit_u128(&mut self, value: u128) -> Result<(), kv::Error> {
        self.put(Value::Wide(value));
        Ok(())
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), kv::Error> {
        self.put(Value::WideSigned(value));
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
