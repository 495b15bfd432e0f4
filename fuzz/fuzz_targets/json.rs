//! The reader of JSON: what it finds in a valid text is what serde_json finds there.
#![no_main]

use dockerflow_build_facts::json;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let found = json::string(text, &["a", "b"]);
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        // Of a key that stands there twice, either value will do.
        if text.matches("\"a\"").count() <= 1 && text.matches("\"b\"").count() <= 1 {
            let expected = value["a"]["b"].as_str();
            // Keys are compared as they are written, and half of a surrogate pair is replaced.
            if !text.contains("\\u") {
                assert_eq!(found.as_deref(), expected, "{text:?}");
            }
        }
    }
});
