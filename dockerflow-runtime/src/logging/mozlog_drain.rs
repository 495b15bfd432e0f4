//! A drain of slog that writes mozlog anywhere, without the rest of this crate.

use std::{
    io::{self, Write},
    sync::Mutex,
};

use slog::{Drain, OwnedKVList, Record};

use super::{
    line::{Format, Layout},
    origin::target_of,
    value::Value,
};
use crate::lock::lock;

/// A [`slog::Drain`] that writes each record as one line of [mozlog 2.0](https://wiki.mozilla.org/Firefox/Services/Logging).
///
/// It needs no other part of this crate. `Type` is the record's tag, else the module's path with dots; the message is the field
/// `msg`. Each line is valid, whatever is logged:
///
/// | logged | becomes |
/// |---|---|
/// | `None`, `()` | no field |
/// | a NaN, an infinity | a string: `"NaN"`, `"inf"` |
/// | an integer beyond 64 bits | a string |
/// | a structure or list (`slog::Serde`) | a string that holds its JSON |
/// | an error | a string, its sources after colons |
/// | the same key twice | the innermost value, and within one record the last |
/// | a key `msg` beside a message | the field `fields.msg` |
/// | nothing at all | `"msg":""`, as `Fields` may not be empty |
///
/// It writes on the thread that logs. If that thread must not wait, put `slog-async` in front of
/// it, or use [`logger`](super::logger), which has a writer of its own.
///
/// ```
/// use slog::{Drain as _, Logger, info, o};
///
/// let drain = dockerflow::logging::Mozlog::new("shop", std::io::stdout());
/// let logger = Logger::root(drain.fuse(), o!("region" => "eu"));
/// info!(logger, "sold"; "item" => 4711);
/// // {"Timestamp":1795423182674755840,"Type":"rust_out","Logger":"shop","Hostname":"web-1","EnvVersion":"2.0","Severity":6,
/// //  "Pid":7,"Fields":{"msg":"sold","item":4711,"region":"eu"}}   (in one line)
/// ```
#[derive(Debug)]
pub struct Mozlog<W> {
    layout: Layout,
    writer: Mutex<W>,
}

impl<W: Write> Mozlog<W> {
    /// Makes a drain that writes to `writer`, with one call of `write_all` a line. `logger` is the program's name.
    pub fn new(logger: &str, writer: W) -> Self {
        Self {
            layout: Layout::new(Format::Mozlog, logger),
            writer: Mutex::new(writer),
        }
    }
}

impl<W: Write> Drain for Mozlog<W> {
    type Ok = ();
    type Err = io::Error;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> io::Result<()> {
        self.layout.line(
            record.level(),
            target_of(record),
            Some(Value::Format(*record.msg())),
            |line| line.slog(record, values),
            |line| {
                let mut writer = lock(&self.writer);
                writer.write_all(line)
            },
        )
    }
}
