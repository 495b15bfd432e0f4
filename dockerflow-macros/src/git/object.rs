//! Which commit an annotated tag is of: what the tag's object says.

use std::{fs, path::Path};

use super::inflate::inflate;

/// How much of an object is read: `object <hash>` and `type <type>` are its first two lines.
const ENOUGH: usize = 256;

/// The commit behind the tag object `hash`. `None` where it is no tag of a commit.
pub(super) fn peel(objects: &Path, hash: &str) -> Option<String> {
    let mut hash = hash.to_owned();
    // A tag may be of a tag.
    for _ in 0..5 {
        let object = loose(objects, &hash)?;
        let mut lines = object.strip_prefix("tag ")?.split_once('\0')?.1.lines();
        lines.next()?.strip_prefix("object ")?.clone_into(&mut hash);
        match lines.next()? {
            "type commit" => return Some(hash),
            "type tag" => {}
            _ => return None,
        }
    }
    None
}

/// The start of an object that has a file of its own.
fn loose(objects: &Path, hash: &str) -> Option<String> {
    let (folder, file) = hash.split_at_checked(2)?;
    let compressed = fs::read(objects.join(folder).join(file)).ok()?;
    Some(String::from_utf8_lossy(&inflate(&compressed, ENOUGH)?).into_owned())
}
