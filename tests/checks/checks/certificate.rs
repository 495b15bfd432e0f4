//! Files of certificates that `openssl` has made: valid for long, for a short time, no longer, and what is not one.

use std::{fs, path::Path, time::Duration};

use dockerflow::{
    Message,
    health::{Level, checks},
};
use support::tool;
use tempfile::TempDir;

use crate::{expect, expect_ok, tls::make_certificate};

const DAY: Duration = Duration::from_secs(24 * 3600);
const ID: &str = "dockerflow.health.certificate";

fn check(file: &Path) -> Message {
    checks::certificate::file(file, 21 * DAY, 7 * DAY)
}

#[test]
fn the_certificate_of_a_file_that_expires_first_is_compared_with_both_bounds() {
    let Some(openssl) = tool("openssl", &[]) else {
        return;
    };
    let directory = TempDir::new().expect("a temporary directory");
    let (file, key) = (
        directory.path().join("crt.pem"),
        directory.path().join("key.pem"),
    );
    let make = |days: &str| {
        make_certificate(&openssl, directory.path(), "shop.example", days);
        fs::read_to_string(&file).expect("a file")
    };
    expect(check(&file), Level::Error, ID, "cannot read");
    let long = make("90");
    let message = check(&file);
    expect_ok(message.clone());
    assert!(
        format!("{message:?}").contains("(\"days_left\", Number(89))"),
        "{message:?}"
    );
    let short = make("14");
    expect(check(&file), Level::Warning, ID, "expires at 20");
    let shortest = make("3");
    expect(check(&file), Level::Error, ID, "expires at 20");
    fs::write(&file, format!("{long}{short}")).expect("a free disk");
    expect(check(&file), Level::Warning, ID, "expires at");
    let key = fs::read_to_string(key).expect("a file");
    fs::write(&file, format!("{key}subject=CN = shop.example\n{long}")).expect("a free disk");
    expect_ok(check(&file));
    fs::write(&file, format!("{long}{short}{shortest}")).expect("a free disk");
    expect(check(&file), Level::Error, ID, "expires at");
    fs::write(&file, long.replace('\n', "\r\n")).expect("a free disk");
    expect_ok(check(&file));
}

#[test]
fn a_certificate_that_has_expired_or_is_not_valid_yet_is_an_error() {
    let Some(openssl) = tool("openssl", &[]) else {
        return;
    };
    let directory = TempDir::new().expect("a temporary directory");
    make_certificate(&openssl, directory.path(), "shop.example", "30");
    let key = directory.path().join("key.pem");
    // `openssl x509` cannot choose both times; `openssl ca` can.
    for (begin, end, text) in [
        (
            "20200101000000Z",
            "20210101000000Z",
            "has expired at 2021-01-01T00:00:00Z",
        ),
        (
            "20990101000000Z",
            "21000101000000Z",
            "is not valid before 2099-01-01T00:00:00Z",
        ),
    ] {
        let file = issue(&openssl, directory.path(), &key, begin, end);
        expect(check(&file), Level::Error, ID, text);
    }
}

/// Issues a certificate that is valid from `begin` to `end`.
fn issue(
    openssl: &Path,
    directory: &Path,
    key: &Path,
    begin: &str,
    end: &str,
) -> std::path::PathBuf {
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(openssl)
            .args(arguments)
            .current_dir(directory)
            .output();
        let output = output.expect("it is a program");
        assert!(output.status.success(), "{output:?}");
    };
    let key = key.to_str().expect("UTF-8");
    fs::write(
        directory.join("ca.cnf"),
        "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nnew_certs_dir = .\nserial = serial\npolicy = any\ndefault_md = sha256\n[any]\ncommonName = supplied\n",
    )
    .expect("a free disk");
    fs::write(directory.join("index.txt"), "").expect("a free disk");
    fs::write(directory.join("serial"), "01\n").expect("a free disk");
    run(&[
        "req",
        "-new",
        "-key",
        key,
        "-subj",
        "/CN=shop.example",
        "-out",
        "request.pem",
    ]);
    run(&[
        "ca",
        "-batch",
        "-config",
        "ca.cnf",
        "-selfsign",
        "-keyfile",
        key,
        "-in",
        "request.pem",
        "-out",
        "issued.pem",
        "-startdate",
        begin,
        "-enddate",
        end,
    ]);
    directory.join("issued.pem")
}

#[test]
fn a_file_without_a_certificate_that_can_be_read_is_an_error() {
    let directory = TempDir::new().expect("a temporary directory");
    let file = directory.path().join("crt.pem");
    for (content, text) in [
        ("", "has no certificate in PEM form"),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", // pragma: allowlist secret
            "has no certificate",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "cannot be read",
        ),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----", "cannot be read"),
        (
            "-----BEGIN CERTIFICATE-----\n\u{e4}\n-----END CERTIFICATE-----\n",
            "cannot be read",
        ),
    ] {
        fs::write(&file, content).expect("a free disk");
        expect(check(&file), Level::Error, ID, text);
    }
    fs::write(&file, [0xff; 100]).expect("a free disk");
    expect(check(&file), Level::Error, ID, "cannot read");
    expect(check(directory.path()), Level::Error, ID, "cannot read");
}
