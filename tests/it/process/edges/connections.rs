//! Times and limits of connections.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use super::start;
use crate::support::PATIENCE;

#[test]
fn a_connection_is_kept_alive_as_long_as_the_variable_says() {
    for (time, open) in [("0", false), ("60s", true)] {
        let serving = start("", &[("DOCKERFLOW_KEEP_ALIVE", time)]);
        let mut connection = serving.connect();
        let first = connection.get("/").expect("it serves");
        assert_eq!(first.closes(), !open, "{time}");
    }
    // actix-web's own default is 5 s.
    let serving = start("", &[("DOCKERFLOW_KEEP_ALIVE", "1s")]);
    let mut connection = serving.connect();
    connection.get("/").expect("it serves");
    let began = Instant::now();
    let mut stream = connection.into_stream();
    assert_eq!(stream.read(&mut [0; 1]).expect("it closes"), 0);
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_client_that_never_ends_its_head_is_cut_off_after_the_time_of_the_variable() {
    let serving = start("", &[("DOCKERFLOW_CLIENT_REQUEST_TIMEOUT", "500ms")]);
    let mut stream = TcpStream::connect(serving.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    let began = Instant::now();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: ")
        .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it closes");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_worker_accepts_as_many_connections_as_the_variable_says() {
    let serving = start(
        "",
        &[
            ("WORKERS", "1"),
            ("DOCKERFLOW_MAX_CONNECTIONS", "2"),
            ("DOCKERFLOW_KEEP_ALIVE", "60s"),
        ],
    );
    let mut first = serving.connect();
    let mut second = serving.connect();
    first.get("/").expect("it serves");
    second.get("/").expect("it serves");
    let mut third = serving.connect();
    third.ask("/").expect("the system accepts");
    thread::sleep(Duration::from_millis(300));
    drop(first);
    drop(second);
    assert_eq!(third.answer().expect("it serves").status, 200);
}
