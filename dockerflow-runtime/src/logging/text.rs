//! Lines of text for people.

use std::fmt::{self, Write as _};

use slog::Level;

use super::{
    clock::now,
    escape::head,
    line::{CUT, Line, MESSAGE, Value, escape_name},
};

impl Line<'_> {
    pub(super) fn begin_text(
        &mut self,
        coloured: bool,
        level: Level,
        kind: &str,
        message: Option<Value<'_>>,
    ) {
        let colour = match level {
            Level::Critical | Level::Error => 31,
            Level::Warning => 33,
            Level::Info => 32,
            Level::Debug | Level::Trace => 34,
        };
        let time = humantime::format_rfc3339_millis(now());
        let name = level.as_str();
        if coloured {
            self.raw(format_args!(
                "\x1b[2m{time}\x1b[0m \x1b[{colour}m{name:<8}\x1b[0m \x1b[2m"
            ));
            escape_name(self.text, kind);
            self.text.extend_from_slice(b"\x1b[0m");
        } else {
            self.raw(format_args!("{time} {name:<8} "));
            escape_name(self.text, kind);
        }
        if let Some(message) = message {
            self.text.push(b' ');
            let start = self.text.len();
            self.readable(message);
            if self.text.len() == start {
                self.text.pop();
            } else {
                self.message = Some(start..self.text.len());
            }
        }
    }

    /// A message for people: its line breaks stay, what could move their cursor does not.
    fn readable(&mut self, message: Value<'_>) {
        let text = match message {
            Value::Text(text) => head(text, MESSAGE).to_owned(),
            Value::Format(arguments) => {
                let mut text = Beginning(String::new());
                // A message that cannot be shown is cut there.
                let _ = text.write_fmt(arguments);
                text.0
            }
            _ => return self.value(message, MESSAGE),
        };
        let start = self.text.len();
        for character in text.chars() {
            if self.text.len() - start > MESSAGE {
                self.text.extend_from_slice(CUT.as_bytes());
                return;
            }
            if character.is_control() && !matches!(character, '\n' | '\t') {
                self.raw(format_args!("{}", character.escape_default()));
            } else {
                self.raw(format_args!("{character}"));
            }
        }
    }

    /// Drops the quotes of the string that begins at `from` if it reads well without them.
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

/// The beginning of what is formatted, a little longer than a message may be.
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
