//! The services of the guides, before and after: each is started, and both are asked the same.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use support::{Process, Statsd, until};
use tempfile::TempDir;

fn start(program: &str, variables: &[(&str, &str)]) -> Process {
    let mut command = Command::new(program);
    command.env_clear();
    command.envs([("PORT", "0"), ("DOCKERFLOW_DRAIN_DELAY", "0")]);
    command.envs(variables.iter().copied());
    Process::start(command)
}

fn read(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

const BROWSER: &str = "user-agent: Firefox/142.0\r\naccept-language: fr\r\n";

/// A version file counts if its commit is a hash.
fn facts() -> Value {
    json!({
        "source": "https://example.org/dictionary",
        "version": "v1",
        "commit": "5f1e2d3c4b5a69788796a5b4c3d2e1f001234567",
        "build": "https://ci.example.org/7",
    })
}

/// The service that is written by hand, and its successor: the same variables but for those that the guide renames.
fn dictionaries(folder: &TempDir, statsd: &Statsd) -> [Process; 2] {
    let [version, words] = ["version.json", "words.json"].map(|name| folder.path().join(name));
    fs::write(&version, facts().to_string()).expect("a file");
    fs::write(&words, r#"{"hello": "bonjour"}"#).expect("a file");
    let [version, words] = [version, words].map(|path| path.display().to_string());
    let port = statsd.port();
    let before = start(
        env!("CARGO_BIN_EXE_by-hand-before"),
        &[
            ("WORDS", &words),
            ("VERSION_FILE", &version),
            ("METRICS_TARGET", &format!("127.0.0.1:{port}")),
        ],
    );
    let after = start(
        env!("CARGO_BIN_EXE_by-hand-after"),
        &[
            ("WORDS", &words),
            ("DOCKERFLOW_VERSION_FILE", &version),
            ("STATSD_HOST", "127.0.0.1"),
            ("STATSD_PORT", &port),
        ],
    );
    [before, after]
}

#[test]
fn both_dictionaries_translate_and_have_the_same_version_object() {
    let folder = TempDir::new().expect("a folder");
    for service in dictionaries(&folder, &Statsd::listen()) {
        assert_eq!(service.get("/words/hello").body, "bonjour");
        assert_eq!(service.get("/words/none").status, 404);
        assert_eq!(service.get("/__lbheartbeat__").status, 200);
        assert_eq!(service.get("/__version__").json(), facts());
    }
}

#[test]
fn both_dictionaries_are_unwell_without_their_words() {
    let folder = TempDir::new().expect("a folder");
    let services = dictionaries(&folder, &Statsd::listen());
    let bodies = [
        [json!({"words": true}), json!({"words": false})],
        [
            json!({"status": "ok", "checks": {"words": "ok"}, "details": {}}),
            json!({"status": "error", "checks": {"words": "error"}, "details": {}}),
        ],
    ];
    for (service, [well, _]) in services.iter().zip(&bodies) {
        let heartbeat = service.get("/__heartbeat__");
        assert_eq!((heartbeat.status, &heartbeat.json()), (200, well));
    }
    fs::remove_file(folder.path().join("words.json")).expect("it is there");
    for (service, [_, unwell]) in services.iter().zip(&bodies) {
        until("a fresh report", || {
            service.get("/__heartbeat__").status == 503
        });
        let heartbeat = service.get("/__heartbeat__");
        assert_eq!(&heartbeat.json(), unwell);
    }
}

#[test]
fn both_dictionaries_log_and_count_alike() {
    let folder = TempDir::new().expect("a folder");
    for place in 0..2 {
        let statsd = Statsd::listen();
        let service = &dictionaries(&folder, &statsd)[place];
        assert_eq!(service.get_with("/words/hello", BROWSER).status, 200);
        let summary = read(&service.line("request.summary"));
        for (key, value) in [
            ("method", json!("GET")),
            ("path", json!("/words/hello")),
            ("code", json!(200)),
            ("agent", json!("Firefox/142.0")),
            ("lang", json!("fr")),
        ] {
            assert_eq!(summary["Fields"][key], value, "{key} in {summary}");
        }
        assert!(summary["Logger"] == "dictionary", "{summary}");
        if place == 1 {
            service.signal("TERM"); // which flushes
        }
        until("the metric", || {
            statsd
                .series()
                .contains(&"dictionary.translated|c".to_owned())
        });
    }
}

#[test]
fn both_shops_sell() {
    let before = start(env!("CARGO_BIN_EXE_tracing-before"), &[]);
    let after = start(env!("CARGO_BIN_EXE_tracing-after"), &[]);
    for service in [&before, &after] {
        assert_eq!(service.get("/orders/17").body, "order 17\n");
    }
    assert_eq!(before.get("/health").status, 200);
    assert_eq!(after.get("/__heartbeat__").status, 200);

    // The commit is the same; the key of the version is, too.
    let versions = [
        before.get("/version").json(),
        after.get("/__version__").json(),
    ];
    let [vergen, ours] = &versions;
    assert_eq!(vergen["commit"], ours["commit"]);

    // The record has its span's field, as `#[tracing::instrument]` records an argument: with `Debug`.
    let sold = read(&before.line("sold"));
    assert_eq!(sold["span"]["id"], "Path(17)", "{sold}");
    let sold = read(&after.line("sold"));
    assert_eq!(sold["Fields"]["id"], "Path(17)", "{sold}");

    let metrics = before.get("/metrics").body;
    let old = r#"shop_http_requests_duration_seconds_count{endpoint="/orders/{id}",method="GET",status="200"} 1"#;
    assert!(metrics.contains(old), "{metrics}");
    let metrics = after.get("/__metrics__").body;
    let new = r#"shop_request_seconds_count{method="GET",route="/orders/{id}",status="2xx"} 1"#;
    assert!(metrics.contains(new), "{metrics}");
}

/// A program's lines, without its first comment and the empty lines after it.
fn code(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(path)).expect(path);
    let code = text
        .lines()
        .skip_while(|line| line.starts_with("//!") || line.is_empty());
    code.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_pages_show_these_programs() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for (page, programs) in [
        (
            "from-hand-written-endpoints.md",
            ["src/by_hand/before.rs", "src/by_hand/after.rs"],
        ),
        (
            "from-tracing-actix-web.md",
            ["src/tracing/before.rs", "src/tracing/after.rs"],
        ),
    ] {
        let text = fs::read_to_string(docs.join(page)).expect(page);
        for program in programs {
            assert!(
                text.contains(&code(program)),
                "{page} does not show {program} as it is"
            );
        }
    }
}
