//! The thread that sends lines to the statsd server, wherever that is by now, and counts those that are lost.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{address::Link, own::Own};
use crate::queue::{Taker, count_lines, first_lines};

const LOG: &str = "dockerflow.metrics";

/// Looks a server's addresses up.
pub(crate) type Resolve = dyn Fn() -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// How often the sender does what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Lines wait for so long.
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
    /// An answer of the system's resolver that is awaited: it may take long.
    asked: Option<mpsc::Receiver<io::Result<Vec<SocketAddr>>>>,
    /// When to ask it again.
    due: Instant,
    /// What was warned of and has not ended yet.
    trouble: Option<Trouble>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    NotFound,
    Refused,
}

impl Sender {
    /// Bytes in a datagram: what an Ethernet carries in one piece.
    const DATAGRAM: usize = 1432;
    /// Bytes at which the sender is woken before its time.
    const FULL: usize = 16 * 1024;

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
            trouble: None,
        }
    }

    pub(super) fn run(mut self, mut taker: Taker) {
        let queue = taker.queue().clone();
        let mut ended = false;
        while !ended {
            self.look_up();
            // Lines that could not be sent are no reason to wake this thread.
            let enough = self.link.is_some().then_some(Self::FULL);
            taker.wait(enough, Some(self.pace.flush));
            ended = taker.is_closed();
            if ended || taker.is_flushing() {
                self.await_answer();
            }
            if self.link.is_none() && self.asked.is_some() && !ended {
                // The first answer of the resolver is still to come: until then the lines wait.
                taker.skip();
                continue;
            }
            let lost = queue.unreported();
            let mut own = String::new();
            self.own.lines(lost, &mut own);
            let reported = self.send(own.as_bytes()) == 0;
            if reported {
                self.own.sent();
            }
            queue.count_lost(self.send(taker.take()));
            taker.finish(if reported { lost } else { 0 });
        }
    }

    /// Sends `lines` and returns how many of them are lost.
    fn send(&mut self, lines: &[u8]) -> u64 {
        let mut lost = 0;
        let mut before = 0;
        for datagram in datagrams(lines, Self::DATAGRAM) {
            let count = count_lines(datagram) + 1;
            let Some(link) = &self.link else {
                lost += count;
                continue;
            };
            if link.send(datagram).is_ok() {
                before = count;
            } else if before > 0 && self.link_refused() {
                // That error was of the datagram before, and this one has not been sent.
                lost += before;
                before = 0;
                if self
                    .link
                    .as_ref()
                    .is_some_and(|link| link.send(datagram).is_ok())
                {
                    before = count;
                } else {
                    lost += count;
                }
            } else {
                self.link_refused();
                before = 0;
                lost += count;
            }
        }
        let refused = |link: &Link| link.take_refusal();
        if before > 0 && self.link.as_ref().is_some_and(refused) {
            self.link_refused();
            lost += before;
        } else if lost == 0 && !lines.is_empty() && self.link.is_some() {
            self.recovered();
        }
        lost
    }

    /// The server refuses what it is sent: warns once, and tries its other addresses. Returns whether there is one to send to.
    fn link_refused(&mut self) -> bool {
        let Some(link) = &self.link else { return false };
        let peer = link.peer;
        if let Ok(other) = Link::open(&self.peers)
            && other.peer != peer
        {
            log::info!(target: LOG, "metrics go to {}: {peer} refuses them", other.peer);
            self.link = Some(other);
            return true;
        }
        if self.trouble.is_none() {
            log::warn!(target: LOG, "metrics are lost: nothing listens at {peer}, the statsd server {}", self.name);
        }
        self.trouble = Some(Trouble::Refused);
        true
    }

    fn recovered(&mut self) {
        if self.trouble == Some(Trouble::Refused)
            && let Some(link) = &self.link
            && !link.is_refused()
        {
            log::info!(target: LOG, "the statsd server at {} takes metrics again", link.peer);
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

    /// At a flush, an answer is worth some waiting.
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
                    log::info!(target: LOG, "metrics go to {}", link.peer);
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
                target: LOG,
                "the statsd server {} is not found and will be looked up again: {error}",
                self.name
            );
            self.trouble = Some(Trouble::NotFound);
        }
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
    fn datagrams_end_where_lines_do() {
        let lines = b"aaaa\nbb\ncc\na-long-line\nd\n";
        let pieces: Vec<_> = datagrams(lines, 7)
            .map(|piece| std::str::from_utf8(piece).expect("text"))
            .collect();
        assert_eq!(pieces, ["aaaa\nbb", "cc", "a-long-line", "d"]);
        assert_eq!(datagrams(b"", 7).count(), 0);
    }
}
