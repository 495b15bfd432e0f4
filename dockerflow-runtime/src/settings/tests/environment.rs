//! What does a variable mean, and for which key?

use super::*;

#[test]
fn a_variable_is_text_until_its_key_wants_something_else() {
    let pairs = [
        ("NAME", "007"),
        ("PORT", " 80 "),
        ("RATIO", "1"),
        ("ORIGINS", "a, b,"),
        ("LIMITS", "[1, 2]"),
        ("MODE", "safe"),
        ("NOTE", "{\"a\": 1}"),
        ("DEBUG", ""),
    ];
    let settings: Strict = load(None, &pairs).expect("all is well");
    let expected = Strict {
        name: "007".into(),
        port: 80,
        ratio: 1.0,
        origins: vec!["a".into(), "b".into()],
        limits: vec![1, 2],
        mode: Mode::Safe,
        note: Some("{\"a\": 1}".into()),
        ..Strict::default()
    };
    assert_eq!(settings, expected);
    let tables: HashMap<String, HashMap<String, u8>> =
        load(None, &[("A__B", "1"), ("C", "{\"d\": 2}")]).expect("all is well");
    assert_eq!(tables["a"]["b"], 1);
    assert_eq!(tables["c"]["d"], 2);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_reported_where_its_key_is_known() {
    use std::os::unix::ffi::OsStringExt as _;

    let odd = OsString::from_vec(vec![b'a', 0xff]);
    let variables = vec![("NAME".into(), odd.clone()), ("OTHER".into(), odd)];
    let fault = Files::default()
        .settings_with::<Strict>(variables)
        .expect_err("NAME is bad");
    assert_eq!(
        fault.to_string(),
        "NAME is \"a\u{fffd}\", expected text in UTF-8"
    );
}

#[test]
fn json_and_single_keys_of_a_table_come_together() {
    let strict: Strict = good(
        "a.toml",
        "[database]\npassword = \"file\"\n",
        &[
            ("DATABASE", "{\"url\": \"json\", \"pool\": {\"size\": 1}}"),
            ("DATABASE__POOL__SIZE", "2"),
        ],
    );
    let Database {
        url,
        password,
        pool,
    } = strict.database;
    assert_eq!(
        (url.as_str(), password.as_str(), pool.size),
        ("json", "file", 2)
    );
    assert_eq!(
        faults::<Strict>("a.toml", "", &[("DATABASE", "url"), ("DATABASE__URL", "u")]),
        ["DATABASE: expected a table as JSON, because DATABASE__URL is set, too"]
    );
}

#[test]
fn with_a_prefix_only_its_variables_count() {
    let mut environment = Environment::new(|_| None);
    let files = Files::read(&mut environment).with_prefix("SHOP");
    let pairs = [
        ("NAME", "no"),
        ("SHOP_NAME", "yes"),
        ("SHOP_DATABASE__URL", "u"),
        ("SHOP_TYPO", "x"),
        ("SHOP_SERVICE_HOST", "10.0.0.1"),
        ("SHOP_PORT", "tcp://10.0.0.1:80"),
    ];
    let strict: Strict = files.settings_with(variables(&pairs)).expect("all is well");
    assert_eq!(
        (
            strict.name.as_str(),
            strict.database.url.as_str(),
            strict.port
        ),
        ("yes", "u", 1)
    );
    let fault = files
        .settings_with::<Pool>(variables(&pairs))
        .expect_err("size is missing");
    assert_eq!(
        fault.to_string(),
        "size: expected a value, in a file at CONFIG_PATH or as SHOP_SIZE"
    );
    let all: BTreeMap<String, String> = files
        .settings_with(variables(&pairs[..2]))
        .expect("all is well");
    assert_eq!(all, BTreeMap::from([("name".into(), "yes".into())]));
}

#[test]
fn a_service_link_of_kubernetes_is_left_out() {
    #[derive(Debug, Deserialize)]
    struct Cache {
        #[serde(default)]
        redis_port: u16,
    }
    let link = ("REDIS_PORT", "tcp://10.0.0.5:6379");
    assert_eq!(
        good::<Cache>("a.toml", "redis_port = 5", &[link]).redis_port,
        5
    );
    assert_eq!(good::<Cache>("a.toml", "", &[link]).redis_port, 0);
}
