//! Lines of text for people.

use std::fmt::{self, Write as _};

use slog::Level;

use super::{
    bounds::{CUT, MESSAGE},
    clock::now,
    escape::head,
    line::Line,
    value::{Value, write_name, write_raw, write_value},
};

impl Line<'_> {
    pub(super) fn begin_text(&mut self, coloured: bool, level: Level, target: &str) {
        let colour = match level {
            Level::Critical | Level::Error => 31,
            Level::Warning => 33,
            Level::Info => 32,
            Level::Debug | Level::Trace => 34,
        };
        let time = humantime::format_rfc3339_millis(now());
        let name = level.as_str();
        if coloured {
            write_raw(
                self.text,
                format_args!("\x1b[2m{time}\x1b[0m \x1b[{colour}m{name:<8}\x1b[0m \x1b[2m"),
            );
            write_name(self.text, target);
            self.text.extend_from_slice(b"\x1b[0m");
        } else {
            write_raw(self.text, format_args!("{time} {name:<8} "));
            write_name(self.text, target);
        }
    }

    pub(super) fn message_of_text(&mut self, message: Value<'_>) {
        self.text.push(b' ');
        let start = self.text.len();
        self.readable(message);
        if self.text.len() == start {
            self.text.pop();
        } else {
            self.message = Some(start..self.text.len());
        }
    }

    /// Appends a message for people: it keeps line breaks, and drops what could move a terminal's cursor.
    fn readable(&mut self, message: Value<'_>) {
        let text = match message {
            Value::Text(text) => head(text, MESSAGE).to_owned(),
            Value::Format(arguments) => {
                let mut text = Beginning(String::new());
                // A message whose `Display` fails is cut at that point.
                let _ = text.write_fmt(arguments);
                text.0
            }
            _ => return write_value(self.text, message, MESSAGE),
        };
        let start = self.text.len();
        for character in text.chars() {
            if self.text.len() - start > MESSAGE {
                self.text.extend_from_slice(CUT.as_bytes());
                return;
            }
            if character.is_control() && !matches!(character, '\n' | '\t') {
                write_raw(self.text, format_args!("{}", character.escape_default()));
            } else {
                write_raw(self.text, format_args!("{character}"));
            }
        }
    }

    /// Ends the line. The control characters that JSON leaves as they are, DEL and those from U+0080 on, become `?`: some terminals
    /// obey them.
    pub(super) fn end_text(&mut self) {
        let mut at = 0;
        while let Some(rest) = self.text.get_mut(at..) {
            at += match rest {
                [] => break,
                [del @ 0x7f, ..] => {
                    *del = b'?';
                    1
                }
                [0xc2, last @ 0x80..0xa0, ..] => {
                    *last = b'?';
                    rest[0] = b'?';
                    2
                }
                _ => 1,
            };
        }
        self.text.push(b'\n');
    }

    /// Removes the quotes of the string that begins at `from` if it is readable without them.
    pub(super) fn unquote(&mut self, from: usize) {
        if let [b'"', inside @ .., b'"'] = &self.text[from..]
            && !inside.is_empty()
            && inside
                .iter()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'='))
        {
            self.text.pop();
            self.text.remove(from);
        }
    }
}

/// Keeps the beginning of what is formatted, a little more than the length of a message.
struct Beginning(String);

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Some(room) = MESSAGE.checked_sub(self.0.len()) else {
            return Err(fmt::Error);
        };
        self.0.push_str(head(text, room));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use slog::Level;

    use super::Value;
    use crate::logging::line::{Format, Layout};

    #[test]
    fn no_control_character_reaches_a_terminal() {
        let layout = Layout::new(Format::Text { coloured: false }, "shop");
        let all: String = (0..0xc0).filter_map(char::from_u32).collect();
        let fields = |line: &mut super::Line<'_>| {
            line.outer(&all, Value::Text(&all));
            line.outer("sent", Value::Bytes(all.as_bytes()));
        };
        let message = Some(Value::Text("sold"));
        let line = layout.line(Level::Info, &all, message, fields, <[u8]>::to_vec);
        let line = String::from_utf8(line).expect("text");
        let line = line.strip_suffix('\n').expect("a line break at its end");
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(line.contains('\u{bf}'), "other characters stay: {line:?}");
    }
}
