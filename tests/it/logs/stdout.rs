//! What happens to the service and its lines if stdout stops, ends or is full?

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    process::Stdio,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{command, dropped, lines, of_kind, schema::validate, serve, summaries};
use crate::support::{run, text};

#[test]
fn a_stdout_that_stops_for_ten_seconds_stops_no_request_and_every_lost_line_is_counted() {
    // The server's own lines are off, so every line is one of the test's.
    let variables = [
        ("WORKERS", "2"),
        ("LOG_LEVEL", "off,logs=info,request.summary=info"),
    ];
    let mut served = serve(&variables, Stdio::piped());
    let stdout = served.stdout();
    let began = Instant::now();
    let (requests, slowest) = (AtomicU64::new(0), Mutex::new(Duration::ZERO));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut stream = served.connect();
                while began.elapsed() < Duration::from_secs(10) {
                    let asked = Instant::now();
                    assert_eq!(stream.get("/flood").expect("it answers").status, 200);
                    let took = asked.elapsed();
                    let mut slowest = slowest.lock().expect("nobody panics with it");
                    *slowest = took.max(*slowest);
                    requests.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let slowest = *slowest.lock().expect("nobody panics with it");
    let logged = requests.load(Ordering::Relaxed) * 51;
    let reader = thread::spawn(move || lines(stdout));
    assert!(served.stop().success());
    let lines = reader.join().expect("every line is valid");
    let ours = lines
        .iter()
        .filter(|line| line.text("msg").starts_with("xxx"));
    let arrived = (ours.count() + summaries(&lines).len()) as u64;
    let dropped = dropped(&lines);
    println!(
        "{logged} lines logged, {arrived} arrived, {dropped} reported as dropped; the slowest request took {slowest:?}"
    );
    assert!(
        dropped > 0,
        "stdout was stopped for too short a time to prove anything"
    );
    assert_eq!(arrived + dropped, logged);
    assert!(
        slowest < Duration::from_secs(3),
        "a request waited: {slowest:?}"
    );
}

#[test]
fn a_reader_of_one_line_that_goes_away_neither_kills_nor_stalls_the_service() {
    let mut served = serve(&[], Stdio::piped());
    let mut first = Vec::new();
    BufReader::with_capacity(1, served.stdout())
        .read_until(b'\n', &mut first)
        .expect("a line");
    validate(first.trim_ascii_end()).expect("it is valid");
    let mut stream = served.connect();
    for _ in 0..2_000 {
        assert_eq!(stream.get("/").expect("it answers").status, 200);
    }
    assert!(served.stop().success());
    let complaints = served.stderr();
    assert_eq!(
        complaints.matches("log lines are lost").count(),
        1,
        "said once: {complaints}"
    );
}

#[test]
fn a_full_disk_behind_stdout_neither_kills_nor_stalls_the_service() {
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let mut served = serve(&[], full.into());
    let mut stream = served.connect();
    for _ in 0..500 {
        assert_eq!(stream.get("/").expect("it answers").status, 200);
    }
    assert!(served.stop().success());
}

#[test]
fn the_last_words_of_a_process_are_written_even_if_it_panics() {
    let mut command = command(&[]);
    command.arg("exit");
    let output = run(command);
    assert_eq!(
        output.status.code(),
        Some(101),
        "a panic of the main thread"
    );
    let lines = lines(&output.stdout[..]);
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.text("msg") == "last words")
            .count(),
        1000
    );
    let panics = of_kind(&lines, "panic");
    assert_eq!(panics.len(), 2);
    assert_eq!(
        (panics[0].text("msg"), panics[0].text("thread")),
        ("in a thread", "doomed")
    );
    assert_eq!(
        (panics[1].text("msg"), panics[1].text("thread")),
        ("and now the main thread", "main")
    );
    // The service never came up, so the person who started the program reads stderr.
    let stderr = text(&output.stderr);
    assert!(stderr.contains("and now the main thread"), "{stderr}");
}
