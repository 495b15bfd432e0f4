//! An app without `#[dockerflow::service]`.

use super::{assert_refused, ends};

#[test]
fn an_app_without_the_attribute_does_not_start_and_says_what_to_write() {
    let output = ends("no service", &[]);
    assert_refused(
        &output,
        &[
            "the app has no #[dockerflow::service]",
            "write that over the function",
        ],
    );
    let output = ends("no service beside", &[("INTERNAL_PORT", "0")]);
    assert_refused(&output, &["the app INTERNAL has no #[dockerflow::service]"]);
}
