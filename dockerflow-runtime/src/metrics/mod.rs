//! Statsd: what is measured, and how it gets out while nobody waits for it.

mod options;

use std::{
    cmp,
    convert::Infallible,
    future::{Ready, ready},
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{Method, StatusCode},
};
use cadence::{MetricSink, NopMetricSink, StatsdClient, prelude::*};

pub use cadence;

pub(crate) use self::options::StatsdAddress;
use crate::{
    health::{HeartbeatObserver, Report},
    logging,
    queue::{Queue, Taker, count_lines, first_lines},
};

const LOG: &str = "dockerflow.metrics";

/// The service's statsd client, as an extractor: a [`cadence::StatsdClient`] whose names begin with the program's.
///
/// It never fails a request and never waits: what it is given goes to a buffer, which a thread sends on each second, and at
/// exit. Where `STATSD_HOST` is unset, and in an app without `#[service]`, it does nothing.
///
/// ```
/// use actix_web::{HttpResponse, Responder, post};
/// use dockerflow::{Metrics, metrics::cadence::prelude::*};
///
/// #[post("/orders")]
/// async fn order(metrics: Metrics) -> impl Responder {
///     metrics.incr_with_tags("orders").with_tag("kind", "book").send();
///     HttpResponse::Created()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Metrics {
    client: Arc<StatsdClient>,
    outlet: Option<Arc<Outlet>>,
}

impl Metrics {
    /// Metrics that go nowhere.
    pub(crate) fn none() -> Self {
        Self {
            client: Arc::new(StatsdClient::from_sink("", NopMetricSink)),
            outlet: None,
        }
    }

    /// Metrics of the program named `program` that go to `target`; nowhere, where there is none.
    pub(crate) fn start(target: Option<StatsdAddress>, program: &str) -> io::Result<Self> {
        match target {
            Some(target) => {
                let name = target.to_string();
                Self::send_to(
                    name,
                    Arc::new(move || target.lookup()),
                    program,
                    Pace::default(),
                )
            }
            None => Ok(Self::none()),
        }
    }

    fn send_to(name: String, lookup: Arc<Lookup>, program: &str, pace: Pace) -> io::Result<Self> {
        let prefix: String = program
            .chars()
            .map(|letter| plain(letter).unwrap_or('_'))
            .collect();
        let in_flight = Arc::new(AtomicU64::new(0));
        let sender = Sender {
            prefix: format!("{prefix}."),
            in_flight: in_flight.clone(),
            name,
            lookup,
            pace,
            link: None,
            asked: None,
            due: Instant::now(),
            failing: false,
            logs_dropped: 0,
        };
        let thread = thread::Builder::new()
            .name("statsd".into())
            .stack_size(256 * 1024);
        let outbox = Arc::new(Outbox {
            queue: Queue::spawn(thread, Outbox::MOST, |taker| sender.run(taker))?,
            prefix: format!("{prefix}."),
            in_flight,
        });
        let client = StatsdClient::from_sink(&prefix, Sink(outbox.clone()));
        Ok(Self {
            client: Arc::new(client),
            outlet: Some(Arc::new(Outlet(outbox))),
        })
    }

    /// Sends what was measured until now. Takes at most half a second, whatever the network does.
    pub fn flush(&self) {
        if let Some(outlet) = &self.outlet {
            outlet.0.flush();
        }
    }

    /// A request begins.
    #[inline]
    pub(crate) fn request(&self) -> Option<Underway> {
        self.outlet
            .as_ref()
            .map(|outlet| Underway::new(outlet.0.clone()))
    }

    /// What counts passes and failures of the heartbeat and times its checks.
    pub(crate) fn on_heartbeat(&self) -> Option<HeartbeatObserver> {
        self.outlet.as_ref()?;
        let metrics = self.clone();
        Some(HeartbeatObserver::new(move |report| {
            metrics.heartbeat(report);
        }))
    }

    fn heartbeat(&self, report: &Report) {
        let name = if report.passed() {
            "heartbeat.pass"
        } else {
            "heartbeat.fail"
        };
        self.incr_with_tags(name).send();
        for finding in report.checks() {
            self.time_with_tags("health_check", finding.duration())
                .with_tag("check", finding.name())
                .with_tag("status", finding.level().as_str())
                .send();
        }
    }
}

impl Deref for Metrics {
    type Target = StatsdClient;

    fn deref(&self) -> &StatsdClient {
        &self.client
    }
}

impl FromRequest for Metrics {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.app_data().cloned().unwrap_or_else(Self::none)))
    }
}

