//! Is a value of another kind refused, in the right words?

use super::*;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
struct Odd {
    three: [u8; 3],
    pair: (u8, String),
    choice: Choice,
    large: u32,
    signed: i8,
    number: u64,
    huge: u64,
    word: String,
    switch: bool,
    one: Option<std::num::NonZeroU16>,
    limits: HashMap<u16, u8>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    #[default]
    Plain,
    Timed(u8),
    Full {
        _x: u8,
    },
}

#[test]
fn each_kind_of_value_is_refused_with_the_right_words() {
    for (text, pairs, expected) in [
        (
            "three: [1, 2, 3, 4]",
            &[][..],
            "three in FILE: expected a list of 3 values",
        ),
        (
            "three: [1, 2]",
            &[],
            "three in FILE: expected a list of 3 values",
        ),
        (
            "",
            &[("THREE", "1,2,3,4")],
            "THREE is \"1,2,3,4\", expected a list of 3 values",
        ),
        (
            "pair: [1]",
            &[],
            "pair in FILE: expected a list of 2 values",
        ),
        (
            "choice: {plain: 5}",
            &[],
            "choice in FILE: expected plain alone, because it takes no value",
        ),
        (
            "choice: timed",
            &[],
            "choice in FILE is \"timed\", expected a table with the key timed, because timed takes a value",
        ),
        (
            "choice: {timed: x}",
            &[],
            "choice.timed in FILE is \"x\", expected a whole number from 0 to 255",
        ),
        (
            "choice: {full: {_x: 300}}",
            &[],
            "choice.full._x in FILE is \"300\", expected a whole number from 0 to 255",
        ),
        (
            "choice: {plain: ~, timed: 1}",
            &[],
            "choice in FILE: expected a table with one key, not with plain and timed at once",
        ),
        (
            "choice: {slow: 1}",
            &[],
            "choice in FILE: expected one of plain, timed, full",
        ),
        (
            "large: 5000000000",
            &[],
            "large in FILE is \"5000000000\", expected a whole number from 0 to 4294967295",
        ),
        (
            "signed: 128",
            &[],
            "signed in FILE is \"128\", expected a whole number from -128 to 127",
        ),
        (
            "number: 5.0",
            &[],
            "number in FILE is \"5.0\", expected a whole number from 0 to 18446744073709551615",
        ),
        (
            "number:",
            &[],
            "number in FILE is \"null\", expected a whole number from 0 to 18446744073709551615",
        ),
        (
            "number: [1]",
            &[],
            "number in FILE: expected a whole number from 0 to 18446744073709551615",
        ),
        (
            "word: 12345678",
            &[],
            "word in FILE: expected text: put it in quotes",
        ),
        ("word: {a: 1}", &[], "word in FILE: expected text"),
        (
            "switch: 1",
            &[],
            "switch in FILE is \"1\", expected true or false",
        ),
        (
            "switch: yes",
            &[],
            "switch in FILE is \"yes\", expected true or false",
        ),
        (
            "one: 0",
            &[],
            "one in FILE is \"0\", expected a whole number from 1 to 65535",
        ),
        (
            "limits: {x: 1}",
            &[],
            "limits.x in FILE: expected a key that is a whole number from 0 to 65535",
        ),
        (
            "limits: 5",
            &[],
            "limits in FILE is \"5\", expected a table",
        ),
        (
            "",
            &[("LIMITS", "{\"1\": }")],
            "LIMITS: expected valid JSON: expected value, at line 1 column 7",
        ),
        (
            "",
            &[("THREE__0", "1")],
            "THREE__0: expected a list of 3 values, whose elements have no variables of their own",
        ),
    ] {
        let lines = faults::<Odd>("a.yaml", text, pairs);
        assert_eq!(lines, [expected], "{text}");
    }
    let odd: Odd = good(
        "a.yaml",
        "huge: 18446744073709551615\nlimits: {1: 2}\nchoice: {full: {_x: 3}}",
        &[("PAIR", "[1, \"x\"]"), ("SWITCH", "1")],
    );
    assert_eq!(
        (odd.huge, odd.limits[&1], odd.pair.0, odd.switch),
        (u64::MAX, 2, 1, true)
    );
}

#[test]
fn a_later_file_and_the_environment_say_another_variant() {
    let directory = directory(&[
        ("1.yaml", "choice: {timed: 1}"),
        ("2.yaml", "choice: {full: {_x: 1}}"),
    ]);
    let odd: Odd = load(Some(directory.path()), &[]).expect("the later counts");
    assert!(matches!(odd.choice, Choice::Full { .. }));
    let odd: Odd = load(Some(directory.path()), &[("CHOICE__TIMED", "5")]).expect("likewise");
    assert!(matches!(odd.choice, Choice::Timed(5)));
    let odd: Odd = load(Some(directory.path()), &[("CHOICE", "plain")]).expect("likewise");
    assert!(matches!(odd.choice, Choice::Plain));
}

#[test]
fn a_number_that_is_too_large_does_not_become_infinite() {
    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Numbers {
        single: f32,
        double: f64,
    }
    assert_each::<Numbers>(
        "a.yaml",
        &[
            (
                "single: 1e300",
                &[("DOUBLE", "-1e400")],
                &[
                    "DOUBLE is \"-1e400\", expected a number of at most 1.7976931348623157e308",
                    "single in FILE is \"1e300\", expected a number of at most 3.4028234663852886e38",
                ],
            ),
            (
                "",
                &[("SINGLE", "1e39")],
                &["SINGLE is \"1e39\", expected a number of at most 3.4028234663852886e38"],
            ),
            ("single: 3.4e38\ndouble: 1e300", &[], &[]),
        ],
    );
    let numbers: Numbers = good("a.yaml", "single: .inf", &[("DOUBLE", "-inf")]);
    assert!(numbers.single.is_infinite() && numbers.double.is_infinite());
}
