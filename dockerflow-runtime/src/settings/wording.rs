//! What serde says that a type expects, in an operator's words.

/// The word for every type that is a text.
pub(super) const TEXT: &str = "text";

/// Returns an operator's words for a message that serde or the standard library writes; `None` for another.
pub(super) fn of_known_code(text: &str) -> Option<String> {
    let words = match text {
        "invalid IP address syntax" => "an IP address",
        "invalid IPv4 address syntax" => "an IPv4 address",
        "invalid IPv6 address syntax" => "an IPv6 address",
        "invalid socket address syntax" => "an address with a port, such as 127.0.0.1:80",
        _ => {
            let untagged = "data did not match any variant of untagged enum ";
            let name = text.strip_prefix(untagged)?;
            return Some(format!("one of the forms of {name}"));
        }
    };
    Some(words.into())
}

/// Returns an operator's words for Rust's name of a type; `None` if the words are a type's own.
pub(super) fn in_words(expected: &str) -> Option<String> {
    let whole = |least: &str, most: &str| format!("a whole number from {least} to {most}");
    let words = match expected {
        "u8" => whole("0", "255"),
        "u16" => whole("0", "65535"),
        "u32" => whole("0", "4294967295"),
        "u64" | "usize" => whole("0", "18446744073709551615"),
        "u128" => "a whole number from 0".into(),
        "i8" => whole("-128", "127"),
        "i16" => whole("-32768", "32767"),
        "i32" => whole("-2147483648", "2147483647"),
        "i64" | "isize" => whole("-9223372036854775808", "9223372036854775807"),
        "i128" => "a whole number".into(),
        "a nonzero u8" => whole("1", "255"),
        "a nonzero u16" => whole("1", "65535"),
        "a nonzero u32" => whole("1", "4294967295"),
        "a nonzero u64" | "a nonzero usize" => whole("1", "18446744073709551615"),
        "a nonzero u128" => "a whole number from 1".into(),
        "a nonzero i8" | "a nonzero i16" | "a nonzero i32" | "a nonzero i64" | "a nonzero i128"
        | "a nonzero isize" => "a whole number other than 0".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" | "a borrowed string" | "str" | "string" => TEXT.into(),
        "a character" => "one character".into(),
        "path string" => "a path".into(),
        "unit" => "nothing".into(),
        "byte array" | "bytes" | "borrowed bytes" => "text or a list of numbers".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        "IP address"
        | "IPv4 address"
        | "IPv6 address"
        | "socket address"
        | "IPv4 socket address"
        | "IPv6 socket address" => format!("an {expected}").replace("an socket", "a socket"),
        "`secs` and `nanos`" | "struct Duration" => "a table with the keys secs and nanos".into(),
        "variant identifier" | "field identifier" => "a name".into(),
        other => return structured(other),
    };
    Some(words)
}

/// Returns an operator's words for a structure, an enumeration, a tuple or an array.
fn structured(expected: &str) -> Option<String> {
    let table = [
        "struct ",
        "internally tagged enum ",
        "adjacently tagged enum ",
        "map with ",
    ];
    if table.iter().any(|start| expected.starts_with(start)) {
        // "struct Limits with 2 elements" was given a list.
        return Some("a table".into());
    }
    let list = [
        "an array of ",
        "a tuple of ",
        "tuple struct ",
        "tuple variant ",
    ];
    if list.iter().any(|start| expected.starts_with(start)) {
        let length = expected
            .split_whitespace()
            .rev()
            .find_map(|word| word.parse::<usize>().ok());
        return Some(match length {
            Some(length) => format!("a list of {length} values"),
            None => "a list".into(),
        });
    }
    if expected.starts_with("unit struct ") {
        return Some("nothing".into());
    }
    if expected.starts_with("enum ") {
        return Some("a name, or a table with one key".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rusts_types_are_in_an_operators_words() {
        for (expected, words) in [
            ("u32", "a whole number from 0 to 4294967295"),
            ("i8", "a whole number from -128 to 127"),
            ("a nonzero u16", "a whole number from 1 to 65535"),
            ("an array of length 3", "a list of 3 values"),
            ("tuple struct Pair with 2 elements", "a list of 2 values"),
            ("struct Limits", "a table"),
            ("IPv4 address", "an IPv4 address"),
            ("socket address", "a socket address"),
        ] {
            assert_eq!(in_words(expected).as_deref(), Some(words));
        }
        assert_eq!(in_words("a prime number"), None);
    }
}
