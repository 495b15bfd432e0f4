//! No line is torn on a pipe to which others write as well.

use std::{
    io::{self, BufRead as _, BufReader, Read},
    process::Stdio,
    thread,
    time::Duration,
};

use super::{command, schema::validate};

/// How many lines of each kind the program writes.
const EACH: usize = 1_000;

/// Reads at most a little at a time, with a pause before each of the first reads.
struct Slow<R> {
    from: R,
    pauses: u32,
}

impl<R: Read> Read for Slow<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.pauses > 0 {
            self.pauses -= 1;
            thread::sleep(Duration::from_millis(1));
        }
        let most = into.len().min(1500);
        self.from.read(&mut into[..most])
    }
}

/// mozilla-services/Dockerflow#31: what several processes log to one pipe was torn.
#[test]
fn two_processes_that_log_and_print_on_one_pipe_with_a_slow_reader_tear_no_line() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let mut children: Vec<_> = ["one", "two"]
        .map(|name| {
            command(&[])
                .args(["beside", name, &EACH.to_string()])
                .stdout(Stdio::from(writer.try_clone().expect("a descriptor")))
                .stderr(Stdio::inherit())
                .spawn()
                .expect("the example starts")
        })
        .into();
    drop(writer);
    let slow = Slow {
        from: reader,
        pauses: 2_000,
    };
    let (mut printed, mut logged) = (0, 0);
    for line in BufReader::new(slow).split(b'\n') {
        let line = line.expect("a pipe can be read");
        let text = String::from_utf8_lossy(&line);
        if let Some(rest) = text.strip_prefix("printed by ") {
            let xs = rest.trim_start_matches("one ").trim_start_matches("two ");
            let (length, xs) = xs.split_once(' ').expect(&text);
            assert_eq!(length.parse(), Ok(xs.len()), "torn: {text}");
            printed += 1;
        } else {
            let line = validate(&line).unwrap_or_else(|fault| panic!("torn: {fault}: {text}"));
            logged += usize::from(line.kind == "logs");
        }
    }
    for child in &mut children {
        assert!(child.wait().expect("it is our child").success());
    }
    assert_eq!((printed, logged), (2 * EACH, 2 * EACH));
}
