//! How text is escaped for a JSON string: many bytes at a time, because almost no text needs an escape.

use std::fmt;

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// Appends `text` as it is written between the quotes of a JSON string. Line breaks are escaped.
#[inline]
pub(crate) fn escape(into: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    if is_plain::<false>(bytes) {
        into.extend_from_slice(bytes);
    } else {
        scan::<false>(into, bytes);
    }
}

/// The same for bytes that ought to be text: what is not UTF-8 becomes U+FFFD.
#[inline]
pub(crate) fn escape_lossy(into: &mut Vec<u8>, bytes: &[u8]) {
    if is_plain::<true>(bytes) {
        into.extend_from_slice(bytes);
    } else if let Some(rest) = scan::<true>(into, bytes) {
        escape(into, &String::from_utf8_lossy(&bytes[rest..]));
    }
}

/// Whether all bytes are ASCII, and none needs an escape.
pub(super) fn is_plain_ascii(bytes: &[u8]) -> bool {
    is_plain::<true>(bytes)
}

/// Whether none of the bytes needs an escape and, if only ASCII is allowed, all are ASCII. The last bytes are tested together with
/// some that come before them, so that no text has a rest.
fn is_plain<const ASCII: bool>(bytes: &[u8]) -> bool {
    let is_plain_word = |word: u64| {
        let foreign = if ASCII { word & HIGHS } else { 0 };
        guilty(word) | foreign == 0
    };
    if let Some(last) = bytes.last_chunk::<64>() {
        let (strides, _) = bytes.as_chunks::<64>();
        strides.iter().all(is_plain_stride::<ASCII, 64>) && is_plain_stride::<ASCII, 64>(last)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<32>(), bytes.last_chunk::<32>())
    {
        is_plain_stride::<ASCII, 32>(first) && is_plain_stride::<ASCII, 32>(last)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>())
    {
        is_plain_stride::<ASCII, 16>(first) && is_plain_stride::<ASCII, 16>(last)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        is_plain_word(u64::from_le_bytes(*first)) && is_plain_word(u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        is_plain_word(u64::from(first) << 32 | u64::from(last))
    } else {
        bytes
            .iter()
            .all(|byte| is_plain_stride::<ASCII, 1>(&[*byte]))
    }
}

/// The same for so many bytes: a loop that becomes a few vector instructions.
#[inline]
fn is_plain_stride<const ASCII: bool, const COUNT: usize>(bytes: &[u8; COUNT]) -> bool {
    let guilty = |byte: u8| {
        // Signed, the bytes from 0x80 on are negative, and thus below a space, too.
        let is_below = if ASCII {
            byte.cast_signed() < b' '.cast_signed()
        } else {
            byte < b' '
        };
        u8::from(is_below) | u8::from(byte == b'"') | u8::from(byte == b'\\')
    };
    bytes.iter().fold(0, |all, byte| all | guilty(*byte)) == 0
}

/// Appends `bytes`; where only ASCII will do, up to the first byte that is none, whose place it gives.
fn scan<const ASCII: bool>(into: &mut Vec<u8>, bytes: &[u8]) -> Option<usize> {
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        let word = word(bytes, at);
        let guilty = guilty(word) | if ASCII { word & HIGHS } else { 0 };
        if guilty == 0 {
            at += 8;
            continue;
        }
        at += (guilty.trailing_zeros() / 8) as usize;
        into.extend_from_slice(&bytes[copied..at]);
        if ASCII && !bytes[at].is_ascii() {
            return Some(at);
        }
        escape_byte(into, bytes[at]);
        at += 1;
        copied = at;
    }
    into.extend_from_slice(&bytes[copied..]);
    None
}

/// Returns the next eight bytes, padded with spaces.
#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    let rest = &bytes[at..];
    if let Some(chunk) = rest.first_chunk() {
        return u64::from_le_bytes(*chunk);
    }
    if let Some(chunk) = bytes.last_chunk() {
        let before = 64 - 8 * rest.len();
        return u64::from_le_bytes(*chunk) >> before | SPACES << (64 - before);
    }
    let mut chunk = [b' '; 8];
    chunk[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(chunk)
}

/// What is formatted into it arrives escaped in the buffer, until that is longer than `most`.
pub(crate) struct Escaped<'a> {
    pub(crate) into: &'a mut Vec<u8>,
    pub(crate) most: usize,
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Some(room) = self.most.checked_sub(self.into.len()) else {
            return Err(fmt::Error);
        };
        escape(self.into, head(text, room));
        Ok(())
    }
}

/// Returns the beginning of `text` that is just longer than `most` bytes, or all of it.
#[inline]
pub(crate) fn head(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most + 1;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    &text[..end]
}

/// Where the inside of a JSON string, which is longer than `most` bytes, can be cut, so that at most these are left.
pub(crate) fn end_within(inside: &[u8], most: usize) -> usize {
    let mut at = 0;
    loop {
        let length = match inside[at] {
            b'\\' if inside[at + 1] == b'u' => 6,
            b'\\' | 0x80..0xe0 => 2,
            ..0x80 => 1,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        if at + length > most {
            return at;
        }
        at += length;
    }
}

/// A bit for each byte that needs an escape. Each of the three tests can be wrong about a byte only after a guilty one.
#[inline]
fn guilty(word: u64) -> u64 {
    let below = word.wrapping_sub(SPACES) & !word;
    let equal = |byte: u8| {
        let difference = word ^ (ONES * u64::from(byte));
        difference.wrapping_sub(ONES) & !difference
    };
    (below | equal(b'"') | equal(b'\\')) & HIGHS
}

#[cold]
fn escape_byte(into: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let digit = |value: u8| char::from_digit(value.into(), 16).map_or(b'0', |c| c as u8);
            into.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    into.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut into = vec![b'"'];
        escape(&mut into, text);
        into.push(b'"');
        String::from_utf8(into).expect("text stays text")
    }

    #[test]
    fn every_character_in_every_place_of_a_word_reads_back() {
        let characters = (0..0x180).chain(0x2020..0x2030).chain(0x1f600..0x1f604);
        for character in characters.filter_map(char::from_u32) {
            for place in (0..40).chain(56..72) {
                let text = format!("{:a<place$}{character}{character}{:é<9}", "", "");
                let line = escaped(&text);
                assert!(!line.bytes().any(|byte| byte < 0x20), "{text:?}");
                assert_eq!(serde_json::from_str::<String>(&line).expect(&line), text);
            }
        }
    }

    #[test]
    fn a_cut_is_never_inside_a_character_or_an_escape() {
        let inside = &escaped("ab\u{1}\"é€🦀c")[1..];
        let ends = (0..=20).map(|most| end_within(inside.as_bytes(), most));
        assert!(ends.eq([
            0, 1, 2, 2, 2, 2, 2, 2, 8, 8, 10, 10, 12, 12, 12, 15, 15, 15, 15, 19, 20
        ]));
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        let mut into = Vec::new();
        escape_lossy(&mut into, b"a\xffb\nc");
        assert_eq!(into, "a\u{fffd}b\\nc".as_bytes());
        for length in (0..20).chain(31..34).chain(60..66).chain(125..130) {
            let mut into = Vec::new();
            escape_lossy(
                &mut into,
                &[&vec![b'a'; length][..], "é\n\u{1}".as_bytes()].concat(),
            );
            assert_eq!(into, format!("{:a<length$}é\\n\\u0001", "").as_bytes());
        }
    }
}
