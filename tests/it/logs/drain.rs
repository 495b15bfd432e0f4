//! The slog drain by itself: whatever is logged, there is one valid line.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex},
};

use dockerflow::logging::Mozlog;
use serde_json::Value;
use slog::{Drain, KV, Logger, OwnedKVList, Record, Serializer, o};

use super::{
    oracle,
    schema::{Line, validate},
};

/// A writer whose bytes can be looked at.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("nobody panics with it")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    /// The one line that was written.
    fn take(&self) -> Line {
        let mut lines = self.take_all();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    /// The lines that were written.
    fn take_all(&self) -> Vec<Line> {
        let bytes = std::mem::take(&mut *self.0.lock().expect("nobody panics with it"));
        let bytes = bytes.strip_suffix(b"\n").expect("a line ends");
        let lines = bytes.split(|byte| *byte == b'\n').map(|line| {
            validate(line)
                .unwrap_or_else(|fault| panic!("{fault}: {}", String::from_utf8_lossy(line)))
        });
        lines.collect()
    }
}

fn logger() -> (Kept, Logger) {
    let kept = Kept::default();
    let logger = Logger::root(Mozlog::new("a \"program\"\n", kept.clone()).fuse(), o!());
    (kept, logger)
}

/// Numbers that look random, and are the same in each run (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn text(&mut self) -> String {
        (0..self.below(40))
            .filter_map(|_| {
                let range = [0x20, 0x80, 0x100, 0x3000, 0x11_0000]
                    [usize::try_from(self.below(5)).expect("small")];
                char::from_u32(u32::try_from(self.below(range)).expect("a code point"))
            })
            .collect()
    }
}

/// Writes a record as mozlog, and remembers what slog-json says that its fields are.
struct Compared {
    mozlog: Mozlog<Kept>,
    expected: Arc<Mutex<BTreeMap<String, Value>>>,
}

impl Drain for Compared {
    type Ok = ();
    type Err = io::Error;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> io::Result<()> {
        let expected = oracle::fields(record, values);
        *self.expected.lock().expect("nobody panics with it") = expected;
        self.mozlog.log(record, values)
    }
}

/// Fields that are made up as they are logged.
struct Anything {
    seed: u64,
    keys: &'static [&'static str],
}

impl KV for Anything {
    fn serialize(&self, _record: &Record<'_>, to: &mut dyn Serializer) -> slog::Result {
        let mut random = Random(self.seed);
        for _ in 0..random.below(9) {
            let key =
                self.keys[usize::try_from(random.below(self.keys.len() as u64)).expect("small")];
            let bits = random.next();
            match random.below(16) {
                0 => to.emit_none(key)?,
                1 => to.emit_unit(key)?,
                2 => to.emit_f64(key, f64::from_bits(bits))?,
                3 => to.emit_f32(
                    key,
                    f32::from_bits(u32::try_from(bits >> 32).expect("32 bits")),
                )?,
                4 => to.emit_f64(
                    key,
                    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]
                        [usize::try_from(bits % 4).expect("small")],
                )?,
                5 => to.emit_u64(key, bits)?,
                6 => to.emit_i64(key, bits.cast_signed())?,
                7 => to.emit_u128(key, u128::from(bits) << (bits % 64))?,
                8 => to.emit_i128(key, -(i128::from(bits) << (bits % 63)))?,
                9 => to.emit_bool(key, bits.is_multiple_of(2))?,
                10 => to.emit_char(key, char::from(bits.to_le_bytes()[0]))?,
                11 => to.emit_str(key, &random.text())?,
                12 => to.emit_arguments(key, &format_args!("{:?}", random.text()))?,
                13 => to.emit_error(key, &io::Error::other(random.text()))?,
                14 => {
                    let value =
                        serde_json::json!({"a": random.text(), "b": [null, 1.5, {"c": bits}]});
                    to.emit_serde(key, &slog::Serde(value))?;
                }
                _ => to.emit_serde(key, &slog::Serde(serde_json::Value::Null))?,
            }
        }
        Ok(())
    }
}

