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
            // A string with an escape is not returned, as no fact needs one.
            if !text.contains('\\') {
                assert_eq!(found, expected, "{text:?}");
            }
        }
    }
});
