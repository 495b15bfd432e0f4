//! What systemd is told, and what it gives.

use std::{
    io::Read as _,
    net::TcpStream,
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::start;
use crate::support::{PATIENCE, free_port, get, program, text, tool, until};

#[test]
fn systemd_hears_when_the_service_is_up_and_when_it_stops() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a new socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time");
    let receive = || {
        let mut bytes = [0; 64];
        let count = socket.recv(&mut bytes).expect("a state");
        text(&bytes[..count])
    };
    let serving = start("", &[("NOTIFY_SOCKET", &path.display().to_string())]);
    assert_eq!(receive(), "READY=1");
    assert_eq!(serving.get("/").status, 200);
    serving.signal("TERM");
    assert_eq!(receive(), "STOPPING=1");
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn a_socket_that_systemd_has_opened_is_served() {
    let Some(activate) = tool("systemd-socket-activate", &[]) else {
        return;
    };
    let port = free_port().to_string();
    let mut command = Command::new(activate);
    command
        .env_clear()
        .args(["--listen", &format!("127.0.0.1:{port}")]);
    // It gives its child what it names, and the socket.
    let environment = ["CASE=listenfd", "PORT=1", "HOST=192.0.2.1"];
    command.args(environment.map(|variable| format!("--setenv={variable}")));
    command
        .arg(program("edges"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let address = ([127, 0, 0, 1], port.parse().expect("a port")).into();
    until("systemd listens", || TcpStream::connect(address).is_ok());
    // The first connection starts the service. It has a socket that listens, and so does not take HOST and PORT.
    assert_eq!(get(address, "/").expect("it serves").body, "the app");
    assert_eq!(
        get(address, "/__heartbeat__").expect("it serves").status,
        200
    );
    let kill = format!("kill -TERM {}", child.id());
    Command::new("sh")
        .args(["-c", &kill])
        .status()
        .expect("a shell");
    let mut log = String::new();
    let mut stdout = child.stdout.take().expect("it is piped");
    stdout.read_to_string(&mut log).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{log}");
    assert!(
        log.contains(&format!("listening on http://127.0.0.1:{port}\"")),
        "{log}"
    );
    assert!(log.contains("\"stopped\""), "{log}");
}
