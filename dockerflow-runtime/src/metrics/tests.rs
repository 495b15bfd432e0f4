//! Tests of the whole way from `Metrics` to a statsd server or to the text of a scrape.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use cadence::prelude::*;

use super::{
    client::Metrics,
    options::MetricsOptions,
    statsd::{Pace, Resolve},
};
use crate::environment::Environment;

const QUICK: Pace = Pace {
    flush: Duration::from_millis(5),
    resolve: Duration::from_millis(20),
};

fn start(resolve: Arc<Resolve>, pace: Pace) -> Metrics {
    start_with(&[], resolve, pace)
}

fn start_with(variables: &[(&str, &str)], resolve: Arc<Resolve>, pace: Pace) -> Metrics {
    let mut environment = Environment::new(|name| {
        let mut variables = variables.iter();
        variables
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.into())
    });
    let options = MetricsOptions::read(&mut environment);
    let options = environment.finish(options).expect("good variables");
    Metrics::for_test(&options, "app", resolve, pace).expect("a thread")
}

/// Metrics that are scraped, and sent nowhere.
#[cfg(feature = "prometheus")]
fn scraped() -> Metrics {
    let mut environment =
        Environment::new(|name| (name == "DOCKERFLOW_METRICS_ENDPOINT").then(|| "true".into()));
    let options = MetricsOptions::read(&mut environment);
    Metrics::start(&options, "app").expect("no thread is needed")
}

fn server() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a time above zero");
    let address = socket.local_addr().expect("it is bound");
    (socket, address)
}

/// Reads until a line is as it `should` be, and returns that.
fn await_line(socket: &UdpSocket, mut should: impl FnMut(&str) -> bool) -> String {
    let mut datagram = [0; 2048];
    let mut heard = Vec::new();
    loop {
        let length = socket
            .recv(&mut datagram)
            .unwrap_or_else(|error| panic!("{error}, after {heard:?}"));
        let text = std::str::from_utf8(&datagram[..length]).expect("text");
        if let Some(line) = text.lines().find(|line| should(line)) {
            return line.to_owned();
        }
        heard.push(text.to_owned());
    }
}

/// Sends `name` again and again while `work` is done.
fn while_sending<T>(metrics: &Metrics, name: &str, work: impl FnOnce() -> T) -> T {
    let (stop, stopped) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(5))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                metrics.incr_with_tags(name).send();
            }
        });
        let done = work();
        drop(stop);
        done
    })
}

#[test]
fn a_host_that_moves_is_found_again() {
    let ((first, one), (second, other)) = (server(), server());
    let calls = AtomicUsize::new(0);
    let resolve = move || match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Ok(vec![one]),
        1 => Err(io::ErrorKind::TimedOut.into()), // the known address stays in use
        _ => Ok(vec![other]),
    };
    let metrics = start(Arc::new(resolve), QUICK);
    metrics.incr_with_tags("before").send();
    await_line(&first, |line| line == "app.before:1|c");
    while_sending(&metrics, "after", || {
        await_line(&second, |line| line == "app.after:1|c")
    });
}

#[test]
fn a_host_that_cannot_be_found_blocks_nobody_and_is_used_once_it_is() {
    let (socket, address) = server();
    let (answer, answers) = mpsc::channel();
    let answers = Mutex::new(answers);
    let resolve = move || {
        let answers = answers.lock().expect("no panic");
        answers.recv().expect("the test answers")
    };
    let metrics = start(Arc::new(resolve), QUICK);
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
    answer.send(Ok(vec![address])).expect("it is asked for");
    while_sending(&metrics, "late", || {
        await_line(&socket, |line| line == "app.late:1|c")
    });
    drop(answer);
}

#[test]
fn every_line_that_was_lost_is_counted_whether_the_name_is_unknown_or_the_port_is_closed() {
    for unknown in [true, false] {
        let (socket, address) = server();
        drop(socket);
        let known = Arc::new(Mutex::new(!unknown));
        let resolve = {
            let known = known.clone();
            move || {
                if *known.lock().expect("no panic") {
                    Ok(vec![address])
                } else {
                    Err(io::ErrorKind::NotFound.into())
                }
            }
        };
        let metrics = start(Arc::new(resolve), QUICK);
        for _ in 0..5 {
            for _ in 0..100 {
                metrics.incr_with_tags("lost").send();
            }
            metrics.flush();
        }
        let socket = UdpSocket::bind(address).expect("the port is still free");
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a time above zero");
        *known.lock().expect("no panic") = true;
        let line = await_line(&socket, |line| line.starts_with("app.metrics.dropped:"));
        // Those of our own gauge, one a round, are lost with them.
        let count = line.split([':', '|']).nth(1).expect("a number");
        let count: u64 = count.parse().expect("a number");
        assert!(count >= 500, "unknown: {unknown}, {line}");
    }
}

