//! The thread that sends lines to the statsd server, follows its address, and counts the lines that are lost.

use std::{
    cmp, io,
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{address::Link, line::LONGEST, own::Own};
use crate::queue::{Taker, count_lines, first_lines};

const TARGET: &str = "dockerflow.metrics";

/// Looks a server's addresses up.
pub(crate) type Resolve = dyn Fn() -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// How often the sender sends, and how often it looks its server up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Lines wait for so long at most, and the gauges are read so often.
    pub(crate) flush: Duration,
    /// The server is looked up again after so long.
    pub(crate) resolve: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            flush: Duration::from_secs(1),
            resolve: Duration::from_secs(30),
        }
    }
}

pub(super) struct Sender {
    name: String,
    resolve: Arc<Resolve>,
    own: Arc<dyn Own>,
    pace: Pace,
    link: Option<Link>,
    /// The addresses of the last answer, for when one refuses.
    peers: Vec<SocketAddr>,
    /// A pending answer of the system's resolver, which may take long.
    asked: Option<mpsc::Receiver<io::Result<Vec<SocketAddr>>>>,
    /// When to ask it again.
    due: Instant,
    /// When the other addresses were tried, because this one refused.
    tried: Option<Instant>,
    /// The trouble that a warning was logged about and that has not ended yet.
    trouble: Option<Trouble>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    NotFound,
    Refused,
}

impl Sender {
    /// So many bytes at once are good for a server, whose socket takes some 200 KiB by default.
    const BATCH: usize = 16 * 1024;
    /// The shortest pause between two batches.
    const SHORTEST: Duration = Duration::from_millis(5);

    pub(super) fn new(name: String, resolve: Arc<Resolve>, own: Arc<dyn Own>, pace: Pace) -> Self {
        Self {
            name,
            resolve,
            own,
            pace,
            link: None,
            peers: Vec::new(),
            asked: None,
            due: Instant::now(),
            tried: None,
            trouble: None,
        }
    }

    /// Sends until the queue is closed. A push wakes this thread only if `full` bytes have gathered, which is rare because the
    /// pauses between batches follow the load: a push that wakes a thread may lose its core to it.
    pub(super) fn run(mut self, mut taker: Taker, full: usize) {
        let queue = taker.queue().clone();
        let mut pause = self.pace.flush;
        let mut own_sent = Instant::now();
        let mut ended = false;
        while !ended {
            self.look_up();
            // Lines that could not be sent are not a reason to wake this thread.
            let enough = self.link.is_some().then_some(full);
            taker.wait(enough, Some(pause));
            ended = taker.is_closed();
            let urgent = ended || taker.is_flushing();
            if urgent {
                self.await_answer();
            }
            if self.link.is_none() && self.asked.is_some() && !ended {
                // The first answer of the resolver is still to come: until then the lines wait.
                taker.skip();
                continue;
            }
            let lost = queue.unreported();
            let reported = (urgent || own_sent.elapsed() >= self.pace.flush) && {
                own_sent = Instant::now();
                self.send_own(lost)
            };
            let lines = taker.take();
            pause = next_pause(pause, lines.len(), self.pace.flush);
            queue.count_lost(self.send(lines));
            taker.finish(if reported { lost } else { 0 });
        }
    }

    /// Sends the gauges of the process and how many lines were lost. Returns whether that was possible.
    fn send_own(&mut self, lost: u64) -> bool {
        let mut own = String::new();
        self.own.lines(lost, &mut own);
        let sent = self.send(own.as_bytes()) == 0;
        if sent {
            self.own.sent();
        }
        sent
    }

    /// Sends `lines` and returns how many of them are lost.
    fn send(&mut self, lines: &[u8]) -> u64 {
        let mut lost = 0;
        let mut before = 0;
        for datagram in datagrams(lines, LONGEST) {
            let count = count_lines(datagram) + 1;
            let Some(link) = self.link.as_ref().filter(|_| datagram.len() <= LONGEST) else {
                lost += count;
                continue;
            };
            let Err(error) = link.send(datagram) else {
                before = count;
                continue;
            };
            self.link_refused(&error);
            // If there was a datagram before, the error was that one's, and this one has not been sent.
            let again = before > 0 && {
                lost += before;
                let link = self.link.as_ref();
                link.is_some_and(|link| link.send(datagram).is_ok())
            };
            before = if again { count } else { 0 };
            lost += count - before;
        }
        let refusal = self.link.as_ref().and_then(Link::take_refusal);
        if before > 0
            && let Some(error) = refusal
        {
            self.link_refused(&error);
            lost += before;
        } else if lost == 0 && !lines.is_empty() && self.link.is_some() {
            self.recovered();
        }
        lost
    }

