//! The objects of a repository: the parents of a commit, and the commit of an annotated tag.

use std::{
    cmp::Ordering,
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::inflate::inflate;
use crate::inputs;

/// How much of a commit or a tag is read. What is needed is in its first lines.
const START: usize = 16 << 10;
/// The size of the largest object that a delta may be based on.
const LARGEST: usize = 1 << 20;
/// The length of the longest chain that is followed: of deltas, of tags, of repositories that borrow objects.
const DEPTH: usize = 64;

/// What kind of object this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// A file.
    Blob,
    /// An annotated tag.
    Tag,
}

/// The folders that hold the objects of a repository.
pub(super) struct Objects(Vec<PathBuf>);

impl Objects {
    /// Returns those of the repository at `common`, and of every repository that it borrows objects from.
    pub(super) fn of(common: &Path) -> Self {
        let mut folders = vec![common.join("objects")];
        let mut next = 0;
        while next < folders.len() && folders.len() < DEPTH {
            let list = inputs::read(&folders[next].join("info/alternates")).unwrap_or_default();
            for line in String::from_utf8_lossy(&list)
                .lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty())
            {
                let folder = folders[next].join(line);
                if !folders.contains(&folder) {
                    folders.push(folder);
                }
            }
            next += 1;
        }
        Self(folders)
    }

    /// Returns the parents of a commit, in their order. A shallow clone knows them, too.
    pub(super) fn parents(&self, commit: &str) -> Option<Vec<String>> {
        let (kind, bytes) = self.read(commit, START, 0)?;
        (kind == Kind::Commit).then(|| parents(&bytes))
    }

    /// Returns the commit behind the tag object `hash`, or `None` if it is not a tag of a commit.
    pub(super) fn peel(&self, hash: &str) -> Option<String> {
        let mut hash = hash.to_owned();
        for _ in 0..DEPTH {
            let (kind, bytes) = self.read(&hash, START, 0)?;
            let (target, of) = (kind == Kind::Tag).then(|| target(&bytes))??;
            match of {
                Kind::Commit => return Some(target),
                Kind::Tag => hash = target,
                _ => return None,
            }
        }
        None
    }

    /// Returns at least the first `enough` bytes of an object, or all if it is shorter.
    fn read(&self, hash: &str, enough: usize, depth: usize) -> Option<(Kind, Vec<u8>)> {
        let name = bytes_of(hash)?;
        self.0.iter().find_map(|folder| {
            loose(folder, hash, enough).or_else(|| self.packed(folder, &name, enough, depth))
        })
    }

    fn packed(
        &self,
        folder: &Path,
        name: &[u8],
        enough: usize,
        depth: usize,
    ) -> Option<(Kind, Vec<u8>)> {
        let packs = fs::read_dir(folder.join("pack"))
            .ok()?
            .flatten()
            .map(|entry| entry.path());
        packs
            .filter(|path| path.extension().is_some_and(|extension| extension == "idx"))
            .find_map(|index| {
                let offset = offset(&mut open(&index)?, name)?;
                let mut pack = open(&index.with_extension("pack"))?;
                self.entry(&mut pack, offset, name.len(), enough, depth)
            })
    }

    /// Reads the object at `offset` of a [pack](https://git-scm.com/docs/gitformat-pack). It may be a delta: the difference to another
    /// object.
    fn entry(
        &self,
        pack: &mut File,
        offset: u64,
        name_length: usize,
        enough: usize,
        depth: usize,
    ) -> Option<(Kind, Vec<u8>)> {
        if depth > DEPTH {
            return None;
        }
        let mut bytes = Vec::new();
        pack.seek(SeekFrom::Start(offset)).ok()?;
        pack.take(u64::try_from(LARGEST).ok()?)
            .read_to_end(&mut bytes)
            .ok()?;
        // The kind is in the first byte, the size in as many as have their highest bit, and one more.
        let first = *bytes.first()?;
        let header = 1 + bytes.iter().take_while(|byte| **byte & 0x80 != 0).count();
        let rest = bytes.get(header..)?;
        let kind = match first >> 4 & 7 {
            1 => Kind::Commit,
            2 => Kind::Tree,
            3 => Kind::Blob,
            4 => Kind::Tag,
            6 => {
                let (distance, length) = distance(rest)?;
                let delta = inflate(rest.get(length..)?, LARGEST)?;
                let (kind, base) = self.entry(
                    pack,
                    offset.checked_sub(distance)?,
                    name_length,
                    LARGEST,
                    depth + 1,
                )?;
                return Some((kind, patch(&base, &delta)?));
            }
            7 => {
                let (base, rest) = rest.split_at_checked(name_length)?;
                let delta = inflate(rest, LARGEST)?;
                let (kind, base) = self.read(&hash_of(base), LARGEST, depth + 1)?;
                return Some((kind, patch(&base, &delta)?));
            }
            _ => return None,
        };
        Some((kind, inflate(rest, enough)?))
    }
}

