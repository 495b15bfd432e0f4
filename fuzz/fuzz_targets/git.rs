//! The reader of `.git`: whatever its files hold, it ends, and a commit that it returns is a hash.
#![no_main]

use std::fs;

use dockerflow_build_facts::{Facts, Inputs};
use libfuzzer_sys::fuzz_target;

/// What an input may write. The first byte of a part says which file, the next two how long it is.
const FILES: [&str; 12] = [
    "HEAD",
    "config",
    "packed-refs",
    "commondir",
    "refs/heads/main",
    "refs/tags/v1",
    "objects/11/11111111111111111111111111111111111111",
    "objects/22/22222222222222222222222222222222222222",
    "objects/pack/pack-1.idx",
    "objects/pack/pack-1.pack",
    "reftable/tables.list",
    "reftable/1.ref",
];

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join(".git");
    for path in FILES {
        let path = own.join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
    }
    // Enough for an input to be a tag alone.
    fs::write(own.join("HEAD"), "ref: refs/heads/main\n").expect("a file");
    fs::write(own.join("refs/heads/main"), "1".repeat(40)).expect("a file");
    fs::write(own.join("refs/tags/v1"), "2".repeat(40)).expect("a file");
    fs::write(own.join("reftable/tables.list"), "1.ref\n").expect("a file");
    let mut rest = bytes;
    while let [which, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let (content, after) = after.split_at(length);
        let path = own.join(FILES[usize::from(*which) % FILES.len()]);
        fs::write(path, content).expect("a file");
        rest = after;
    }
    let package = folder.path().display().to_string();
    let mut inputs = Inputs::new(move |name| match name {
        "CARGO_MANIFEST_DIR" => Some(package.clone()),
        "CARGO_PKG_VERSION" => Some("1.0.0".to_owned()),
        _ => None,
    });
    let facts = Facts::find(&mut inputs).expect("no variable is set");
    let commit = &facts.commit;
    assert!(
        [0, 40, 64].contains(&commit.len()) && commit.bytes().all(|one| one.is_ascii_hexdigit()),
        "{commit:?}"
    );
    let source = &facts.source;
    assert!(
        source.is_empty() || source.starts_with("http"),
        "{source:?}"
    );
});