#[test]
fn of_two_addresses_of_a_name_the_one_that_listens_gets_every_line() {
    let (closed, refusing) = server();
    drop(closed);
    let (socket, address) = server();
    let metrics = start(Arc::new(move || Ok(vec![refusing, address])), QUICK);
    metrics.incr_with_tags("first").send();
    await_line(&socket, |line| line == "app.first:1|c");
}

#[test]
fn what_is_left_is_sent_when_the_last_handle_goes() {
    let (socket, address) = server();
    let slow = Pace {
        flush: Duration::from_secs(3600),
        ..QUICK
    };
    let metrics = start(Arc::new(move || Ok(vec![address])), slow);
    metrics
        .gauge_with_tags("depth", 7)
        .with_tag("queue", "a|b\nc:1|c")
        .send();
    drop(metrics);
    await_line(&socket, |line| line == "app.depth:7|g|#queue:a_b_c:1_c");
}

#[test]
fn names_and_tags_are_of_the_apps_choice() {
    let (socket, address) = server();
    let variables = [
        ("STATSD_PREFIX", "shop"),
        ("STATSD_TAGS", "env:prod"),
        ("STATSD_NAMES", "request.in_flight=busy"),
    ];
    let metrics = start_with(&variables, Arc::new(move || Ok(vec![address])), QUICK);
    metrics
        .incr_with_tags("sold")
        .with_tag("kind", "book")
        .send();
    let line = await_line(&socket, |line| line.starts_with("shop.sold"));
    assert_eq!(line, "shop.sold:1|c|#kind:book,env:prod");
    // A tag of the app's own is the more specific one.
    metrics
        .incr_with_tags("returned")
        .with_tag("env", "canary")
        .send();
    await_line(&socket, |line| line == "shop.returned:1|c|#env:canary");
    await_line(&socket, |line| line == "shop.busy:0|g|#env:prod");
}

#[test]
fn gauges_are_read_each_time_and_of_two_registrations_the_last_counts() {
    let (socket, address) = server();
    let metrics = start(Arc::new(move || Ok(vec![address])), QUICK);
    metrics.gauges("pool", || [("size", 1)]);
    metrics.gauges("pool", || [("size", 2), ("idle", 1)]);
    await_line(&socket, |line| line == "app.pool.size:2|g");
    await_line(&socket, |line| line == "app.pool.idle:1|g");
}

#[test]
fn a_line_that_no_datagram_holds_is_lost_alone() {
    let (socket, address) = server();
    let metrics = start(Arc::new(move || Ok(vec![address])), QUICK);
    metrics.incr_with_tags(&"long".repeat(16 * 1024)).send();
    let tag = "t".repeat(1_400);
    metrics
        .incr_with_tags("fits")
        .with_tag("a", &tag[..1_400 - 2])
        .send();
    await_line(&socket, |line| line.starts_with("app.fits:1|c|#a:t"));
    metrics.incr_with_tags("next").send();
    await_line(&socket, |line| line == "app.next:1|c");
}

#[test]
fn a_packed_timer_and_a_gauge_below_zero_are_lines_that_every_server_reads() {
    let (socket, address) = server();
    let metrics = start(Arc::new(move || Ok(vec![address])), QUICK);
    metrics.time_with_tags("took", vec![1, 2]).send();
    metrics.gauge_with_tags("depth", -3.0).send();
    metrics.incr_with_tags("last").send();
    let mut heard = Vec::new();
    await_line(&socket, |line| {
        heard.push(line.to_owned());
        line == "app.last:1|c"
    });
    let ours = |line: &String| !line.contains("in_flight");
    heard.retain(ours);
    let expected = [
        "app.took:1|ms",
        "app.took:2|ms",
        "app.depth:0|g",
        "app.depth:-3|g",
        "app.last:1|c",
    ];
    assert_eq!(heard, expected);
}

