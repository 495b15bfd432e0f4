//! A bounded queue of lines: any thread pushes without waiting for another, and one thread takes them in order.
//!
//! A push must not wait for a thread that the system has suspended. So there are several shards, each with a lock that is only
//! ever tried: a push whose own shard is in use goes to the next. While it holds the lock, it reserves the position of
//! its bytes in the stream of all bytes. The thread that takes them sorts them by that position.

use std::{
    cmp, fmt, io, mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use crate::lock::lock;

/// A buffer that has grown beyond this is not kept. At 30,000 requests a second, 5 ms of the log have 70 KB.
const KEPT: usize = 256 * 1024;

/// The handle by which threads put lines into the queue and flush it.
pub(crate) struct Queue {
    shards: Box<[Shard]>,
    /// How many bytes may be waiting or in the hands of the taker.
    bound: u64,
    /// How many bytes were ever accepted: the offset of the next ones in the stream.
    accepted: AtomicU64,
    /// How many of them the taker has finished.
    finished: AtomicU64,
    /// How many lines were ever lost.
    dropped: AtomicU64,
    /// How many of them the taker has reported.
    reported: AtomicU64,
    /// The offset in the stream whose acceptance wakes the taker; `u64::MAX` if none does.
    wake_at: AtomicU64,
    taker: OnceLock<Thread>,
    /// Whether a push has found no room since the taker last looked.
    refused: AtomicBool,
    closed: AtomicBool,
    /// How many flushes were ever asked for, and how many of them are done.
    flushes: AtomicU64,
    flushed: Mutex<u64>,
    flush_done: Condvar,
}

/// Part of the queue, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Pieces>);

/// Bytes, and their offsets in the stream.
#[derive(Debug, Default)]
struct Pieces {
    bytes: Vec<u8>,
    stretches: Vec<Stretch>,
}

/// Bytes that are contiguous both in the shard and in the stream.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    offset: u64,
    length: usize,
}

thread_local! {
    /// The number of this thread, which picks its shard.
    static HOME: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, SeqCst)
    };
}

