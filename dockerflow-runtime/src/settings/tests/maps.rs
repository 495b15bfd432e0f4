//! Maps: any variable of the process may be a key.

use super::*;

#[test]
fn in_a_map_variables_that_have_nothing_to_do_with_it_are_left_out() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Service {
        port: u16,
    }
    let pairs = [("PATH", "/bin"), ("HOME", "/root"), ("A__PORT", "7")];
    let services: BTreeMap<String, Service> =
        good("a.yaml", "a: {port: 1}\n\"b.c\": {port: 2}", &pairs);
    assert_eq!(services["a"], Service { port: 7 });
    assert_eq!(services["b.c"], Service { port: 2 });
    assert_eq!(services.len(), 2);
    let lines = faults::<BTreeMap<String, Service>>(
        "a.yaml",
        "a: {port: x}",
        &[("PATH", "/bin"), ("B__PORT", "y")],
    );
    assert_eq!(
        lines,
        [
            "a.port in FILE is \"x\", expected a whole number from 0 to 65535",
            "B__PORT is \"y\", expected a whole number from 0 to 65535"
        ]
    );
    #[derive(Debug, Deserialize)]
    struct More {
        flag: bool,
        #[serde(flatten)]
        rest: HashMap<String, u16>,
    }
    let more: More = good(
        "a.yaml",
        "flag: true\na: 1",
        &[("PATH", "/bin"), ("B", "5")],
    );
    assert!(more.flag);
    assert_eq!((more.rest["a"], more.rest["b"]), (1, 5));
}
