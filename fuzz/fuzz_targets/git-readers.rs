//! The readers of git's files, each by itself: whatever the bytes are, none panics, and inflate agrees with another one.
#![no_main]

use std::io::Cursor;

use dockerflow_build_facts::git::{config, inflate, object, packed, parse_reftable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else {
        return;
    };
    match which % 8 {
        0 => inflated(bytes),
        1 => {
            let (base, delta) = bytes.split_at(bytes.len().min(64));
            let _ = object::patch(base, delta);
        }
        2 => {
            let (name, index) = bytes.split_at(bytes.len().min(20));
            let _ = object::offset(&mut Cursor::new(index), name);
        }
        3 => drop(object::parents(bytes)),
        4 => drop(object::target(bytes)),
        5 => drop(packed(bytes)),
        6 => drop(parse_reftable(bytes)),
        _ => drop(config::origin(&String::from_utf8_lossy(bytes))),
    }
});

/// The other one compares the checksum, which ours does not, so that what it takes ours must take, too.
fn inflated(zlib: &[u8]) {
    const ENOUGH: usize = 4096;
    let ours = inflate::inflate(zlib, ENOUGH);
    if let Ok(theirs) = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(zlib, 1 << 20) {
        let ours = ours.expect("it is valid");
        let same = ours.len().min(theirs.len());
        assert!(ours.len() >= ENOUGH.min(theirs.len()), "too little");
        assert_eq!(ours[..same], theirs[..same]);
    }
}
