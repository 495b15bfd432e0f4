//! What does the command `healthcheck` ask, and what does it take for healthy?

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use super::command;
use crate::support::{run, text};

#[test]
fn a_wrong_argument_of_healthcheck_exits_with_1_as_docker_reserves_2() {
    for arguments in [&["healthcheck", "8000"][..], &["--port", "healthcheck"]] {
        let mut command = command("", &[]);
        command.args(arguments);
        let output = run(command);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains("the argument is"));
    }
}

#[test]
fn a_healthcheck_of_a_host_of_two_colons_asks_ipv4_where_there_is_no_ipv6() {
    // What listens on IPv4 alone looks like `::` in a container without IPv6.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener
        .local_addr()
        .expect("it is bound")
        .port()
        .to_string();
    for (status, code) in [
        ("200 OK", 0),
        ("200\r\n", 0),
        ("2000 OK", 1),
        ("204 No", 1),
        ("20", 1),
    ] {
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().expect("the probe comes");
                let mut bytes = [0; 1024];
                let count = stream.read(&mut bytes).expect("a request");
                assert!(bytes[..count].starts_with(b"GET /__lbheartbeat__ HTTP/1.1\r\n"));
                let answer = format!("HTTP/1.1 {status}\r\n\r\n");
                stream.write_all(answer.as_bytes()).expect("it reads");
            });
            let mut probe = command("", &[("HOST", "::"), ("PORT", &port)]);
            probe.arg("healthcheck");
            let output = run(probe);
            assert_eq!(output.status.code(), Some(code), "{status}: {output:?}");
        });
    }
}