#[test]
fn any_key_with_any_value_is_one_valid_line_with_the_fields_that_slog_json_writes() {
    let mut random = Random(4711);
    let mut keys = vec![
        "msg",
        "",
        "rid",
        "a",
        "a",
        "b",
        "\"",
        "\\",
        "\n",
        "\u{0}",
        "fields.msg",
        "é",
    ];
    keys.extend((0..30).map(|_| &*random.text().leak()));
    let keys = &*keys.leak();
    let (kept, expected) = (Kept::default(), Arc::default());
    let drain = Compared {
        mozlog: Mozlog::new("a program", kept.clone()),
        expected: Arc::clone(&expected),
    };
    let logger = Logger::root(drain.fuse(), o!());
    for seed in 0..20_000 {
        let outer = logger.new(o!(Anything {
            seed: seed * 3,
            keys
        }));
        let inner = outer.new(o!(Anything {
            seed: seed * 3 + 1,
            keys
        }));
        let text = random.text();
        match seed % 3 {
            0 => slog::info!(inner, "{}", text; Anything { seed: seed * 3 + 2, keys }),
            1 => slog::crit!(inner, ""; Anything { seed: seed * 3 + 2, keys }),
            _ => {
                slog::trace!(inner, # "a::\"tag\"\n", "{}", text; Anything { seed: seed * 3 + 2, keys });
            }
        }
        let line = kept.take();
        let expected = expected.lock().expect("nobody panics with it");
        assert!(
            line.fields.keys().eq(expected.keys()),
            "{line:?}: {expected:?}"
        );
        for (key, value) in &line.fields {
            let expected = &expected[key];
            assert!(
                oracle::same(value, expected),
                "{key:?}: {value} is not {expected}"
            );
        }
        drop(expected);
        if !text.is_empty() && seed % 3 != 1 {
            assert_eq!(line.text("msg"), text);
        }
    }
}

#[test]
fn each_value_becomes_what_the_documentation_says() {
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("half")?;
            Err(fmt::Error)
        }
    }
    let (kept, logger) = logger();
    let logger = logger.new(o!("key" => "outer", "kept" => 1));
    slog::warn!(logger, # "my.type", "text\n{}", "\u{7}";
        "key" => "first", "key" => "last", "none" => None::<u8>, "nan" => f64::NAN, "inf" => f64::NEG_INFINITY,
        "large" => u128::MAX, "small" => 7_u128, "list" => slog::Serde(vec![1, 2]), "fit" => slog::Serde(1.5),
        "msg" => "field", "broken" => %Broken, "float" => 0.1_f32, "letter" => 'x', "yes" => true);
    let line = kept.take();
    assert_eq!((line.kind.as_str(), line.severity), ("my.type", 4));
    let fields = serde_json::to_value(&line.fields).expect("it is JSON");
    let expected = serde_json::json!({
        "msg": "text\n\u{7}", "key": "last", "kept": 1, "nan": "NaN", "inf": "-inf",
        "large": "340282366920938463463374607431768211455", "small": 7, "list": "[1,2]", "fit": 1.5,
        "fields.msg": "field", "broken": "half", "float": 0.1, "letter": "x", "yes": true,
    });
    assert_eq!(fields, expected);
    slog::info!(logger, "");
    assert_eq!(kept.take().kind, "it.logs.drain");
}

#[test]
fn severities_are_syslogs_and_no_field_at_all_is_an_empty_message() {
    let (kept, logger) = logger();
    let log: [fn(&Logger); 6] = [
        |logger| slog::crit!(logger, ""),
        |logger| slog::error!(logger, ""),
        |logger| slog::warn!(logger, ""),
        |logger| slog::info!(logger, ""),
        |logger| slog::debug!(logger, ""),
        |logger| slog::trace!(logger, ""),
    ];
    let seen = log.map(|log| {
        log(&logger);
        let line = kept.take();
        assert_eq!(line.fields.len(), 1);
        assert_eq!(line.fields["msg"], "");
        line.severity
    });
    assert_eq!(seen, [2, 3, 4, 6, 7, 7]);
}

#[test]
fn a_value_that_logs_or_panics_while_it_is_shown_harms_no_other_line() {
    struct Chatty(Logger);
    impl fmt::Display for Chatty {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            slog::info!(self.0, "inner"; "a" => 1);
            formatter.write_str("outer")
        }
    }
    struct Panics;
    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("while it is shown")
        }
    }
    let (kept, own) = logger();
    let (others, other) = logger();
    slog::info!(own, "{}", Chatty(other));
    assert_eq!(kept.take().text("msg"), "outer");
    assert_eq!(others.take().text("msg"), "inner");
    let ended = std::panic::catch_unwind(|| slog::info!(own, "{}", Panics));
    assert!(ended.is_err());
    slog::info!(own, "after");
    assert_eq!(kept.take().text("msg"), "after");
}

/// slog-rs/slog#254: a value whose `Debug` logs with the logger that writes it waited for itself.
#[test]
fn a_value_that_logs_with_the_logger_that_writes_it_does_not_deadlock() {
    struct Nosy(Logger);
    impl fmt::Debug for Nosy {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            slog::info!(self.0, "inner");
            formatter.write_str("outer")
        }
    }
    let (kept, logger) = logger();
    slog::info!(logger, "message: {:?}", Nosy(logger.clone()); "field" => ?Nosy(logger.clone()));
    let lines = kept.take_all();
    let messages: Vec<_> = lines.iter().map(|line| line.text("msg")).collect();
    assert_eq!(messages, ["inner", "inner", "message: outer"]);
    assert_eq!(lines[2].text("field"), "outer");
}
