//! The command `healthcheck` of a service that speaks TLS asks a plain port beside it: the recipes of `docs/process.md`.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use support::{Backend, free_port, get, run, tool};
use tempfile::TempDir;

use crate::tls::{make_certificate, trusting};

/// The program `programs/tls.rs`, with these variables.
fn program(directory: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tls"));
    command.env_clear().current_dir(directory);
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    command.envs([("HOST", "127.0.0.1"), ("DOCKERFLOW_DRAIN_DELAY", "0s")]);
    command
}

/// Returns the exit code of the command `healthcheck`.
fn probed(directory: &Path, variables: &[(&str, &str)]) -> Option<i32> {
    let mut command = program(directory, variables);
    command.arg("healthcheck");
    run(command).status.code()
}

/// Returns a directory with a certificate for `localhost`; `None` if this machine cannot make one.
fn with_certificate() -> Option<TempDir> {
    let openssl = tool("openssl", &[])?;
    let _another_test_may_have = rustls::crypto::ring::default_provider().install_default();
    let directory = TempDir::new().expect("a temporary directory");
    make_certificate(&openssl, directory.path(), "localhost", "30");
    Some(directory)
}

#[actix_web::test]
async fn a_service_that_speaks_tls_is_asked_at_its_plain_port_for_operations() {
    let Some(directory) = with_certificate() else {
        return;
    };
    let directory = directory.path();
    let [port, ops] = [free_port(), free_port()];
    let [port_text, ops_text] = [port, ops].map(|port| port.to_string());
    let with_ops = [("PORT", &*port_text), ("DOCKERFLOW_OPS_PORT", &*ops_text)];
    for case in ["bound", "listener"] {
        let variables = [&with_ops[..], &[("CASE", case)]].concat();
        assert_eq!(
            probed(directory, &variables),
            Some(1),
            "it does not run yet"
        );
        let _serving = Backend::start(&mut program(directory, &variables), port);
        assert_eq!(probed(directory, &variables), Some(0), "{case}");
        // It does speak TLS, and the plain port has the endpoints alone. The client of an earlier case has a connection that is gone.
        let client = trusting(&directory.join("crt.pem"));
        let url = format!("https://localhost:{port}/");
        let mut answer = client.get(&url).send().await.expect("it speaks TLS");
        assert_eq!(answer.body().await.expect("a body"), "the app");
        let ops = ([127, 0, 0, 1], ops).into();
        assert_eq!(get(ops, "/").expect("it listens").status, 404);
        assert_eq!(get(ops, "/__heartbeat__").expect("it listens").status, 200);
        // Without the port for operations, the command asks in plain HTTP what speaks TLS.
        assert_eq!(probed(directory, &with_ops[..1]), Some(1), "{case}");
    }
}

#[actix_web::test]
async fn a_service_with_a_server_of_its_own_that_speaks_tls_is_asked_at_a_plain_address() {
    let Some(directory) = with_certificate() else {
        return;
    };
    let directory = directory.path();
    let [port, plain] = [free_port(), free_port()];
    let [port_text, plain_text] = [port, plain].map(|port| port.to_string());
    let variables = [
        ("CASE", "own"),
        ("TLS_PORT", &*port_text),
        ("PORT", &*plain_text),
    ];
    let _serving = Backend::start(&mut program(directory, &variables), port);
    let client = trusting(&directory.join("crt.pem"));
    let url = format!("https://localhost:{port}/__lbheartbeat__");
    let answer = client.get(&url).send().await.expect("it speaks TLS");
    assert_eq!(answer.status(), 200);
    assert_eq!(probed(directory, &variables), Some(0));
}
