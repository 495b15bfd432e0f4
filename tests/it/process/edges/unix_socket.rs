//! A Unix socket: served, announced, probed, removed.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{assert_refused, command, ends};
use crate::support::{PATIENCE, run, signal, text, until};

/// Sends a request over a Unix socket, and returns the response.
fn ask(socket: &std::path::Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("it answers");
    response
}

/// A program on a Unix socket: it has no port to write to stderr.
struct OnSocket {
    child: std::process::Child,
    stdout: std::process::ChildStdout,
}

impl OnSocket {
    fn start(mut command: Command, socket: &std::path::Path) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = child.stdout.take().expect("it is piped");
        until("it listens", || UnixStream::connect(socket).is_ok());
        Self { child, stdout }
    }

    /// Stops it, and returns its exit code and its log.
    fn stop(mut self) -> (Option<i32>, String) {
        signal(self.child.id(), "TERM");
        let mut log = String::new();
        self.stdout.read_to_string(&mut log).expect("text");
        (self.child.wait().expect("it ends").code(), log)
    }
}

#[test]
fn a_unix_socket_is_served_announced_probed_and_removed() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("app.sock");
    let host = format!("unix:{}", socket.display());
    // A killed process leaves its socket.
    drop(UnixListener::bind(&socket).expect("a new socket"));
    let serving = OnSocket::start(command("", &[("HOST", &host)]), &socket);
    assert!(ask(&socket, "/").ends_with("the app"));
    assert!(ask(&socket, "/__heartbeat__").starts_with("HTTP/1.1 200"));
    let probe = |host: &str| {
        let mut probe = command("", &[("HOST", host)]);
        probe.arg("healthcheck");
        run(probe)
    };
    assert_eq!(probe(&host).status.code(), Some(0));
    // A second one does not take the socket away.
    let second = ends("", &[("HOST", &host)]);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let expected = format!(
        "HOST: the socket {} is already in use by another process; choose another path\n",
        socket.display()
    );
    assert_eq!(text(&second.stderr), expected);
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains(&format!("listening on {host}\"")), "{log}");
    assert!(!socket.exists(), "it is removed");
    let gone = probe(&host);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains(&host), "{gone:?}");
    // A file is not a socket.
    fs::write(&socket, "precious").expect("a free disk");
    let output = ends("", &[("HOST", &host)]);
    assert_refused(&output, &["not a socket"]);
    assert_eq!(
        fs::read_to_string(&socket).expect("it is there"),
        "precious"
    );
}

#[test]
fn a_socket_that_the_program_has_bound_itself_is_announced_as_what_it_is() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("own.sock");
    let path = socket.display().to_string();
    let serving = OnSocket::start(command("own socket", &[("SOCKET", &path)]), &socket);
    assert!(ask(&socket, "/").ends_with("the app"));
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains(&format!("listening on unix:{path}\"")),
        "{log}"
    );
    assert!(!log.contains("8080"), "{log}");
    // A program that binds an address itself cannot be moved to a socket.
    let output = ends("own address", &[("HOST", "unix:/tmp/x.sock")]);
    assert_refused(
        &output,
        &["HOST is \"unix:/tmp/x.sock\", expected an IP address"],
    );
}

#[test]
fn a_path_that_cannot_be_a_socket_is_one_line_that_says_what_to_choose() {
    let long = format!("/tmp/{}", "x".repeat(120));
    for (path, part) in [
        (&*long, "choose a shorter path"),
        (
            "/nowhere/app.sock",
            "No such file or directory (os error 2); choose a path in a directory that this process can write to",
        ),
        (
            "/proc/app.sock",
            "choose a path in a directory that this process can write to",
        ),
        (
            "/etc/passwd/app.sock",
            "choose a path in a directory that this process can write to",
        ),
    ] {
        let output = ends("", &[("HOST", &format!("unix:{path}"))]);
        assert_refused(
            &output,
            &[
                &format!("HOST: the socket {path} cannot be created: "),
                part,
            ],
        );
    }
}
