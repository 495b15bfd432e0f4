//! Do the same findings give the same answer as in python-dockerflow? Asks the real package, from `PyPI`.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use actix_web::{App, rt::System};
use dockerflow::{
    __private::{Definition, Embedded, ServiceDefinition, service},
    Message,
};
use serde_json::{Value, json};

use super::served::{Served, serve};
use crate::support::{Service, skip};

/// The package, and what its Flask extension imports.
const PACKAGES: [&str; 3] = ["dockerflow==2026.1.26", "flask==3.1.3", "sqlalchemy==2.0.*"];
const CASE: &str = "HEARTBEAT_TEST_CASE";

/// Each of these: the checks with what they find, and the ids that are silenced.
fn cases() -> Vec<Value> {
    let said = |level: &str, id: &str, text: &str| json!({"level": level, "id": id, "text": text});
    let all = ["debug", "info", "warning", "error", "critical"];
    let mut cases: Vec<_> = all
        .iter()
        .map(|level| json!({"checks": {"one": [said(level, "one.1", "a text")], "fine": []}, "silenced": []}))
        .collect();
    cases.extend([
        json!({"checks": {}, "silenced": []}),
        json!({"checks": {"fine": [], "also fine": []}, "silenced": []}),
        json!({"checks": {
            "mixed": all.map(|level| said(level, &format!("mixed.{level}"), level)),
            "db": [said("warning", "x.W1", "slow")],
            "cache": [said("error", "x.E1", "down")],
        }, "silenced": []}),
        json!({"checks": {
            "mixed": all.map(|level| said(level, &format!("mixed.{level}"), level)),
            "cache": [said("error", "x.E1", "down")],
        }, "silenced": ["x.E1", "mixed.critical", "of nobody"]}),
        // Of two messages with one id, python-dockerflow shows the last and we show the worse. Here they are the same.
        json!({"checks": {"twice": [said("info", "x.1", "first"), said("error", "x.1", "last")]}, "silenced": []}),
        json!({"checks": {"\"quotes\"\n\u{e9}\u{1f600}": [said("error", "\"\\\n", "\u{1}\t\u{7f}\u{2028}")]}, "silenced": []}),
    ]);
    cases
}

/// Reads the cases and writes what the package's own Flask extension answers to each.
const PYTHON: &str = r#"
import json, sys
from dockerflow import checks
from dockerflow.flask import Dockerflow
from flask import Flask
kinds = {"debug": checks.Debug, "info": checks.Info, "warning": checks.Warning, "error": checks.Error, "critical": checks.Critical}
answers = []
for case in json.load(sys.stdin):
    checks.clear_checks()
    app = Flask("parity")
    app.config["DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE"] = "503"
    Dockerflow(app, silenced_checks=case["silenced"])
    for name, said in case["checks"].items():
        messages = [kinds[one["level"]](one["text"], id=one["id"]) for one in said]
        checks.register(lambda messages=messages: messages, name=name)
    response = app.test_client().get("/__heartbeat__")
    answers.append([response.status_code, response.get_json()])
json.dump(answers, sys.stdout)
"#;

#[test]
fn the_same_findings_are_told_as_by_python_dockerflow() {
    let python = match python() {
        Ok(python) => python,
        Err(lacking) => {
            return skip(&lacking);
        }
    };
    let theirs = answers_of(&python, &cases());
    System::new().block_on(async {
        for (case, theirs) in cases().iter().zip(theirs) {
            let silenced = case["silenced"].as_array().expect("a list");
            let silenced: Vec<_> = silenced.iter().filter_map(Value::as_str).collect();
            let variables = [
                (CASE, case.to_string()),
                ("DOCKERFLOW_SILENCED_CHECKS", silenced.join(",")),
                ("DOCKERFLOW_HEARTBEAT_DETAILS", "true".to_owned()),
            ];
            let variables = variables
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            let ours = Served::start("parity", &variables).heartbeat().await;
            let mut body = ours.json();
            for detail in body["details"]
                .as_object_mut()
                .expect("an object")
                .values_mut()
            {
                let duration = detail
                    .as_object_mut()
                    .expect("an object")
                    .remove("duration_ms");
                assert!(duration.expect("what theirs has not").is_u64());
            }
            assert_eq!(json!([ours.status, body]), theirs, "for {case}");
        }
    });
    println!("{} cases are answered as by {}", cases().len(), PACKAGES[0]);
}

/// Returns a Python that has the packages, in an environment that later runs reuse; or what is missing.
fn python() -> Result<PathBuf, String> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PACKAGES[0].replace("==", "-"));
    let python = home.join("bin/python");
    let has_them =
        |python: &Path| run(Command::new(python).args(["-c", "import dockerflow.flask"]));
    if has_them(&python).is_err() {
        drop(fs::remove_dir_all(&home));
        run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(PACKAGES))?;
        has_them(&python)?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

fn answers_of(python: &Path, cases: &[Value]) -> Vec<Value> {
    let mut process = Command::new(python)
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it has run before");
    let mut input = process.stdin.take().expect("a pipe");
    input
        .write_all(json!(cases).to_string().as_bytes())
        .expect("it reads");
    drop(input);
    let output = process.wait_with_output().expect("it ends");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("a list of answers")
}

/// Serves an app whose checks find what the case says. Called in the child.
pub(super) fn serve_case() {
    serve(app);
}

fn app() -> App<impl Service<actix_web::body::BoxBody>> {
    static FACTS: OnceLock<ServiceDefinition> = OnceLock::new();
    let facts = FACTS.get_or_init(|| ServiceDefinition {
        version: Embedded::facts(dockerflow::version!()),
        checks: Some(vec![next_check as fn() -> Definition; checks().len()].leak()),
    });
    service(facts, App::new())
}

type Said = Vec<(&'static str, Vec<Message>)>;

fn checks() -> &'static Said {
    static CHECKS: OnceLock<Said> = OnceLock::new();
    CHECKS.get_or_init(|| {
        let case: Value =
            serde_json::from_str(&env::var(CASE).expect("the test sets it")).expect("JSON");
        let checks = case["checks"].as_object().expect("an object").iter();
        let checks = checks.map(|(name, said)| {
            let said = said.as_array().expect("a list").iter().map(message);
            (&*name.clone().leak(), said.collect())
        });
        checks.collect()
    })
}

fn message(said: &Value) -> Message {
    let text = |key: &str| said[key].as_str().expect("a text").to_owned();
    let make: fn(String, String) -> Message = match text("level").as_str() {
        "debug" => Message::debug,
        "info" => Message::info,
        "warning" => Message::warning,
        "error" => Message::error,
        _ => Message::critical,
    };
    make(text("id"), text("text"))
}

fn next_check() -> Definition {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let (name, messages) = &checks()[NEXT.fetch_add(1, SeqCst)];
    Definition::asynchronous(name, (), async || messages.clone())
}