/// A request that is being answered. It is in flight until its value ends, however that comes about.
#[derive(Debug)]
pub(crate) struct Underway {
    outbox: Arc<Outbox>,
    began: Instant,
}

impl Underway {
    fn new(outbox: Arc<Outbox>) -> Self {
        outbox.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            outbox,
            began: Instant::now(),
        }
    }

    /// The request was answered with `status`. `request` is unknown where a middleware failed it.
    pub(crate) fn answered(self, request: Option<&HttpRequest>, status: StatusCode) {
        let took = self.began.elapsed();
        let route = request.and_then(HttpRequest::match_pattern);
        let method = request.map_or("unknown", |request| method(request.method()));
        let class = class(status);
        self.outbox.queue.push_with(|lines| {
            let tags = |lines: &mut Vec<u8>| {
                lines.extend_from_slice(b"|#method:");
                lines.extend_from_slice(method.as_bytes());
                lines.extend_from_slice(b",route:");
                match &route {
                    Some(route) => lines.extend(route.bytes().map(|byte| {
                        if plain(byte.into()).is_some() {
                            byte
                        } else {
                            b'_'
                        }
                    })),
                    None => lines.extend_from_slice(b"unmatched"),
                }
                lines.extend_from_slice(b",status:");
                lines.extend_from_slice(class.as_bytes());
            };
            lines.extend_from_slice(self.outbox.prefix.as_bytes());
            lines.extend_from_slice(b"request:");
            milliseconds(lines, took);
            lines.extend_from_slice(b"|ms");
            tags(lines);
            lines.push(b'\n');
            lines.extend_from_slice(self.outbox.prefix.as_bytes());
            lines.extend_from_slice(b"request:1|c");
            tags(lines);
            lines.push(b'\n');
        });
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.outbox.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A client may invent methods: each would be a series.
fn method(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::PATCH
        | Method::OPTIONS
        | Method::CONNECT
        | Method::TRACE => method.as_str(),
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    }
}

/// The letter, unless it has a meaning to statsd.
fn plain(letter: char) -> Option<char> {
    (!matches!(letter, '|' | ',' | '#' | ':' | '@') && letter.is_ascii_graphic()).then_some(letter)
}

/// Milliseconds with three decimals: most requests take less than one.
fn milliseconds(lines: &mut Vec<u8>, time: Duration) {
    let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let mut digits = [b'0'; 21];
    let mut rest = microseconds;
    let mut start = digits.len();
    while rest > 0 || digits.len() - start < 4 {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    let (whole, decimals) = digits[start..].split_at(digits.len() - start - 3);
    lines.extend_from_slice(whole);
    lines.push(b'.');
    lines.extend_from_slice(decimals);
}

/// Lines on their way out, and what is counted on the way.
#[derive(Debug)]
struct Outbox {
    prefix: String,
    queue: Arc<Queue>,
    in_flight: Arc<AtomicU64>,
}

impl Outbox {
    /// Bytes that wait at most.
    const MOST: usize = 256 * 1024;
    /// Bytes at which a push wakes the sender before its time.
    const FULL: usize = Self::MOST / 2;
    /// Bytes that are good to send together: more at once could be too much for the server's socket.
    const BATCH: usize = 16 * 1024;
    /// How long a flush waits at most.
    const FLUSH: Duration = Duration::from_millis(500);

    fn flush(&self) {
        // A time-out is no fault: nobody waits longer for metrics.
        self.queue.flush(Self::FLUSH);
    }
}

/// The end of the last [`Metrics`] is the end of their thread, which sends what is left.
#[derive(Debug)]
struct Outlet(Arc<Outbox>);

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

/// The queue as cadence sees it.
struct Sink(Arc<Outbox>);

impl MetricSink for Sink {
    fn emit(&self, metric: &str) -> io::Result<usize> {
        self.0.queue.push_with(|lines| {
            // A line break in a name or a tag would be a metric of its own.
            lines.extend(
                metric
                    .bytes()
                    .map(|byte| if byte == b'\n' { b'_' } else { byte }),
            );
            lines.push(b'\n');
        });
        Ok(metric.len())
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush();
        Ok(())
    }
}

/// How often the sender does what.
#[derive(Clone, Copy, Debug)]
struct Pace {
    flush: Duration,
    resolve: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            flush: Duration::from_secs(1),
            resolve: Duration::from_secs(30),
        }
    }
}

type Lookup = dyn Fn() -> io::Result<SocketAddr> + Send + Sync;