#[cfg(feature = "prometheus")]
#[test]
fn a_scrape_that_is_held_up_holds_up_nobody_who_measures() {
    let metrics = scraped();
    metrics.incr_with_tags("known").send();
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    // In the middle of a scrape, which has read the families by then.
    metrics.gauges("slow", move || {
        let _ = entered.send(());
        let _ = released.lock().expect("no panic").recv();
        [("gauge", 1)]
    });
    thread::scope(|scope| {
        let scrape = scope.spawn(|| metrics.scrape());
        inside.recv().expect("it is scraped");
        let workers: Vec<_> = (0..4)
            .map(|number| {
                let metrics = &metrics;
                scope.spawn(move || {
                    for count in 0..100 {
                        metrics.incr_with_tags("known").send();
                        let new = format!("new{number}.{count}");
                        metrics.incr_with_tags(&new).send();
                    }
                })
            })
            .collect();
        let end = Instant::now() + Duration::from_secs(30);
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            assert!(Instant::now() < end, "a worker waits for the scrape");
            thread::sleep(Duration::from_millis(1));
        }
        assert!(!scrape.is_finished());
        drop(release);
        let text = scrape.join().expect("no panic").expect("it is scraped");
        assert!(
            text.contains("app_known_total 1\n"),
            "it began before: {text}"
        );
    });
    let text = metrics.scrape().expect("it is scraped");
    assert!(text.contains("app_known_total 401\n"), "{text}");
    assert!(text.contains("app_new3_99_total 1\n"), "{text}");
}

/// `cargo test -p dockerflow-runtime --release --features prometheus --lib five_thousand -- --nocapture` prints how long they took.
#[cfg(feature = "prometheus")]
#[test]
fn five_thousand_series_are_scraped_while_every_count_is_kept() {
    const SERIES: usize = 4_990;
    let metrics = scraped();
    let count = |number: usize| {
        metrics
            .time_with_tags("took", 7)
            .with_tag("number", &number.to_string())
            .send();
    };
    (0..SERIES).for_each(count);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (scrapes, longest_scrape, longest_count) = thread::scope(|scope| {
        let scraping = scope.spawn(|| {
            let (mut scrapes, mut longest) = (0, Duration::ZERO);
            while !stop.load(Ordering::Relaxed) || scrapes < 3 {
                let began = Instant::now();
                let text = metrics.scrape().expect("it is scraped");
                longest = longest.max(began.elapsed());
                assert!(text.matches("app_took_seconds_count").count() >= SERIES);
                scrapes += 1;
            }
            (scrapes, longest)
        });
        let counting: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut longest = Duration::ZERO;
                    for number in 0..SERIES {
                        let began = Instant::now();
                        count(number);
                        longest = longest.max(began.elapsed());
                    }
                    longest
                })
            })
            .collect();
        let counted = counting
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        let longest = counted.max().expect("two threads");
        stop.store(true, Ordering::Relaxed);
        let (scrapes, scrape) = scraping.join().expect("no panic");
        (scrapes, scrape, longest)
    });
    println!(
        "{scrapes} scrapes of {SERIES} histograms took {longest_scrape:?} at most, a count meanwhile {longest_count:?}"
    );
    let text = metrics.scrape().expect("it is scraped");
    let counts = text
        .lines()
        .filter(|line| line.starts_with("app_took_seconds_count"));
    let exact = counts.filter(|line| line.ends_with(" 3")).count();
    assert_eq!(exact, SERIES);
    // Each name is there once, and those of the process are the ones that are reserved.
    let families: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    for (name, _) in super::prometheus::RESERVED {
        let ours = families
            .iter()
            .filter(|family| family.split(' ').next() == Some(name));
        let count = ours.count();
        let optional = name.starts_with("process_")
            || name == "dockerflow_metrics_dropped"
            || name == "dockerflow_build_info";
        assert!(count == 1 || optional && count == 0, "{name}: {count}");
    }
    let known = |family: &&&str| {
        let name = family.split(' ').next().unwrap_or_default();
        name.starts_with("app_")
            || super::prometheus::RESERVED
                .iter()
                .any(|(own, _)| *own == name)
    };
    assert_eq!(
        families.iter().filter(known).count(),
        families.len(),
        "{families:?}"
    );
}