/// Returns the parents that the bytes of a commit name.
#[must_use]
pub fn parents(commit: &[u8]) -> Vec<String> {
    let header = commit
        .split(|byte| *byte == b'\n')
        .take_while(|line| !line.is_empty());
    header
        .filter_map(|line| {
            Some(String::from_utf8_lossy(line.strip_prefix(b"parent ")?).into_owned())
        })
        .collect()
}

/// Returns the object that the bytes of a tag name, and its kind.
#[must_use]
pub fn target(tag: &[u8]) -> Option<(String, Kind)> {
    let mut lines = tag.split(|byte| *byte == b'\n');
    let hash = String::from_utf8_lossy(lines.next()?.strip_prefix(b"object ")?).into_owned();
    Some((hash, kind(lines.next()?.strip_prefix(b"type ")?)?))
}

fn kind(name: &[u8]) -> Option<Kind> {
    Some(match name {
        b"commit" => Kind::Commit,
        b"tree" => Kind::Tree,
        b"blob" => Kind::Blob,
        b"tag" => Kind::Tag,
        _ => return None,
    })
}

/// Reads an object that has a file of its own: its kind, its size, a zero, its bytes.
fn loose(folder: &Path, hash: &str, enough: usize) -> Option<(Kind, Vec<u8>)> {
    let (start, rest) = hash.split_at_checked(2)?;
    let compressed = inputs::read(&folder.join(start).join(rest))?;
    let object = inflate(&compressed, enough + 32)?;
    let end = object.iter().position(|byte| *byte == 0)?;
    let name = object[..end].split(|byte| *byte == b' ').next()?;
    Some((kind(name)?, object[end + 1..].to_vec()))
}

/// Opens a regular file.
fn open(path: &Path) -> Option<File> {
    fs::metadata(path)
        .ok()?
        .is_file()
        .then(|| File::open(path).ok())?
}

fn bytes_of(hash: &str) -> Option<Vec<u8>> {
    let digits = |at: usize| u8::from_str_radix(hash.get(at..at + 2)?, 16).ok();
    (0..hash.len()).step_by(2).map(digits).collect()
}

/// Returns the bytes of a hash as hexadecimal digits.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Reads the distance in the pack from a delta back to its base. Returns it with the number of bytes that it took.
fn distance(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value = value
            .checked_mul(128)?
            .checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
        value = value.checked_add(1)?;
    }
    None
}

/// Applies a delta to the object `base`. A delta is two sizes, then instructions to copy a part of `base` or to insert bytes.
#[must_use]
pub fn patch(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let mut rest = delta;
    if size(&mut rest)? != base.len() {
        return None;
    }
    let length = size(&mut rest).filter(|length| *length <= LARGEST)?;
    let mut result = Vec::new();
    while let Some((instruction, after)) = rest.split_first() {
        rest = after;
        let part = if instruction & 0x80 != 0 {
            let mut number = |bits: std::ops::Range<u8>| {
                let mut value = 0_usize;
                for (index, bit) in bits.enumerate() {
                    if instruction >> bit & 1 == 1 {
                        let (byte, after) = rest.split_first()?;
                        rest = after;
                        value |= usize::from(*byte) << (8 * index);
                    }
                }
                Some(value)
            };
            let start = number(0..4)?;
            let count = match number(4..7)? {
                0 => 0x10000,
                count => count,
            };
            base.get(start..start.checked_add(count)?)?
        } else {
            let (part, after) = rest.split_at_checked(usize::from(*instruction))?;
            rest = after;
            part
        };
        if part.is_empty() || result.len() + part.len() > length {
            return None;
        }
        result.extend_from_slice(part);
    }
    (result.len() == length).then_some(result)
}

