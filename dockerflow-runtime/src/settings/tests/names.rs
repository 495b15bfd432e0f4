//! Which names does a key have: styles, aliases, dots?

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Styled {
    #[serde(alias = "uri", alias = "link")]
    address: String,
    #[serde(default, alias = "db")]
    data_base: Pool2,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", default)]
struct Pool2 {
    max_size: u8,
    min_size: u8,
}

#[test]
fn any_style_of_names_has_a_variable_and_an_alias_in_the_environment_counts() {
    let styled: Styled = good(
        "a.yaml",
        "uri: file\ndataBase: {max-size: 1, min-size: 2}",
        &[("ADDRESS", "mine"), ("DB__MAX_SIZE", "7")],
    );
    assert_eq!(
        styled,
        Styled {
            address: "mine".into(),
            data_base: Pool2 {
                max_size: 7,
                min_size: 2
            }
        }
    );
    let styled: Styled = good(
        "a.yaml",
        "address: file",
        &[("LINK", "mine"), ("DATA_BASE__MIN_SIZE", "3")],
    );
    assert_eq!(
        (styled.address.as_str(), styled.data_base.min_size),
        ("mine", 3)
    );
    let lines = faults::<Styled>("a.yaml", "address: a\nuri: b", &[]);
    assert_eq!(
        lines,
        ["address in FILE: expected only one of the key's names"]
    );
}

#[test]
fn keys_are_never_taken_apart() {
    let keys: BTreeMap<String, u8> = good(
        "a.json",
        r#"{"a.b": 1, "1-800-Flowers.com": 2, "hosts[99999999]": 3}"#,
        &[],
    );
    assert_eq!(
        (
            keys["a.b"],
            keys["1-800-Flowers.com"],
            keys["hosts[99999999]"]
        ),
        (1, 2, 3)
    );
}
