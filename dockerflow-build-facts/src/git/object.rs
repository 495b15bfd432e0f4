//! Which commit an annotated tag is of: what the tag's object says.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use super::inflate::inflate;

/// How much of an object is read: `object <hash>` and `type <type>` are its first two lines.
const ENOUGH: usize = 256;

/// The commit behind the tag object `hash`, in the folder `objects`. `None` where it is no tag of a commit.
pub(super) fn peel(objects: &Path, hash: &str) -> Option<String> {
    let mut hash = hash.to_owned();
    // A tag may be of a tag.
    for _ in 0..5 {
        let tag = loose(objects, &hash).or_else(|| packed(objects, &hash))?;
        let mut lines = tag.lines();
        lines.next()?.strip_prefix("object ")?.clone_into(&mut hash);
        match lines.next()? {
            "type commit" => return Some(hash),
            "type tag" => {}
            _ => return None,
        }
    }
    None
}

/// A tag object that has a file of its own: `tag <size>`, a zero, the text.
fn loose(objects: &Path, hash: &str) -> Option<String> {
    let (folder, file) = hash.split_at_checked(2)?;
    let compressed = fs::read(objects.join(folder).join(file)).ok()?;
    let object = inflate(&compressed, ENOUGH)?;
    let text = object
        .strip_prefix(b"tag ")?
        .splitn(2, |byte| *byte == 0)
        .nth(1)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// A tag object among those of a [pack](https://git-scm.com/docs/gitformat-pack). One that is written as the difference to another
/// tag is not found: git does so only for tags that are long and much alike.
fn packed(objects: &Path, hash: &str) -> Option<String> {
    let digits = |at: usize| u8::from_str_radix(hash.get(at..at + 2)?, 16).ok();
    let name: Vec<u8> = (0..hash.len())
        .step_by(2)
        .map(digits)
        .collect::<Option<_>>()?;
    let packs = fs::read_dir(objects.join("pack"))
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    packs
        .filter(|path| path.extension().is_some_and(|extension| extension == "idx"))
        .find_map(|index| {
            let offset = offset(&mut File::open(&index).ok()?, &name)?;
            let mut pack = File::open(index.with_extension("pack")).ok()?;
            pack.seek(SeekFrom::Start(offset)).ok()?;
            let mut entry = Vec::new();
            pack.take(4096).read_to_end(&mut entry).ok()?;
            // Its type is in the first byte, its size in as many as have their highest bit, and one more.
            let is_tag = (entry.first()? >> 4) & 7 == 4;
            let header = 1 + entry.iter().take_while(|byte| **byte & 0x80 != 0).count();
            let text = inflate(entry.get(header..)?, ENOUGH).filter(|_| is_tag)?;
            Some(String::from_utf8_lossy(&text).into_owned())
        })
}

/// Where the object `name` begins in the pack of this index, of version 2: a header, how many names begin with at most each
/// byte, the names in their order, a checksum of each, the place of each, the places beyond 2 GiB.
fn offset(index: &mut File, name: &[u8]) -> Option<u64> {
    const HEADER: u64 = 8;
    const NAMES: u64 = HEADER + 256 * 4;
    if read(index, 0, 8)? != *b"\xfftOc\0\0\0\x02" {
        return None;
    }
    let first = u64::from(*name.first()?);
    let length = u64::try_from(name.len()).ok()?;
    let mut counts = |byte: u64| number(index, HEADER + byte * 4, 4);
    let count = counts(255)?;
    let (mut low, mut high) = (
        if first == 0 { 0 } else { counts(first - 1)? },
        counts(first)?,
    );
    while low < high {
        let middle = low.midpoint(high);
        let found = read(index, NAMES + middle * length, name.len())?;
        match found.as_slice().cmp(name) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => {
                let places = NAMES + count * (length + 4);
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

fn number(file: &mut File, at: u64, count: usize) -> Option<u64> {
    Some(
        read(file, at, count)?
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

fn read(file: &mut File, at: u64, count: usize) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = vec![0; count];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
