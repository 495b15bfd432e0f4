//! A live service, `examples/live.rs`: two apps on two ports, websockets, event streams, a command. It is deployed anew.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _},
    sync::Semaphore,
};

use crate::support::{PATIENCE, Process, command_of, exchange, free_port, get, run, text, until};

fn command(directory: &Path) -> Command {
    let config = directory.join("live.toml");
    let messages = directory.join("messages.txt");
    // The variable has the last word; without its prefix it is another's.
    fs::write(
        &config,
        format!(
            "messages = {:?}\nspread_ms = 60000\n",
            messages.display().to_string()
        ),
    )
    .expect("a free disk");
    let mut command = command_of("live");
    command.arg("--config").arg(config);
    command.envs([
        ("LIVE_SPREAD_MS", "500"),
        ("MESSAGES", "/nowhere"),
        ("SPREAD_MS", "x"),
    ]);
    command
}

const HANDSHAKE: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A websocket, byte by byte.
struct Websocket(BufReader<TcpStream>);

impl Websocket {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(HANDSHAKE)?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        assert!(line.starts_with("HTTP/1.1 101"), "{line}");
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line)?;
        }
        Ok(Self(stream))
    }

    /// Reads a short frame: its opcode and its content.
    fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head)?;
        let mut content = vec![0; usize::from(head[1] & 0x7f)];
        self.0.read_exact(&mut content)?;
        Ok((head[0] & 0x0f, content))
    }

    /// Reads until the close frame, answers it, and returns its code. actix-web keeps the connection for a second, or until the
    /// client closes it, as it does when this is dropped.
    fn until_closed(mut self) -> io::Result<u16> {
        loop {
            let (opcode, content) = self.frame()?;
            if opcode == 8 {
                let code = [content[0], content[1]];
                let masked = [0x88, 0x82, 0, 0, 0, 0, code[0], code[1]];
                self.0.get_mut().write_all(&masked)?;
                return Ok(u16::from_be_bytes(code));
            }
        }
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "one scene, in its order")]
fn a_deploy_closes_every_websocket_and_event_stream_in_order() {
    const WEBSOCKETS: usize = 200;
    const STREAMS: usize = 50;
    let directory = TempDir::new().expect("a directory");
    let argument = |argument| {
        let mut command = command(directory.path());
        command.arg(argument);
        command
    };
    let help = text(&run(argument("--help")).stdout);
    for part in [
        "migrate      Prepare the file of messages",
        "--config FILE",
        "[default: 8080]",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
    let migrated = run(argument("migrate"));
    assert_eq!(migrated.status.code(), Some(0), "{migrated:?}");
    assert!(text(&migrated.stdout).contains("messages.txt is ready"));

    let internal = free_port();
    let mut command = command(directory.path());
    command.envs([
        ("PORT", "0"),
        ("HOST", "127.0.0.1"),
        ("INTERNAL_HOST", "127.0.0.1"),
        ("DOCKERFLOW_DRAIN_DELAY", "1s"),
        ("WORKERS", "2"),
    ]);
    command.env("INTERNAL_PORT", internal.to_string());
    let serving = Process::start(command);
    let mut probe = argument("healthcheck");
    probe.env("PORT", serving.port().to_string());
    assert_eq!(run(probe).status.code(), Some(0));
    let internal = SocketAddr::from(([127, 0, 0, 1], internal));
    assert_eq!(
        serving.get("/__heartbeat__").json()["checks"]["messages"],
        "ok"
    );
    assert_eq!(
        get(internal, "/__heartbeat__").expect("it listens").status,
        200
    );

    let mut websockets: Vec<_> = (0..WEBSOCKETS)
        .map(|_| Websocket::open(serving.address()).expect("it accepts"))
        .collect();
    let mut streams: Vec<_> = (0..STREAMS)
        .map(|_| {
            let mut connection = serving.connect();
            connection.ask("/events").expect("it reads");
            BufReader::new(connection.into_stream())
        })
        .collect();
    for stream in &mut streams {
        let mut line = String::new();
        while !line.starts_with(": welcome") {
            line.clear();
            assert!(stream.read_line(&mut line).expect("an event") > 0);
        }
    }
    let published = exchange(internal, "POST", "/publish", "", "news").expect("it listens");
    // The task that counts is a client, too.
    assert_eq!(
        published.body,
        format!("{} clients\n", WEBSOCKETS + STREAMS + 1)
    );
    for websocket in &mut websockets {
        assert_eq!(websocket.frame().expect("a message"), (1, b"news".to_vec()));
    }

    let began = Instant::now();
    serving.signal("TERM");
    until("it drains", || {
        serving.get("/__lbheartbeat__").status == 503
    });
    // In the delay nothing is cut off, and new clients are still served.
    let mut late = Websocket::open(serving.address()).expect("it accepts");
    let published = exchange(internal, "POST", "/publish", "", "more").expect("it listens");
    assert_eq!(
        published.body,
        format!("{} clients\n", WEBSOCKETS + STREAMS + 2)
    );
    assert_eq!(late.frame().expect("a message").0, 1);
    websockets.push(late);

    let closed: Vec<Duration> = thread::scope(|scope| {
        let websockets = websockets.into_iter().map(|websocket| {
            scope.spawn(move || {
                assert_eq!(websocket.until_closed().expect("a close frame"), 1012);
                began.elapsed()
            })
        });
        let streams = streams.iter_mut().map(|stream| {
            scope.spawn(move || {
                let mut rest = String::new();
                stream.read_to_string(&mut rest).expect("it ends");
                assert!(
                    rest.contains("data: news\n\n") && rest.contains("data: more\n\n"),
                    "{rest}"
                );
                assert!(
                    rest.ends_with("0\r\n\r\n"),
                    "the last chunk is there: {rest:?}"
                );
                began.elapsed()
            })
        });
        let threads: Vec<_> = websockets.chain(streams).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("it was closed in order"))
            .collect()
    });
    let first = closed.iter().min().expect("some");
    let last = closed.iter().max().expect("some");
    assert!(
        *first >= Duration::from_secs(1),
        "none before the listener closed: {first:?}"
    );
    // The first one is closed as the listener is.
    assert!(
        last.saturating_sub(*first) < Duration::from_secs(1),
        "all within a second of the drain's end: {first:?} to {last:?}"
    );
    let (status, lines) = serving.end();
    assert_eq!(status.code(), Some(0));
    // actix-web looks once a second whether all is done.
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert!(
        lines.iter().any(|line| line.contains("\"stopped\"")),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.contains("were cut off")),
        "{lines:?}"
    );
    let messages = fs::read_to_string(directory.path().join("messages.txt"));
    assert_eq!(messages.expect("the task wrote it"), "2 messages\n");
}

