//! Are wrong uses of the macros rejected with helpful errors? Each case is `<macro>/<rule>.rs`, named after the rule that it breaks.

#[test]
fn each_wrong_use_is_one_error_at_the_guilty_token_with_the_remedy() {
    trybuild::TestCases::new().compile_fail("*/*.rs");
}