impl Queue {
    /// Starts a thread that runs `serve`, and returns the queue that it serves. At most `bound` bytes are held.
    ///
    /// # Errors
    ///
    /// Those of [`thread::Builder::spawn`].
    pub(crate) fn spawn(
        thread: thread::Builder,
        bound: usize,
        serve: impl FnOnce(Taker) + Send + 'static,
    ) -> io::Result<Arc<Self>> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shards = (2 * cores).next_power_of_two().clamp(16, 64);
        let queue = Arc::new(Self {
            shards: (0..shards).map(|_| Shard::default()).collect(),
            bound: bound as u64,
            accepted: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            reported: AtomicU64::new(0),
            wake_at: AtomicU64::new(u64::MAX),
            taker: OnceLock::new(),
            refused: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            flushes: AtomicU64::new(0),
            flushed: Mutex::new(0),
            flush_done: Condvar::new(),
        });
        let taker = Taker::new(queue.clone());
        let handle = thread.spawn(move || serve(taker))?;
        queue.taker.get_or_init(|| handle.thread().clone());
        Ok(queue)
    }

    /// Queues whole lines, or counts them as lost if there is no room. Returns whether they were queued.
    pub(crate) fn push(&self, lines: &[u8]) -> bool {
        self.push_with(|into| into.extend_from_slice(lines))
    }

    /// Queues the whole lines that `write` appends. `write` runs within a lock: it must neither block nor run foreign code.
    pub(crate) fn push_with(&self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut shard = self.shard();
        let before = shard.bytes.len();
        write(&mut shard.bytes);
        let length = shard.bytes.len() - before;
        let Some(offset) = self.reserve(length) else {
            let lines = count_lines(&shard.bytes[before..]);
            shard.bytes.truncate(before);
            drop(shard);
            self.count_lost(lines);
            self.refused.store(true, SeqCst);
            self.wake(u64::MAX);
            return false;
        };
        shard.note(offset, length);
        drop(shard);
        self.wake(offset + length as u64);
        true
    }

    /// Locks a shard that no other thread uses.
    ///
    /// It waits only if every shard is in use. There are at least twice as many shards as cores.
    fn shard(&self) -> MutexGuard<'_, Pieces> {
        let home = HOME.with(|home| *home);
        let mask = self.shards.len() - 1;
        for step in 0..self.shards.len() {
            match self.shards[(home + step) & mask].0.try_lock() {
                Ok(pieces) => return pieces,
                Err(TryLockError::Poisoned(error)) => return error.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        lock(&self.shards[home & mask].0)
    }

    /// Reserves the next bytes of the stream, if there is room.
    fn reserve(&self, length: usize) -> Option<u64> {
        let room = self.bound.checked_sub(length as u64)?;
        let reserve = |accepted: u64| {
            let held = accepted.saturating_sub(self.finished.load(SeqCst));
            (held <= room).then_some(accepted + length as u64)
        };
        self.accepted.fetch_update(SeqCst, SeqCst, reserve).ok()
    }

    /// Wakes the taker if it waits for `offset` or less.
    fn wake(&self, offset: u64) {
        if self.wake_at.load(SeqCst) <= offset && self.wake_at.swap(u64::MAX, SeqCst) != u64::MAX {
            self.unpark();
        }
    }

    fn unpark(&self) {
        if let Some(taker) = self.taker.get() {
            taker.unpark();
        }
    }

    /// Counts lines that were lost, in this queue or after it.
    pub(crate) fn count_lost(&self, lines: u64) {
        self.dropped.fetch_add(lines, SeqCst);
    }

    /// How many lines were lost since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(SeqCst)
    }

    /// How many lost lines the taker has not reported yet.
    pub(crate) fn unreported(&self) -> u64 {
        let reported = self.reported.load(SeqCst);
        self.dropped().saturating_sub(reported)
    }

    /// Waits, for at most `limit`, until the taker has finished all that was queued so far. Returns whether it has.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let mine = self.flushes.fetch_add(1, SeqCst) + 1;
        self.unpark();
        let waited = self
            .flush_done
            .wait_timeout_while(lock(&self.flushed), limit, |done| *done < mine);
        *waited.unwrap_or_else(PoisonError::into_inner).0 >= mine
    }

    /// Tells the taker that nothing more will be queued.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
        self.unpark();
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped = self.dropped();
        formatter
            .debug_struct("Queue")
            .field("bound", &self.bound)
            .field("dropped", &dropped)
            .finish_non_exhaustive()
    }
}

impl Pieces {
    fn note(&mut self, offset: u64, length: usize) {
        match self.stretches.last_mut() {
            Some(last) if last.offset + last.length as u64 == offset => last.length += length,
            _ => self.stretches.push(Stretch { offset, length }),
        }
    }
}

/// The handle of the thread that takes lines out of the queue.
#[derive(Debug)]
pub(crate) struct Taker {
    queue: Arc<Queue>,
    /// The collected part of the stream from `finished` on. It may have gaps after what was handed out.
    window: Vec<u8>,
    /// How much of the window was handed out.
    taken: usize,
    finished: u64,
    /// The empty pieces that are swapped with a shard's.
    spare: Pieces,
    /// How many flushes were asked for before the last look.
    flushes: u64,
    flushed: u64,
}

impl Taker {
    fn new(queue: Arc<Queue>) -> Self {
        Self {
            queue,
            window: Vec::new(),
            taken: 0,
            finished: 0,
            spare: Pieces::default(),
            flushes: 0,
            flushed: 0,
        }
    }