/// Opens a websocket, waits for its close frame, answers that, and returns when it came.
async fn websocket(
    address: SocketAddr,
    turns: Arc<Semaphore>,
    opened: Arc<AtomicUsize>,
) -> (u16, Instant) {
    let turn = turns.acquire_owned().await.expect("it is never closed");
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("it accepts");
    let mut stream = tokio::io::BufStream::new(stream);
    stream.write_all(HANDSHAKE).await.expect("it reads");
    stream.flush().await.expect("it reads");
    let mut line = String::new();
    stream.read_line(&mut line).await.expect("a response");
    assert!(line.starts_with("HTTP/1.1 101"), "{line}");
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await.expect("a response");
    }
    opened.fetch_add(1, Ordering::Relaxed);
    drop(turn);
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.expect("a close frame");
    let when = Instant::now();
    assert_eq!(head[0] & 0x0f, 8, "it is a close frame");
    let masked = [0x88, 0x82, 0, 0, 0, 0, head[2], head[3]];
    stream.write_all(&masked).await.expect("it reads");
    stream.flush().await.expect("it reads");
    (u16::from_be_bytes([head[2], head[3]]), when)
}

#[test]
#[ignore = "takes half a minute and 10,000 files: `.ci/long websockets`"]
fn ten_thousand_websockets_close_evenly_over_ten_seconds() {
    const COUNT: usize = 10_000;
    const SPREAD: usize = 10;
    let directory = TempDir::new().expect("a directory");
    let mut migrate = command(directory.path());
    migrate.arg("migrate");
    assert!(run(migrate).status.success());
    let mut command = command(directory.path());
    command.envs([
        ("PORT", "0"),
        ("HOST", "127.0.0.1"),
        ("INTERNAL_HOST", "127.0.0.1"),
        ("INTERNAL_PORT", "0"),
        ("DOCKERFLOW_DRAIN_DELAY", "1s"),
        ("LIVE_SPREAD_MS", "10000"),
    ]);
    let serving = Process::start(command);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let closed = runtime.expect("a runtime").block_on(async {
        // Fewer at once than may wait to be accepted.
        let turns = Arc::new(Semaphore::new(200));
        let opened = Arc::new(AtomicUsize::new(0));
        let all: Vec<_> = (0..COUNT)
            .map(|_| tokio::spawn(websocket(serving.address(), turns.clone(), opened.clone())))
            .collect();
        while opened.load(Ordering::Relaxed) < COUNT {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let failed = all.iter().filter(|task| task.is_finished()).count();
            assert_eq!(failed, 0, "none ends before the drain");
        }
        println!("{COUNT} websockets are open");
        let began = Instant::now();
        serving.signal("TERM");
        let mut closed = Vec::new();
        for task in all {
            let (code, when) = task.await.expect("it was closed in order");
            assert_eq!(code, 1012);
            closed.push(when - began);
        }
        closed
    });
    let first = *closed.iter().min().expect("some");
    let mut seconds = [0; SPREAD + 3];
    for when in &closed {
        let second = usize::try_from(when.saturating_sub(first).as_secs());
        seconds[second.map_or(SPREAD + 2, |second| second.min(SPREAD + 2))] += 1;
    }
    println!("closed in each second from the first: {seconds:?}");
    assert!(
        first >= Duration::from_secs(1),
        "none before the listener closed: {first:?}"
    );
    for in_second in &seconds[..SPREAD] {
        assert!((700..=1300).contains(in_second), "{seconds:?}");
    }
    let (status, lines) = serving.end();
    assert_eq!(status.code(), Some(0));
    assert!(
        lines.iter().any(|line| line.contains("\"stopped\"")),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.contains("were cut off")),
        "{lines:?}"
    );
}
