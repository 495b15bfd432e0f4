//! The part of a mozlog line outside its fields, kept because many records share it.

use std::{
    process,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, SystemTime},
};

use slog::Level;

use super::{
    bounds::NAME,
    value::{PAIRS, write_dotted, write_name, write_unsigned},
};

const LEVELS: [(Level, u8, &str); 6] = [
    (Level::Critical, b'2', "CRITICAL"),
    (Level::Error, b'3', "ERROR"),
    (Level::Warning, b'4', "WARNING"),
    (Level::Info, b'6', "INFO"),
    (Level::Debug, b'7', "DEBUG"),
    (Level::Trace, b'7', "DEBUG"),
];

/// The part of a program's mozlog lines around their fields.
#[derive(Debug)]
pub(super) struct Envelopes {
    /// For each level, the text between `Type` and the fields.
    levels: [Vec<u8>; 6],
    /// Distinguishes them from those of another program or format.
    number: u64,
}

impl Envelopes {
    /// Prepares them for the lines of `logger`, with the members for Google Cloud if `google` is set.
    pub(super) fn new(logger: &str, google: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let host = hostname::get().unwrap_or_default();
        let host = match host.to_string_lossy() {
            host if host.is_empty() => "unknown".into(),
            host => host,
        };
        let pid = process::id();
        let levels = LEVELS.map(|(_, severity, name)| {
            let mut text = br#"","Logger":""#.to_vec();
            write_name(&mut text, logger);
            text.extend_from_slice(br#"","Hostname":""#);
            write_name(&mut text, &host);
            text.extend_from_slice(br#"","EnvVersion":"2.0","Severity":"#);
            text.push(severity);
            if google {
                text.extend_from_slice(format!(r#","severity":"{name}""#).as_bytes());
            }
            text.extend_from_slice(format!(r#","Pid":{pid},"Fields":{{"#).as_bytes());
            text
        });
        Self {
            levels,
            number: NEXT.fetch_add(1, Relaxed),
        }
    }
}

/// How many envelopes a thread keeps.
const REMEMBERED: usize = 64;

/// The envelopes that a thread has used lately, with their `Type`, and the second that it wrote last.
#[derive(Debug)]
pub(super) struct Written {
    types: Vec<KeptEnvelope>,
    second: Second,
}

/// The text from the value of `Type` to the fields.
#[derive(Debug, Default)]
struct KeptEnvelope {
    target: String,
    level: usize,
    of: u64,
    text: Vec<u8>,
}

/// A second, and the text with which it begins a line.
#[derive(Debug)]
struct Second {
    number: u64,
    text: [u8; 41],
}

/// The first bytes of a line: ten digits for the seconds, nine for the nanoseconds.
const BEGIN: [u8; 41] = *br#"{"Timestamp":0000000000000000000,"Type":""#;
const SECONDS: usize = 13;
const NANOSECONDS: usize = SECONDS + 10;

impl Default for Written {
    fn default() -> Self {
        let types = (0..REMEMBERED).map(|_| KeptEnvelope::default());
        Self {
            types: types.collect(),
            second: Second {
                number: 0,
                text: BEGIN,
            },
        }
    }
}

impl Written {
    /// Writes a line of mozlog up to its first field.
    pub(super) fn begin(
        &mut self,
        into: &mut Vec<u8>,
        envelopes: &Envelopes,
        level: Level,
        target: &str,
    ) {
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.second.write(into, time.unwrap_or(Duration::ZERO));
        let level = level.as_usize();
        let place = (target.as_ptr().addr() / 8 + target.len() + level) % REMEMBERED;
        let known = &mut self.types[place];
        if known.of != envelopes.number || known.level != level || known.target != target {
            known.fill(envelopes, level, target);
        }
        into.extend_from_slice(&known.text);
    }
}

impl KeptEnvelope {
    #[cold]
    fn fill(&mut self, envelopes: &Envelopes, level: usize, target: &str) {
        self.text.clear();
        write_dotted(&mut self.text, target);
        self.text.extend_from_slice(&envelopes.levels[level - 1]);
        self.target.clear();
        self.level = level;
        // No program uses a `Type` that is too long to be kept.
        self.of = if target.len() > NAME {
            0
        } else {
            envelopes.number
        };
        if self.of != 0 {
            self.target.push_str(target);
        }
    }
}

impl Second {
    /// Writes the first bytes of a line with this time since 1970.
    fn write(&mut self, into: &mut Vec<u8>, time: Duration) {
        let second = time.as_secs();
        if !(1_000_000_000..10_000_000_000).contains(&second) {
            // If the clock is far off, the number of digits differs.
            into.extend_from_slice(&BEGIN[..SECONDS]);
            write_unsigned(into, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
            into.extend_from_slice(&BEGIN[NANOSECONDS + 9..]);
            return;
        }
        if second != self.number {
            self.number = second;
            let mut digits = itoa::Buffer::new();
            self.text[SECONDS..NANOSECONDS].copy_from_slice(digits.format(second).as_bytes());
        }
        let text = &mut self.text;
        let mut rest = time.subsec_nanos();
        for place in [7, 5, 3, 1] {
            let at = NANOSECONDS + place;
            text[at..at + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
            rest /= 100;
        }
        text[NANOSECONDS] = PAIRS[rest as usize % 10][1];
        into.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_all_its_digits() {
        let mut second = Second {
            number: 0,
            text: BEGIN,
        };
        for (time, digits) in [
            (Duration::ZERO, "0"),
            (Duration::from_nanos(17), "17"),
            (Duration::new(999_999_999, 1), "999999999000000001"),
            (Duration::new(1_000_000_000, 0), "1000000000000000000"),
            (
                Duration::new(1_795_423_182, 674_755_840),
                "1795423182674755840",
            ),
            (Duration::new(1_795_423_182, 7), "1795423182000000007"),
            (
                Duration::new(1_795_423_183, 999_999_999),
                "1795423183999999999",
            ),
            (
                Duration::new(9_999_999_999, 123_456_789),
                "9999999999123456789",
            ),
            (Duration::new(10_000_000_000, 0), "10000000000000000000"),
            (Duration::MAX, "18446744073709551615"),
        ] {
            let mut text = Vec::new();
            second.write(&mut text, time);
            let text = String::from_utf8(text).expect("digits");
            assert_eq!(text, format!(r#"{{"Timestamp":{digits},"Type":""#));
        }
    }

    #[test]
    fn lines_of_two_programs_and_levels_that_share_a_thread_have_their_own_envelopes() {
        let programs = ["one", "two"].map(|name| Envelopes::new(name, false));
        let mut written = Written::default();
        let mut target = String::from("a::b");
        for _ in 0..2 {
            for (program, name) in programs.iter().zip(["one", "two"]) {
                for (level, severity) in [(Level::Info, 6), (Level::Error, 3)] {
                    for letter in ["b", "c"] {
                        // The same address and length.
                        target.replace_range(3.., letter);
                        let mut text = Vec::new();
                        written.begin(&mut text, program, level, &target);
                        let text = String::from_utf8(text).expect("text");
                        let begin = format!(r#""Type":"a.{letter}","Logger":"{name}","#);
                        assert!(text.contains(&begin), "{text}");
                        assert!(
                            text.contains(&format!(r#""Severity":{severity},"#)),
                            "{text}"
                        );
                    }
                }
            }
        }
        let long = "x".repeat(1000);
        for _ in 0..2 {
            let mut text = Vec::new();
            written.begin(&mut text, &programs[0], Level::Info, &long);
            assert!(text.len() < 600, "{}", text.len());
        }
    }
}
