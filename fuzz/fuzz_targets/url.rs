//! The URL of a repository or a build: whatever is read, what is returned is a web address without credentials.
#![no_main]

use dockerflow_build_facts::url;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for found in [url::of_repository(text), url::of_build(text)] {
        let Some(found) = found else { continue };
        assert!(
            found.starts_with("https://") || found.starts_with("http://"),
            "{text:?} became {found:?}"
        );
        let host = found.split('/').nth(2).unwrap_or_default();
        assert!(!host.contains('@'), "{text:?} became {found:?}");
        assert!(
            !found.contains(|one: char| one == ' ' || one.is_control()),
            "{text:?} became {found:?}"
        );
    }
});
