//! No line is lost, torn or out of order, and a flush covers what was pushed before it.

use std::{sync::Arc, time::Duration};

use shuttle::{sync::Mutex, thread};

use crate::{
    check,
    queue::{Queue, Taker},
};

/// A queue whose taker keeps what it takes, until it is closed.
fn start(bound: usize) -> (Arc<Queue>, Arc<Mutex<Vec<u8>>>) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let kept = taken.clone();
    let serve = move |mut taker: Taker| {
        loop {
            taker.wait(Some(1), None);
            let is_closed = taker.is_closed();
            let bytes = taker.take().to_vec();
            kept.lock().expect("no panic").extend_from_slice(&bytes);
            taker.finish(taker.queue().unreported());
            if is_closed {
                break;
            }
        }
    };
    let queue = Queue::spawn(thread::Builder::new(), bound, serve).expect("a thread");
    (queue, taken)
}

/// The lines that were taken until now.
fn lines(taken: &Mutex<Vec<u8>>) -> Vec<String> {
    let bytes = taken.lock().expect("no panic").clone();
    let text = String::from_utf8(bytes).expect("no line is torn");
    text.lines().map(ToOwned::to_owned).collect()
}

/// A flush waits for as long as it takes: shuttle's clock stands still.
fn flush(queue: &Queue) {
    assert!(queue.flush(Duration::from_secs(1)), "a flush ends");
}

#[test]
fn lines_of_three_threads_all_arrive_and_each_threads_are_in_order() {
    check(|| {
        let (queue, taken) = start(1 << 20);
        let pushing: Vec<_> = (0..3)
            .map(|thread| {
                let queue = queue.clone();
                thread::spawn(move || {
                    for line in 0..2 {
                        assert!(queue.push(format!("{thread} {line}\n").as_bytes()));
                    }
                })
            })
            .collect();
        for thread in pushing {
            thread.join().expect("it pushes");
        }
        flush(&queue);
        let lines = lines(&taken);
        assert_eq!(lines.len(), 6, "{lines:?}");
        for thread in 0..3 {
            let name = format!("{thread} ");
            let own: Vec<_> = lines
                .iter()
                .filter(|line| line.starts_with(&name))
                .collect();
            assert_eq!(own, [&format!("{thread} 0"), &format!("{thread} 1")]);
        }
        queue.close();
    });
}

#[test]
fn a_flush_covers_what_its_thread_has_pushed_while_others_push() {
    check(|| {
        let (queue, taken) = start(1 << 20);
        let other = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push(b"other\n");
                flush(&queue);
            })
        };
        queue.push(b"mine\n");
        flush(&queue);
        assert!(lines(&taken).contains(&"mine".to_owned()));
        other.join().expect("its flush ends");
        assert!(lines(&taken).contains(&"other".to_owned()));
        queue.close();
    });
}

#[test]
fn a_line_that_follows_another_of_whatever_thread_stands_after_it() {
    check(|| {
        let (queue, taken) = start(1 << 20);
        let first = {
            let queue = queue.clone();
            thread::spawn(move || queue.push(b"first\n"))
        };
        let noise = {
            let queue = queue.clone();
            thread::spawn(move || queue.push(b"noise\n"))
        };
        first.join().expect("it pushes");
        queue.push(b"second\n");
        noise.join().expect("it pushes");
        flush(&queue);
        let lines = lines(&taken);
        let place = |line: &str| lines.iter().position(|one| one == line);
        assert!(place("first") < place("second"), "{lines:?}");
        assert!(place("noise").is_some(), "{lines:?}");
        queue.close();
    });
}

#[test]
fn a_full_queue_loses_whole_lines_counts_each_and_goes_on() {
    check(|| {
        let (queue, taken) = start(8);
        let pushing: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                thread::spawn(move || u64::from(queue.push(b"12345\n")))
            })
            .collect();
        let accepted: u64 = pushing
            .into_iter()
            .map(|one| one.join().expect("it pushes"))
            .sum();
        flush(&queue);
        let arrived = lines(&taken);
        assert_eq!(arrived.len() as u64, accepted);
        assert!(arrived.iter().all(|line| line == "12345"), "{arrived:?}");
        assert_eq!(queue.dropped() + accepted, 3);
        assert!(accepted >= 1, "the first one finds room");
        flush(&queue);
        assert_eq!(queue.unreported(), 0);
        queue.close();
    });
}

#[test]
fn what_was_pushed_before_the_end_is_taken_before_it() {
    check(|| {
        let (queue, taken) = start(1 << 20);
        queue.push(b"last\n");
        queue.close();
        // The taker's thread is the only one that is left.
        while lines(&taken).is_empty() {
            thread::yield_now();
        }
        assert_eq!(lines(&taken), ["last"]);
    });
}