/// The thread that sends.
struct Sender {
    prefix: String,
    in_flight: Arc<AtomicU64>,
    name: String,
    lookup: Arc<Lookup>,
    pace: Pace,
    /// Where to and what with.
    link: Option<(SocketAddr, UdpSocket)>,
    /// An answer of the system's resolver that is awaited: it may take long.
    asked: Option<mpsc::Receiver<io::Result<SocketAddr>>>,
    /// When to ask it again.
    due: Instant,
    failing: bool,
    logs_dropped: u64,
}

impl Sender {
    /// Bytes in a datagram: what an Ethernet carries in one piece.
    const DATAGRAM: usize = 1432;
    /// The shortest pause between two batches.
    const SHORTEST: Duration = Duration::from_millis(5);

    fn run(mut self, mut taker: Taker) {
        let queue = taker.queue().clone();
        let mut pause = self.pace.flush;
        let mut ended = false;
        while !ended {
            self.resolve();
            // Nobody is to wake this thread for lines that it could not send.
            let enough = self.link.is_some().then_some(Outbox::FULL);
            taker.wait(enough, Some(pause));
            ended = taker.is_closed();
            if ended || taker.is_flushing() {
                self.await_address();
            }
            if self.awaits_address() {
                taker.skip();
                continue;
            }
            let lost = queue.unreported();
            let reported = self.report(lost);
            let lines = taker.take();
            pause = match lines.len() {
                ..Outbox::BATCH => cmp::min(2 * pause, self.pace.flush),
                _ => cmp::max(pause / 2, Self::SHORTEST),
            };
            queue.count_lost(self.send(lines));
            taker.finish(if reported { lost } else { 0 });
        }
    }

    /// Whether the first answer of the resolver is yet to come. Until then the lines wait.
    fn awaits_address(&self) -> bool {
        self.link.is_none() && self.asked.is_some()
    }

    /// Sends what the process itself has to say. Returns whether that was possible.
    fn report(&mut self, lost: u64) -> bool {
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        let logs = logging::dropped();
        let prefix = &self.prefix;
        let mut text = format!("{prefix}request.in_flight:{in_flight}|g\n");
        for (name, count) in [
            ("log.dropped", logs - self.logs_dropped),
            ("metrics.dropped", lost),
        ] {
            if count > 0 {
                text.extend([prefix, name, ":", &count.to_string(), "|c\n"]);
            }
        }
        let sent = self.send(text.as_bytes()) == 0;
        if sent {
            self.logs_dropped = logs;
        }
        sent
    }

    /// Sends `lines` and returns how many of them could not be sent.
    fn send(&self, lines: &[u8]) -> u64 {
        let Some((address, socket)) = &self.link else {
            return count_lines(lines);
        };
        let mut unsent = 0;
        for datagram in datagrams(lines, Self::DATAGRAM) {
            if socket.send_to(datagram, address).is_err() {
                unsent += count_lines(datagram) + 1;
            }
        }
        unsent
    }

    /// Asks where the host is, when it is time, and takes an answer that has come.
    fn resolve(&mut self) {
        if self.asked.is_none() && Instant::now() >= self.due {
            self.due = Instant::now() + self.pace.resolve;
            let (answer, asked) = mpsc::channel();
            let lookup = self.lookup.clone();
            let asking = thread::Builder::new()
                .name("statsd-resolver".into())
                .stack_size(256 * 1024)
                .spawn(move || {
                    // Nobody listens at exit.
                    let _ = answer.send(lookup());
                });
            match asking {
                Ok(_) => self.asked = Some(asked),
                Err(error) => self.failed(&error),
            }
        }
        if let Some(answer) = self.asked.as_ref().and_then(|asked| asked.try_recv().ok()) {
            self.take(answer);
        }
    }

    /// At a flush an answer is worth some waiting.
    fn await_address(&mut self) {
        if self.link.is_none()
            && let Some(asked) = &self.asked
            && let Ok(answer) = asked.recv_timeout(Duration::from_millis(400))
        {
            self.take(answer);
        }
    }

    fn take(&mut self, answer: io::Result<SocketAddr>) {
        self.asked = None;
        let link = answer.and_then(|address| match &self.link {
            Some((known, _)) if *known == address => Ok(None),
            _ => Ok(Some((address, UdpSocket::bind(any(address))?))),
        });
        match link {
            Ok(link) => {
                if let Some((address, _)) = &link {
                    log::info!(target: LOG, "metrics go to {address}");
                }
                self.link = link.or(self.link.take());
                self.failing = false;
            }
            Err(error) => self.failed(&error),
        }
    }