/// Reads a size: seven bits in a byte, the lowest first.
fn size(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for shift in (0..56).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Returns where the object `name` begins in the pack of this index.
///
/// An index of version 2 is a header, how many names begin with at most each byte, the names in their order, a checksum of each, the
/// place of each, and the places beyond 2 GiB. One of version 1 has no header, and the place of each before its name.
pub fn offset(index: &mut (impl Read + Seek), name: &[u8]) -> Option<u64> {
    let start = bytes_at(index, 0, 8)?;
    let is_version_1 = !start.starts_with(b"\xfftOc");
    if !is_version_1 && start != *b"\xfftOc\0\0\0\x02" {
        return None;
    }
    let header = if is_version_1 { 0 } else { 8 };
    let entries = header + 256 * 4;
    let length = u64::try_from(name.len()).ok()?;
    let (names, step) = if is_version_1 {
        (entries + 4, 4 + length)
    } else {
        (entries, length)
    };
    let first = u64::from(*name.first()?);
    let mut counts = |byte: u64| number(index, header + byte * 4, 4);
    let count = counts(255)?;
    let (mut low, mut high) = (
        if first == 0 { 0 } else { counts(first - 1)? },
        counts(first)?,
    );
    while low < high {
        let middle = low.midpoint(high);
        let found = bytes_at(index, names + middle * step, name.len())?;
        match found.as_slice().cmp(name) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal if is_version_1 => return number(index, entries + middle * step, 4),
            Ordering::Equal => {
                let places = entries + count * (length + 4);
                let place = number(index, places + middle * 4, 4)?;
                let is_large = place & (1 << 31) != 0;
                return if is_large {
                    number(index, places + count * 4 + (place & !(1 << 31)) * 8, 8)
                } else {
                    Some(place)
                };
            }
        }
    }
    None
}

fn number(file: &mut (impl Read + Seek), at: u64, count: usize) -> Option<u64> {
    Some(
        bytes_at(file, at, count)?
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

fn bytes_at(file: &mut (impl Read + Seek), at: u64, count: usize) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = vec![0; count];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_names_its_parents_in_its_header_alone() {
        let commit =
            b"tree 1111\nparent 2222\nparent 3333\nauthor A <a@b> 1 +0000\n\nparent 4444\n";
        assert_eq!(parents(commit), ["2222", "3333"]);
        assert_eq!(parents(b""), [""; 0]);
    }

    #[test]
    fn a_tag_names_its_object() {
        assert_eq!(
            target(b"object 1111\ntype commit\ntag v1\n"),
            Some(("1111".into(), Kind::Commit))
        );
        for broken in [
            &b""[..],
            b"object 1111",
            b"object 1111\ntype x\n",
            b"tree 1111\n",
        ] {
            assert_eq!(target(broken), None);
        }
    }

    #[test]
    fn a_difference_copies_and_inserts() {
        let delta = [11, 9, 0b1001_0001, 6, 5, 4, b' ', b'o', b'l', b'd'];
        assert_eq!(
            patch(b"hello world", &delta).expect("a difference"),
            b"world old"
        );
        assert_eq!(patch(b"hello", &delta), None, "of another object");
        for end in 0..delta.len() {
            assert_eq!(patch(b"hello world", &delta[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn broken_data_is_refused_and_never_a_panic() {
        let delta = [11, 9, 0b1001_0001, 6, 5, 4, b' ', b'o', b'l', b'd'];
        for (place, byte) in
            (0..delta.len()).flat_map(|place| (0..=255).map(move |byte| (place, byte)))
        {
            let mut broken = delta;
            broken[place] = byte;
            let _ = patch(b"hello world", &broken); // it ends, whatever the result
        }
        for index in [&b""[..], b"\xfftOc\0\0\0\x02", &[0xff; 2000]] {
            assert_eq!(offset(&mut std::io::Cursor::new(index), &[0x11; 20]), None);
        }
        let full: Vec<u8> = b"\xfftOc\0\0\0\x02"
            .iter()
            .copied()
            .chain([0xff; 4096])
            .collect();
        let _ = offset(&mut std::io::Cursor::new(full), &[0x11; 20]); // likewise
        assert_eq!(distance(&[0xff; 20]), None);
    }
}
