//! How a value is written in a line: escaped, and cut if it is too long.

use std::{
    fmt::{self, Write as _},
    io,
};

use super::{
    bounds::{CUT, NAME, PLAIN, SENT, WORTH},
    escape::{Escaped, end_within, escape, escape_lossy, head, is_plain_ascii},
};

/// The kinds of value that a line writes differently.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// Text as a client sent it.
    Bytes(&'a [u8]),
    /// ASCII that needs no escape.
    Plain(&'a [u8]),
    Format(fmt::Arguments<'a>),
    Unsigned(u64),
    Signed(i64),
    /// A number if it fits into 64 bits, else a string.
    Wide(u128),
    /// Likewise.
    WideSigned(i128),
    Float(f64),
    Bool(bool),
}

/// Whether the bytes can be a [`Value::Plain`]: few, ASCII, and none needs an escape.
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    bytes.len() <= PLAIN && is_plain_ascii(bytes)
}

/// Appends a value, of which at most `most` bytes are kept.
pub(super) fn write_value(into: &mut Vec<u8>, value: Value<'_>, most: usize) {
    write_inline(into, value, most);
}

/// As [`write_value`], compiled anew at each use, where the kind of value is often known.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "only one branch is left where the kind is known"
)]
pub(super) fn write_inline(into: &mut Vec<u8>, value: Value<'_>, most: usize) {
    match value {
        Value::Text(text) => write_text(into, text, most),
        Value::Bytes(bytes) => write_bytes(into, bytes, most.min(SENT)),
        Value::Plain(bytes) => write_plain(into, bytes),
        Value::Format(arguments) => write_format(into, arguments, most),
        Value::Unsigned(number) => write_unsigned(into, number),
        Value::Signed(number) => {
            if number < 0 {
                into.push(b'-');
            }
            write_unsigned(into, number.unsigned_abs());
        }
        Value::Wide(number) => match u64::try_from(number) {
            Ok(number) => write_unsigned(into, number),
            Err(_) => write_raw(into, format_args!("\"{number}\"")),
        },
        Value::WideSigned(number) => match i64::try_from(number) {
            Ok(number) => write_raw(into, format_args!("{number}")),
            Err(_) => write_raw(into, format_args!("\"{number}\"")),
        },
        Value::Float(number) => write_float(into, number),
        Value::Bool(yes) => into.extend_from_slice(if yes { b"true" } else { b"false" }),
    }
}

fn write_text(into: &mut Vec<u8>, text: &str, most: usize) {
    let from = into.len();
    into.push(b'"');
    escape(into, head(text, most));
    end_string(into, from, most);
}

fn write_bytes(into: &mut Vec<u8>, bytes: &[u8], most: usize) {
    let from = into.len();
    into.push(b'"');
    escape_lossy(into, bytes.get(..=most).unwrap_or(bytes));
    end_string(into, from, most);
}

fn write_plain(into: &mut Vec<u8>, bytes: &[u8]) {
    let from = into.len();
    into.push(b'"');
    into.extend_from_slice(bytes.get(..=NAME).unwrap_or(bytes));
    end_string(into, from, NAME);
}

fn write_format(into: &mut Vec<u8>, arguments: fmt::Arguments<'_>, most: usize) {
    if let Some(text) = arguments.as_str() {
        return write_text(into, text, most);
    }
    let from = into.len();
    into.push(b'"');
    // A value whose `Display` fails is cut at that point: half of it says more than nothing.
    let end = from + 1 + most;
    let _ = Escaped { into, most: end }.write_fmt(arguments);
    end_string(into, from, most);
}

#[inline]
fn end_string(into: &mut Vec<u8>, from: usize, most: usize) {
    into.push(b'"');
    if into.len() - from > most {
        cut_string(into, from, most);
    }
}

/// Cuts the string that begins at `from` to `most` bytes, its quotes among them. Returns whether enough of it is left.
#[cold]
pub(super) fn cut_string(into: &mut Vec<u8>, from: usize, most: usize) -> bool {
    let around = CUT.len() + 2;
    if into[from] != b'"' || most < WORTH {
        return false;
    }
    let inside = &into[from + 1..into.len() - 1];
    if inside.len() > most - around {
        let end = from + 1 + end_within(inside, most - around);
        into.truncate(end);
        into.extend_from_slice(CUT.as_bytes());
        into.push(b'"');
    }
    true
}

fn write_float(into: &mut Vec<u8>, number: f64) {
    if !number.is_finite() {
        return write_raw(into, format_args!("\"{number}\""));
    }
    // Not every interface says which numbers had 32 bits: one that has a fraction, and is exactly such a number, has its
    // digits.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "it is looked at what is lost"
    )]
    let short = number as f32;
    #[allow(clippy::float_cmp, reason = "it is to be the same number")]
    if f64::from(short) == number && number.fract() != 0.0 {
        write_raw(into, format_args!("{short:?}"));
    } else {
        write_raw(into, format_args!("{number:?}"));
    }
}

#[inline]
pub(super) fn write_unsigned(into: &mut Vec<u8>, number: u64) {
    match u8::try_from(number) {
        Ok(digit @ 0..10) => into.push(b'0' + digit),
        _ => write_long(into, number),
    }
}

#[inline(never)]
#[allow(clippy::cast_possible_truncation, reason = "the digits are small")]
fn write_long(into: &mut Vec<u8>, number: u64) {
    if (100..1000).contains(&number) {
        // A status has three digits.
        let [tens, ones] = PAIRS[(number % 100) as usize];
        into.extend_from_slice(&[b'0' + (number / 100) as u8, tens, ones]);
    } else {
        let mut digits = itoa::Buffer::new();
        into.extend_from_slice(digits.format(number).as_bytes());
    }
}

/// The numbers below 100, with two digits.
pub(super) const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

pub(super) fn write_raw(into: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Writing to a vector does not fail, and a value whose `Display` fails is cut.
    let _ = io::Write::write_fmt(into, text);
}

/// Appends a name that is not too long.
#[inline]
pub(super) fn write_name(into: &mut Vec<u8>, name: &str) {
    if name.len() > NAME {
        escape(into, head(name, NAME - CUT.len()));
        into.extend_from_slice(CUT.as_bytes());
    } else {
        escape(into, name);
    }
}

/// Appends a path of modules, with dots.
pub(super) fn write_dotted(into: &mut Vec<u8>, target: &str) {
    if target.is_empty() {
        into.extend_from_slice(b"app.log");
    } else if target.as_bytes().contains(&b':') {
        write_name(into, &target.replace("::", "."));
    } else {
        write_name(into, target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_its_digits() {
        for number in (0..=1100).chain([9_999, 10_000, u64::MAX]) {
            let mut text = Vec::new();
            write_unsigned(&mut text, number);
            assert_eq!(text, number.to_string().as_bytes());
        }
    }
}