    /// Returns the handle for those who push.
    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Waits until `enough` bytes are queued or a push has found no room, somebody flushes, the queue is closed, or `limit` has
    /// passed. If `enough` is `None`, neither bytes nor a full queue end it; if `limit` is `None`, no time does.
    pub(crate) fn wait(&self, enough: Option<usize>, limit: Option<Duration>) {
        let end = limit.map(|limit| Instant::now() + limit);
        let wake_at = enough.map_or(u64::MAX, |enough| self.finished + enough as u64);
        loop {
            // In this order, so that whoever pushes after the look sees where to wake.
            self.queue.wake_at.store(wake_at, SeqCst);
            if self.is_due(enough, wake_at) {
                break;
            }
            match end.map(|end| end.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => break,
                Some(left) => thread::park_timeout(left),
            }
        }
        self.queue.wake_at.store(u64::MAX, SeqCst);
    }

    fn is_due(&self, enough: Option<usize>, wake_at: u64) -> bool {
        let queue = &self.queue;
        let full = || queue.accepted.load(SeqCst) >= wake_at || queue.refused.load(SeqCst);
        self.is_flushing() || self.is_closed() || (enough.is_some() && full())
    }

    /// Whether the queue is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.queue.closed.load(SeqCst)
    }

    /// Whether somebody waits for a flush.
    pub(crate) fn is_flushing(&self) -> bool {
        self.queue.flushes.load(SeqCst) != self.flushed
    }

    /// Tells the threads that flush that nothing can be taken yet.
    pub(crate) fn skip(&mut self) {
        self.flushes = self.queue.flushes.load(SeqCst);
        self.end_flushes();
    }

    /// Returns all that was queued before the call, in order. It counts as held until [`Taker::finish`].
    pub(crate) fn take(&mut self) -> &[u8] {
        // Whoever asked for a flush had pushed before.
        self.flushes = self.queue.flushes.load(SeqCst);
        self.queue.refused.store(false, SeqCst);
        // The stream up to here is complete: its bytes were reserved within the locks that this now takes.
        let end = self.queue.accepted.load(SeqCst);
        for shard in &self.queue.shards {
            let mut pieces = lock(&shard.0);
            if pieces.stretches.is_empty() {
                continue;
            }
            mem::swap(&mut *pieces, &mut self.spare);
            drop(pieces);
            match &self.spare.stretches[..] {
                // All are the next bytes of the stream: they become the window, without a copy.
                [only] if self.window.is_empty() && only.offset == self.finished => {
                    mem::swap(&mut self.window, &mut self.spare.bytes);
                }
                stretches => {
                    let mut bytes = &self.spare.bytes[..];
                    for stretch in stretches {
                        let (piece, rest) = bytes.split_at(stretch.length);
                        let at = distance(self.finished, stretch.offset);
                        copy_into(&mut self.window, at, piece);
                        bytes = rest;
                    }
                }
            }
            self.spare.stretches.clear();
            self.spare.bytes.clear();
            self.spare.bytes.shrink_to(KEPT);
            self.spare.stretches.shrink_to(KEPT / size_of::<Stretch>());
        }
        self.taken = distance(self.finished, end);
        &self.window[..self.taken]
    }

    /// Marks what was taken last as finished, and `reported` lost lines as reported.
    pub(crate) fn finish(&mut self, reported: u64) {
        self.window.drain(..self.taken);
        self.window.shrink_to(KEPT);
        self.finished += self.taken as u64;
        self.taken = 0;
        self.queue.finished.store(self.finished, SeqCst);
        self.queue.reported.fetch_add(reported, SeqCst);
        self.end_flushes();
    }

    fn end_flushes(&mut self) {
        if self.flushed != self.flushes {
            self.flushed = self.flushes;
            *lock(&self.queue.flushed) = self.flushed;
            self.queue.flush_done.notify_all();
        }
    }
}

/// Copies `piece` to `at`, and extends the window if it ends before that.
fn copy_into(window: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if at == window.len() {
        window.extend_from_slice(piece);
    } else {
        let end = at + piece.len();
        window.resize(cmp::max(end, window.len()), 0);
        window[at..end].copy_from_slice(piece);
    }
}

