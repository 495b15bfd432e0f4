//! What does the command `healthcheck` ask, and what does it take for healthy?

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    thread,
};

use super::{command, start};
use crate::support::{Process, get, is_root, listen, program, run, skip, text, unshare};

/// Returns the exit code of the command for a service at this address.
fn probed(host: &str, port: u16) -> Option<i32> {
    let mut probe = command("", &[("HOST", host), ("PORT", &port.to_string())]);
    probe.arg("healthcheck");
    run(probe).status.code()
}

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
    let (listener, port) = listen();
    let port = port.to_string();
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

#[test]
fn a_healthcheck_of_ipv6_asks_ipv6_and_of_two_colons_what_there_is() {
    if TcpListener::bind("[::1]:0").is_err() {
        return skip("this machine has no IPv6");
    }
    for host in ["::1", "[::1]"] {
        let serving = start("", &[("HOST", host)]);
        assert!(serving.address().is_ipv6(), "{:?}", serving.address());
        assert_eq!(probed(host, serving.port()), Some(0), "{host}");
        assert_eq!(probed("127.0.0.1", serving.port()), Some(1), "{host}");
    }
    let serving = start("", &[("HOST", "::")]);
    for host in ["::", "[::]", "::1", "127.0.0.1", "0.0.0.0"] {
        assert_eq!(probed(host, serving.port()), Some(0), "{host}");
    }
    // What listens on the port of IPv4 is another service.
    let other = start("", &[("HOST", "127.0.0.1")]);
    assert_eq!(probed("::1", other.port()), Some(1));
    // The port for operations has the host of the service, unless it has its own.
    let (_, ops) = listen();
    let ops_text = ops.to_string();
    let variables = [("HOST", "::1"), ("DOCKERFLOW_OPS_PORT", &*ops_text)];
    let serving = start("", &variables);
    let at_ops = ([0, 0, 0, 0, 0, 0, 0, 1], ops).into();
    assert_eq!(get(at_ops, "/").expect("it listens").status, 404);
    let mut probe = command("", &variables);
    probe.arg("healthcheck");
    assert_eq!(run(probe).status.code(), Some(0));
    drop(serving);
}

#[test]
fn a_service_at_two_colons_in_a_network_without_ipv6_is_found_healthy() {
    // As in Docker's default network, whose containers have the module of IPv6 and no address.
    let setup = "ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6";
    let isolated = |script: &str| {
        let mut command = unshare();
        command.args(["--net", "sh", "-c", &format!("{setup} && {script}")]);
        command
    };
    if !isolated("true")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return skip("this machine lets nobody make a network");
    }
    let mut serve = isolated("exec \"$PROGRAM\"");
    serve.env("PROGRAM", program("edges"));
    serve.envs([
        ("HOST", "::"),
        ("PORT", "0"),
        ("DOCKERFLOW_DRAIN_DELAY", "0s"),
    ]);
    let serving = Process::start(serve);
    let mut probe = Command::new("nsenter");
    probe.args(["--target", &serving.id().to_string(), "--net"]);
    if !is_root() {
        probe.args(["--user", "--preserve-credentials"]);
    }
    probe.arg("--").arg(program("edges")).arg("healthcheck");
    probe.envs([("HOST", "::"), ("PORT", &*serving.port().to_string())]);
    let output = run(probe);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serving.signal("TERM");
    assert_eq!(serving.end().0.code(), Some(0));
}
