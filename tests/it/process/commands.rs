//! The program's own commands: `version`, `--help`, `healthcheck`.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{command, serve};
use crate::support::{get, run, text};

#[test]
fn the_version_is_the_object_that_the_endpoint_answers() {
    let mut version = command();
    version.arg("version");
    let output = run(version);
    assert!(output.status.success());
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let serving = serve(&[]);
    let answered = get(serving.address(), "/__version__")
        .expect("it serves")
        .body;
    assert_eq!(
        printed,
        serde_json::from_str::<Value>(&answered).expect("JSON")
    );
}

#[test]
fn help_names_every_command() {
    let mut help = command();
    help.arg("--help");
    let output = run(help);
    assert!(output.status.success());
    let text = text(&output.stdout);
    for command in ["serve", "version", "healthcheck", "help"] {
        assert!(text.contains(&format!("\n  {command} ")), "{text}");
    }
}

#[test]
fn a_healthcheck_is_0_where_the_service_lives_and_1_within_a_second_where_not() {
    let probe = |port: &str| {
        let mut probe = command();
        probe.arg("healthcheck").env("PORT", port);
        let began = Instant::now();
        let output = run(probe);
        assert_eq!(output.stdout, b"", "it starts no server");
        (output.status.code(), text(&output.stderr), began.elapsed())
    };
    let serving = serve(&[]);
    let port = serving.port().to_string();
    assert_eq!(probe(&port).0, Some(0));
    drop(serving);
    let (code, stderr, _) = probe(&port);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("Connection refused"), "{stderr}");
    // One that accepts and never answers, one that answers a byte at a time, one that is not a service, one that fails.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    for (answer, pause, expected) in [
        ("", 0, "timed out"),
        ("HTTP/1.1 200 OK\r\n\r\n", 200, "timed out"),
        ("SSH-2.0\r\n", 0, "expected 200"),
        ("HTTP/1.1 500 Internal\r\n\r\n", 0, "answered \"500\""),
    ] {
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = silent.accept().expect("the probe comes");
                let mut request =
                    BufReader::new(stream.try_clone().expect("a second handle")).lines();
                while request
                    .next()
                    .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
                {}
                for byte in answer.bytes() {
                    if stream.write_all(&[byte]).is_err() {
                        break;
                    }
                    thread::sleep(Duration::from_millis(pause));
                }
                if !answer.is_empty() && pause == 0 {
                    return;
                }
                let _ = stream.read_to_end(&mut Vec::new());
            });
            let port = silent.local_addr().expect("it is bound").port().to_string();
            let (code, stderr, took) = probe(&port);
            assert_eq!(code, Some(1), "{stderr}");
            assert!(stderr.contains(expected), "{expected}: {stderr}");
            assert!(took < Duration::from_millis(1500), "{took:?}"); // a second, and a busy machine's start of a process
        });
    }
    for (port, expected) in [("nowhere", "PORT is \"nowhere\""), ("0", "PORT is \"0\"")] {
        let (code, stderr, _) = probe(port);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
}