/// The distance from `from` to `to` in the stream. All of it is held, so it is at most the bound.
fn distance(from: u64, to: u64) -> usize {
    usize::try_from(to - from).expect("what is held fits in memory")
}

/// Returns as many whole lines from the beginning of `lines` as fit into `most` bytes, and at least one.
pub(crate) fn first_lines(lines: &[u8], most: usize) -> &[u8] {
    let Some(within) = lines.get(..most) else {
        return lines;
    };
    let end = within.iter().rposition(|byte| *byte == b'\n');
    let end = end.or_else(|| lines.iter().position(|byte| *byte == b'\n'));
    end.map_or(lines, |end| &lines[..=end])
}

/// How many lines end in `bytes`.
#[allow(clippy::naive_bytecount, reason = "it counts only what is lost")]
pub(crate) fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A queue whose taker hands on what it takes, until it is closed.
    fn start(bound: usize) -> (Arc<Queue>, mpsc::Receiver<Vec<u8>>) {
        let (sender, receiver) = mpsc::channel();
        let serve = move |mut taker: Taker| {
            while !taker.is_closed() {
                taker.wait(Some(1), None);
                let bytes = taker.take().to_vec();
                sender.send(bytes).expect("the test listens");
                taker.finish(taker.queue().unreported());
            }
        };
        let queue = Queue::spawn(thread::Builder::new(), bound, serve).expect("a thread");
        (queue, receiver)
    }

    /// What the taker took until the queue was closed.
    fn end(queue: &Queue, receiver: &mpsc::Receiver<Vec<u8>>) -> String {
        assert!(queue.flush(Duration::from_secs(30)));
        queue.close();
        String::from_utf8(receiver.iter().flatten().collect()).expect("text")
    }

    /// The numbers after `name` in each line that begins with it.
    fn numbers<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = u64> {
        text.lines()
            .filter_map(move |line| line.strip_prefix(name)?.parse().ok())
    }

    #[test]
    fn lines_of_a_thread_stay_in_order_and_none_is_lost_or_torn() {
        const EACH: u64 = 20_000;
        let (queue, receiver) = start(usize::MAX >> 1);
        thread::scope(|scope| {
            for name in 'a'..='h' {
                let queue = &queue;
                scope.spawn(move || {
                    for number in 0..EACH {
                        assert!(queue.push(format!("{name}{number}\n").as_bytes()));
                    }
                });
            }
        });
        let text = end(&queue, &receiver);
        assert_eq!(text.lines().count() as u64, 8 * EACH);
        for name in 'a'..='h' {
            assert!(numbers(&text, &name.to_string()).eq(0..EACH), "{name}");
        }
        assert_eq!(queue.dropped(), 0);
    }

    #[test]
    fn a_line_that_answers_another_threads_line_stands_after_it() {
        let (queue, receiver) = start(usize::MAX >> 1);
        let turn = AtomicU64::new(0);
        thread::scope(|scope| {
            for mine in 0..4 {
                let (queue, turn) = (&queue, &turn);
                scope.spawn(move || {
                    for round in 0..2_000 {
                        let number = 4 * round + mine;
                        while turn.load(SeqCst) != number {
                            thread::yield_now();
                        }
                        assert!(queue.push(format!("n{number}\n").as_bytes()));
                        turn.store(number + 1, SeqCst);
                    }
                });
            }
        });
        assert!(numbers(&end(&queue, &receiver), "n").eq(0..8_000));
    }

    #[test]
    fn a_push_goes_around_threads_that_are_suspended_inside_theirs() {
        let (queue, receiver) = start(1 << 20);
        let (entered, inside) = mpsc::channel();
        thread::scope(|scope| {
            let mut held = Vec::new();
            for number in 0..8 {
                let (release, released) = mpsc::channel::<()>();
                let (queue, entered) = (&queue, entered.clone());
                scope.spawn(move || {
                    queue.push_with(|into| {
                        entered.send(()).expect("the test listens");
                        let _ = released.recv();
                        into.extend_from_slice(format!("late{number}\n").as_bytes());
                    });
                });
                inside.recv().expect("it is inside its push");
                held.push(release);
            }
            let pushing = scope.spawn(|| {
                for number in 0..1_000 {
                    assert!(queue.push(format!("n{number}\n").as_bytes()));
                }
            });
            let end = Instant::now() + Duration::from_secs(30);
            while !pushing.is_finished() {
                assert!(Instant::now() < end, "a push waits for another");
                thread::sleep(Duration::from_millis(1));
            }
        });
        let text = end(&queue, &receiver);
        assert!(numbers(&text, "n").eq(0..1_000));
        assert_eq!(numbers(&text, "late").count(), 8);
    }

    #[test]
    fn what_is_held_keeps_to_the_bound_and_each_line_without_room_is_counted() {
        let (release, released) = mpsc::channel::<()>();
        let serve = move |mut taker: Taker| {
            let _ = released.recv();
            taker.wait(Some(1), None);
            assert_eq!(taker.take().len(), 100);
            assert_eq!(taker.queue().unreported(), 3 * 4);
            taker.finish(12);
        };
        let queue = Queue::spawn(thread::Builder::new(), 100, serve).expect("a thread");
        for _ in 0..10 {
            assert!(queue.push(b"ten bytes\n"));
        }
        for _ in 0..3 {
            assert!(!queue.push(b"a\nb\nc\nd\n"));
        }
        assert_eq!((queue.dropped(), queue.unreported()), (12, 12));
        drop(release);
        assert!(queue.flush(Duration::from_secs(30)));
        assert_eq!((queue.dropped(), queue.unreported()), (12, 0));
        assert!(queue.push(b"there is room again\n"));
    }

    #[test]
    fn a_line_longer_than_the_bound_is_counted_and_wakes_the_taker() {
        let (queue, receiver) = start(8);
        assert!(!queue.push(b"nine byte\n"));
        assert_eq!(
            receiver.recv_timeout(Duration::from_secs(30)).as_deref(),
            Ok(&b""[..])
        );
        assert_eq!(queue.dropped(), 1);
        end(&queue, &receiver);
    }

    #[test]
    fn with_little_room_lines_are_either_taken_or_counted() {
        const EACH: u64 = 5_000;
        let (queue, receiver) = start(64);
        thread::scope(|scope| {
            for name in 'a'..='d' {
                let queue = &queue;
                scope.spawn(move || {
                    for number in 0..EACH {
                        queue.push(format!("{name}{number}\n").as_bytes());
                    }
                });
            }
        });
        let text = end(&queue, &receiver);
        assert_eq!(text.lines().count() as u64 + queue.dropped(), 4 * EACH);
        for name in 'a'..='d' {
            assert!(numbers(&text, &name.to_string()).is_sorted(), "{name}");
        }
    }

    #[test]
    fn pieces_end_where_lines_do() {
        for (lines, most, first) in [
            ("", 4, ""),
            ("a\nb\n", 4, "a\nb\n"),
            ("a\nb\nc\n", 4, "a\nb\n"),
            ("a\nbbb\nc\n", 4, "a\n"),
            ("aaaa\nb\n", 4, "aaaa\n"),
            ("aaaaaa", 4, "aaaaaa"),
        ] {
            assert_eq!(first_lines(lines.as_bytes(), most), first.as_bytes());
        }
    }

    #[test]
    fn a_flush_ends_in_time_if_the_taker_does_not_come() {
        let (release, released) = mpsc::channel::<()>();
        let serve = move |_taker: Taker| {
            let _ = released.recv();
        };
        let queue = Queue::spawn(thread::Builder::new(), 100, serve).expect("a thread");
        assert!(queue.push(b"a line\n"));
        let began = Instant::now();
        assert!(!queue.flush(Duration::from_millis(20)));
        assert!(began.elapsed() >= Duration::from_millis(20));
        assert!(began.elapsed() < Duration::from_secs(10));
        drop(release);
    }
}
