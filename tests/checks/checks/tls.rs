//! HTTP services with TLS: `openssl s_server`, with a certificate that is trusted, or not, or expired, or another host's.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use awc::{Client, Connector};
use dockerflow::health::{
    Level,
    checks::awc::{answers, answers_to},
};
use rustls::{
    ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject as _,
};
use support::{Backend, free_port, tool};
use tempfile::TempDir;

use crate::{expect, expect_ok};

const UNREACHABLE: &str = "dockerflow.health.http.unreachable";

/// Makes a certificate of its own for `name`, valid for so many days, and its key: `crt.pem` and `key.pem`.
pub(crate) fn make_certificate(openssl: &Path, directory: &Path, name: &str, days: &str) {
    let mut command = Command::new(openssl);
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]);
    command.args([
        "-subj",
        &format!("/CN={name}"),
        "-addext",
        &format!("subjectAltName=DNS:{name}"),
    ]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    command.args(["-days", days, "-keyout", "key.pem", "-out", "crt.pem"]);
    let output = command
        .current_dir(directory)
        .output()
        .expect("it is a program");
    assert!(output.status.success(), "{output:?}");
}

struct Served {
    port: u16,
    directory: TempDir,
    _process: Backend,
}

fn serve(openssl: &Path, name: &str) -> Served {
    let directory = TempDir::new().expect("a temporary directory");
    make_certificate(openssl, directory.path(), name, "30");
    let port = free_port();
    let mut command = Command::new(openssl);
    command.args([
        "s_server",
        "-www",
        "-cert",
        "crt.pem",
        "-key",
        "key.pem",
        "-accept",
        &port.to_string(),
    ]);
    command.current_dir(directory.path()).stdin(Stdio::null());
    Served {
        port,
        _process: Backend::start(&mut command, port),
        directory,
    }
}

/// A client that trusts the certificate in this file, and no other.
pub(crate) fn trusting(file: &Path) -> Client {
    let pem = fs::read(file).expect("a file");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots
            .add(certificate.expect("a certificate"))
            .expect("a certificate");
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = Connector::new().rustls_0_23(Arc::new(config));
    Client::builder()
        .disable_redirects()
        .connector(connector)
        .finish()
}

#[actix_web::test]
async fn a_certificate_is_verified() {
    let Some(openssl) = tool("openssl", &[]) else {
        return;
    };
    let _another_test_may_have = rustls::crypto::ring::default_provider().install_default();
    let served = serve(&openssl, "localhost");
    let url = format!("https://localhost:{}/", served.port);
    // Nobody has signed it but itself.
    let message = answers(&url).await;
    expect(
        message,
        Level::Error,
        UNREACHABLE,
        "invalid peer certificate: UnknownIssuer",
    );
    let client = trusting(&served.directory.path().join("crt.pem"));
    expect_ok(answers_to(client.get(&url)).await);
    let other = serve(&openssl, "another.example");
    let client = trusting(&other.directory.path().join("crt.pem"));
    let message = answers_to(client.get(format!("https://localhost:{}/", other.port))).await;
    expect(message, Level::Error, UNREACHABLE, "certificate");
    // Plain HTTP to a port of TLS, and TLS to a port of plain HTTP.
    let message = answers(&format!("http://localhost:{}/", served.port)).await;
    assert_eq!(message.level(), Level::Error, "{message:?}");
    let plain = super::http::Service::well();
    let message = answers(&format!("https://127.0.0.1:{}/", plain.port)).await;
    assert_eq!(message.level(), Level::Error, "{message:?}");
}