    /// The old address, if there was one, stays in use.
    fn failed(&mut self, error: &io::Error) {
        if !self.failing {
            log::warn!(
                target: LOG,
                "the statsd server {} is not found and will be looked for again: {error}",
                self.name
            );
        }
        self.failing = true;
    }
}

fn any(peer: SocketAddr) -> SocketAddr {
    match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// `lines` in pieces of at most `most` bytes, cut where a line ends; a longer line is a piece. The last line break of each is
/// not in it.
fn datagrams(mut lines: &[u8], most: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let piece = first_lines(lines, most + 1);
        lines = &lines[piece.len()..];
        (!piece.is_empty()).then(|| piece.strip_suffix(b"\n").unwrap_or(piece))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, atomic::AtomicUsize};

    use super::*;

    const QUICK: Pace = Pace {
        flush: Duration::from_millis(5),
        resolve: Duration::from_millis(20),
    };

    fn server() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a time above zero");
        let address = socket.local_addr().expect("it is bound");
        (socket, address)
    }

    /// Reads until a line is `wanted`.
    fn await_line(socket: &UdpSocket, wanted: &str) {
        let mut datagram = [0; 2048];
        loop {
            let length = socket
                .recv(&mut datagram)
                .unwrap_or_else(|error| panic!("{wanted}: {error}"));
            let text = std::str::from_utf8(&datagram[..length]).expect("text");
            if text.lines().any(|line| line == wanted) {
                return;
            }
        }
    }

    #[test]
    fn a_host_that_moves_is_found_again() {
        let ((first, one), (second, other)) = (server(), server());
        let calls = AtomicUsize::new(0);
        let lookup = move || match calls.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(one),
            1 => Err(io::ErrorKind::TimedOut.into()), // the known address stays in use
            _ => Ok(other),
        };
        let metrics =
            Metrics::send_to("host".into(), Arc::new(lookup), "app", QUICK).expect("a thread");
        metrics.incr_with_tags("before").send();
        await_line(&first, "app.before:1|c");
        // What is sent while it moves is lost: this is UDP.
        let (stop, stopped) = mpsc::channel::<()>();
        let sender = thread::spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(5))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                metrics.incr_with_tags("after").send();
            }
        });
        await_line(&second, "app.after:1|c");
        drop(stop);
        sender.join().expect("no panic");
    }

    #[test]
    fn a_host_that_cannot_be_found_blocks_nobody_and_is_used_once_it_is() {
        let (socket, address) = server();
        let (answer, answers) = mpsc::channel();
        let answers = Mutex::new(answers);
        let lookup = move || {
            answers
                .lock()
                .expect("no panic")
                .recv()
                .expect("the test answers")
        };
        let metrics =
            Metrics::send_to("host".into(), Arc::new(lookup), "app", QUICK).expect("a thread");
        let began = Instant::now();
        for _ in 0..100_000 {
            metrics.incr_with_tags("early").send(); // more than has room
        }
        metrics.flush();
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        answer
            .send(Err(io::ErrorKind::NotFound.into()))
            .expect("it is asked for");
        answer.send(Ok(address)).expect("it is asked for");
        let (stop, stopped) = mpsc::channel::<()>();
        let sender = thread::spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(5))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                metrics.incr_with_tags("late").send();
            }
        });
        await_line(&socket, "app.late:1|c");
        drop((stop, answer));
        sender.join().expect("no panic");
    }

    #[test]
    fn what_is_left_is_sent_when_the_last_handle_goes() {
        let (socket, address) = server();
        let slow = Pace {
            flush: Duration::from_secs(3600),
            ..QUICK
        };
        let metrics = Metrics::send_to("host".into(), Arc::new(move || Ok(address)), "app", slow)
            .expect("a thread");
        metrics
            .gauge_with_tags("depth", 7)
            .with_tag("queue", "a|b\nc:1|c")
            .send();
        drop(metrics);
        await_line(&socket, "app.depth:7|g|#queue:a|b_c:1|c");
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

    #[test]
    fn times_are_milliseconds_with_three_decimals() {
        for (microseconds, expected) in [
            (0, "0.000"),
            (7, "0.007"),
            (1_000, "1.000"),
            (61_234_567, "61234.567"),
        ] {
            let mut text = Vec::new();
            milliseconds(&mut text, Duration::from_micros(microseconds));
            assert_eq!(String::from_utf8_lossy(&text), expected);
        }
    }
}
