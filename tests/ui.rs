//! What a wrong use of a macro is told: `ui/<macro>/<rule>.rs`, named for the rule that it breaks.

#[test]
fn each_wrong_use_is_told_once_at_the_guilty_token_what_to_write() {
    trybuild::TestCases::new().compile_fail("tests/ui/*/*.rs");
}
