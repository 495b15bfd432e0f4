//! The refs of a repository whose `extensions.refStorage` is `reftable`.
//!
//! A stack of binary tables, oldest first in `tables.list`; a later one overrides an earlier one. Of a table, only the blocks of
//! refs are read, which come first, one after the other; the indexes and logs behind them are of no use here. [The format][1]:
//!
//! ```text
//! table  = "REFT" version:u8 block_size:u24 min_update:u64 max_update:u64 [version 2: hash:u32] block*
//! block  = "r" length:u24 ref* restart:u24* restarts:u16 padding; the first one counts from the table's start
//! ref    = shared:varint (length << 3 | type):varint name's end, update:varint value
//! value  = by type: 0 nothing, the ref is deleted; 1 hash; 2 hash and the commit behind the tag; 3 length:varint name of a ref
//! ```
//!
//! [1]: https://git-scm.com/docs/reftable

use std::path::Path;

use super::{Refs, Target, object::hash_of};
use crate::inputs::{self, Inputs};

/// Returns the refs in the stack in `folder`. There are none if there is no stack, or if a part of it cannot be read: older refs
/// would otherwise pass for the newest.
pub(super) fn read(folder: &Path, inputs: &mut Inputs) -> Refs {
    let mut refs = Refs::new();
    // A table never changes: a new one gets a new name in the list.
    let list = inputs.text(&folder.join("tables.list")).unwrap_or_default();
    let whole = list
        .lines()
        .try_for_each(|name| apply(&inputs::read(&folder.join(name))?, &mut refs));
    whole.map(|()| refs).unwrap_or_default()
}

/// Returns the refs in the bytes of one table, or `None` if they do not have the format.
#[must_use]
pub fn parse(table: &[u8]) -> Option<Refs> {
    let mut refs = Refs::new();
    apply(table, &mut refs)?;
    Some(refs)
}

/// Applies `table` over the refs of older ones. Returns `None` if it does not have the format.
fn apply(table: &[u8], refs: &mut Refs) -> Option<()> {
    let version = *table.strip_prefix(b"REFT")?.first()?;
    let (header, hash_size) = match version {
        1 => (24, 20),
        2 if table.get(24..28)? == b"s256" => (28, 32),
        2 => (28, 20),
        _ => return None,
    };
    let footer = if version == 1 { 68 } else { 72 };
    let block_size = number(table.get(5..8)?);
    let blocks = table.get(..table.len().checked_sub(footer)?)?;
    let mut start = 0;
    let mut first = header;
    while blocks.get(start + first) == Some(&b'r') {
        let length = number(blocks.get(start + first + 1..start + first + 4)?);
        let block = blocks.get(start..start + length)?;
        let restarts = number(block.get(length.checked_sub(2)?..)?);
        let end = length.checked_sub(2 + 3 * restarts)?;
        let mut records = Records {
            bytes: block.get(first + 4..end)?,
            hash_size,
            name: Vec::new(),
        };
        while !records.bytes.is_empty() {
            let (name, target) = records.next()?;
            match target {
                Some(target) => drop(refs.insert(name, target)),
                None => drop(refs.remove(&name)),
            }
        }
        // The last block of refs may have no padding, if blocks of another kind follow.
        let is_padded =
            length < block_size && blocks.get(start + length).is_none_or(|byte| *byte == 0);
        start += if is_padded { block_size } else { length };
        first = 0;
    }
    Some(())
}

/// The records of a block that have not been read yet.
struct Records<'a> {
    bytes: &'a [u8],
    hash_size: usize,
    /// The name of the last record, whose beginning the next one may share.
    name: Vec<u8>,
}

impl<'a> Records<'a> {
    /// Returns the name of a ref and what it points to, or `None` in its place if the ref is deleted.
    fn next(&mut self) -> Option<(Vec<u8>, Option<Target>)> {
        let shared = self.varint()?;
        let length_and_type = self.varint()?;
        let end = self.take(length_and_type >> 3)?;
        self.varint()?; // the update's index
        self.name.truncate(shared);
        self.name.extend_from_slice(end);
        let target = match length_and_type & 7 {
            0 => None,
            1 => Some(Target::Object {
                hash: self.hash()?,
                peeled: None,
            }),
            2 => Some(Target::Object {
                hash: self.hash()?,
                peeled: Some(self.hash()?),
            }),
            3 => {
                let length = self.varint()?;
                Some(Target::Ref(self.take(length)?.to_vec()))
            }
            _ => return None,
        };
        Some((self.name.clone(), target))
    }

    fn hash(&mut self) -> Option<String> {
        Some(hash_of(self.take(self.hash_size)?))
    }

    /// Reads a number: seven bits in a byte, the highest first. Each further byte adds one, so that no number has two forms.
    fn varint(&mut self) -> Option<usize> {
        let mut byte = self.take(1)?[0];
        let mut value = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = self.take(1)?[0];
            value = value.checked_add(1)?.checked_mul(128)? | usize::from(byte & 0x7f);
        }
        Some(value)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }
}

/// Returns the number in a few bytes, the highest first.
fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table as git writes it: `HEAD`, `refs/heads/main` at the commit `1111…`, and the annotated tag `2222…` of it.
    fn table() -> Vec<u8> {
        let mut records = b"\0\x23HEAD\0\x0frefs/heads/main".to_vec();
        records.extend(b"\0\x79refs/heads/main\0");
        records.extend([0x11; 20]);
        records.extend(b"\x05\x3atags/v1\0");
        records.extend([[0x22; 20], [0x11; 20]].concat());
        records.extend(b"\0\0\x1c\0\x01"); // one restart
        let mut table = b"REFT\x01\0\x10\0".to_vec();
        table.extend([0; 16]);
        table.extend(b"r\0\0");
        table.push(u8::try_from(28 + records.len()).expect("a short block"));
        table.extend(records);
        table.extend([0; 68]);
        table
    }

    #[test]
    fn a_later_table_overrides_and_deletes() {
        let mut refs = Refs::new();
        apply(&table(), &mut refs).expect("a table");
        let object = |digit: &str| digit.repeat(40);
        assert_eq!(refs[&b"HEAD"[..]], Target::Ref("refs/heads/main".into()));
        assert_eq!(
            refs[&b"refs/heads/main"[..]],
            Target::Object {
                hash: object("1"),
                peeled: None
            }
        );
        assert_eq!(
            refs[&b"refs/tags/v1"[..]],
            Target::Object {
                hash: object("2"),
                peeled: Some(object("1"))
            }
        );
        let mut deletes = table();
        deletes.splice(
            28..,
            b"\0\x78refs/heads/main\0\0\0\x1c\0\x01"
                .iter()
                .copied()
                .chain([0; 68]),
        );
        deletes[27] = 28 + 18 + 5;
        apply(&deletes, &mut refs).expect("a table");
        assert!(!refs.contains_key(&b"refs/heads/main"[..]) && refs.contains_key(&b"HEAD"[..]));
    }

    #[test]
    fn a_broken_table_is_refused_and_never_a_panic() {
        let table = table();
        for end in 0..table.len() - 68 {
            let mut refs = Refs::new();
            assert!(
                apply(&table[..end], &mut refs).is_none() || refs.is_empty(),
                "cut at {end}"
            );
        }
        for (place, byte) in
            (0..table.len()).flat_map(|place| [0, 1, 0x7f, 0xff].map(|byte| (place, byte)))
        {
            let mut broken = table.clone();
            broken[place] = byte;
            let _ = parse(&broken); // it ends, whatever the result
        }
    }
}