    /// Tries the other addresses of a server that refuses datagrams, and warns once if none is better.
    fn link_refused(&mut self, error: &io::Error) {
        let Some(link) = &self.link else { return };
        let peer = link.peer;
        // Not for each of the datagrams of a batch.
        if self
            .tried
            .is_some_and(|tried| tried.elapsed() < self.pace.flush)
        {
            return;
        }
        self.tried = Some(Instant::now());
        if let Ok(other) = Link::open(&self.peers)
            && other.peer != peer
        {
            log::info!(target: TARGET, "metrics go to {}: {peer} refuses them", other.peer);
            self.link = Some(other);
            return;
        }
        if self.trouble.is_none() {
            log::warn!(target: TARGET, "metrics are lost: the statsd server {}, at {peer}, does not take them: {error}", self.name);
        }
        self.trouble = Some(Trouble::Refused);
    }

    fn recovered(&mut self) {
        if self.trouble == Some(Trouble::Refused)
            && let Some(link) = &self.link
            && !link.is_refused()
        {
            log::info!(target: TARGET, "the statsd server at {} takes metrics again", link.peer);
            self.trouble = None;
        }
    }

    /// Looks the server up when it is time, and takes an answer that has come.
    fn look_up(&mut self) {
        if self.asked.is_none() && Instant::now() >= self.due {
            self.due = Instant::now() + self.pace.resolve;
            let (answer, asked) = mpsc::channel();
            let resolve = self.resolve.clone();
            let asking = thread::Builder::new()
                .name("statsd-resolver".into())
                .stack_size(256 * 1024)
                .spawn(move || {
                    // At exit nobody listens any more.
                    let _ = answer.send(resolve());
                });
            match asking {
                Ok(_) => self.asked = Some(asked),
                Err(error) => self.not_found(&error),
            }
        }
        let answer = self.asked.as_ref().and_then(|asked| asked.try_recv().ok());
        if let Some(answer) = answer {
            self.take_answer(answer);
        }
    }

    /// Waits a moment for the resolver, if a flush would lose lines otherwise.
    fn await_answer(&mut self) {
        if self.link.is_none()
            && let Some(asked) = &self.asked
            && let Ok(answer) = asked.recv_timeout(Duration::from_millis(400))
        {
            self.take_answer(answer);
        }
    }

    fn take_answer(&mut self, answer: io::Result<Vec<SocketAddr>>) {
        self.asked = None;
        let opened = answer.and_then(|peers| {
            let known = self.link.as_ref().map(|link| link.peer);
            let link = match known {
                Some(known) if peers.contains(&known) && self.trouble.is_none() => None,
                _ => Some(Link::open(&peers)?),
            };
            self.peers = peers;
            Ok(link.filter(|link| Some(link.peer) != known))
        });
        match opened {
            Ok(link) => {
                if let Some(link) = &link {
                    log::info!(target: TARGET, "metrics go to {}", link.peer);
                }
                self.link = link.or(self.link.take());
                if self.trouble == Some(Trouble::NotFound) {
                    self.trouble = None;
                }
            }
            Err(error) => self.not_found(&error),
        }
    }

    /// The old address, if there was one, stays in use.
    fn not_found(&mut self, error: &io::Error) {
        if self.trouble.is_none() {
            log::warn!(
                target: TARGET,
                "the statsd server {} is not found and will be looked up again: {error}",
                self.name
            );
            self.trouble = Some(Trouble::NotFound);
        }
    }
}

/// How long to pause after a batch of so many bytes: half as long as before if it was large, twice as long if it was not.
fn next_pause(pause: Duration, bytes: usize, longest: Duration) -> Duration {
    if bytes < Sender::BATCH {
        cmp::min(2 * pause, longest)
    } else {
        cmp::min(cmp::max(pause / 2, Sender::SHORTEST), longest)
    }
}

/// `lines` in pieces of at most `most` bytes, cut where a line ends; a longer line is a piece. The last line break of each
/// is left out.
fn datagrams(mut lines: &[u8], most: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let piece = first_lines(lines, most + 1);
        lines = &lines[piece.len()..];
        (!piece.is_empty()).then(|| piece.strip_suffix(b"\n").unwrap_or(piece))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_load() {
        let second = Duration::from_secs(1);
        let after = |pause, bytes| next_pause(pause, bytes, second);
        let half = after(second, Sender::BATCH);
        assert_eq!(half, second / 2);
        assert_eq!(after(half, Sender::BATCH - 1), second);
        assert_eq!(after(second, 0), second);
        let shortest = (0..20).fold(second, |pause, _| after(pause, 200 * 1024));
        assert_eq!(shortest, Sender::SHORTEST);
        let quick = Duration::from_millis(1);
        assert_eq!(next_pause(quick, usize::MAX, quick), quick);
    }

    #[test]
    fn datagrams_end_where_lines_do() {
        let lines = b"aaaa\nbb\ncc\na-long-line\nd\n";
        let pieces: Vec<_> = datagrams(lines, 7)
            .map(|piece| std::str::from_utf8(piece).expect("text"))
            .collect();
        assert_eq!(pieces, ["aaaa\nbb", "cc", "a-long-line", "d"]);
        assert_eq!(datagrams(b"", 7).count(), 0);
    }
}
