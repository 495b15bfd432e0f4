//! Is each line valid, and does it have its request's id, whatever the requests hold and however they interleave?

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use super::{dropped, logged, of_kind, summaries};
use crate::support::Connection;

/// Bytes that are hard to log. All of them may stand in a header.
fn hostile(number: usize) -> Vec<u8> {
    match number % 10 {
        0 => b"\xff\xfe invalid \xc3\x28 UTF-8 \xed\xa0\x80".to_vec(),
        1 => b"quotes \" and \\\" and {\"Fields\":{}} and \\u0000".to_vec(),
        2 => "emoji 🦀🧨 and \u{2028} and \u{202e}".into(),
        3 => vec![b'x'; 8 * 1024],
        4 => [vec![b'"'; 4 * 1024], vec![0xe2; 1024]].concat(),
        5 => b"tabs\tand\t\ttabs".to_vec(),
        6 => Vec::new(),
        7 => (0x80..=0xff).collect(),
        8 => (0x21..0x7f).collect(),
        _ => format!("{}é", "a".repeat(number / 10 % 17)).into(),
    }
}

fn hostile_request(number: usize, unfit: &[u8]) -> Vec<u8> {
    let path: &[u8] = match number % 6 {
        0 => b"%0a%22%5c%00%80%ff",
        1 => b"a'~!$&()*+,;=:@?b=%22&c=%c3%28&d='",
        2 => b"fields?",
        3 => b"panic",
        _ => b"",
    };
    let parts: [&[u8]; 10] = [
        b"GET /",
        path,
        unfit,
        b" HTTP/1.1\r\nHost: test.example\r\nUser-Agent: ",
        &hostile(number),
        b"\r\nAccept-Language: ",
        &hostile(number / 10),
        b"\r\nX-Request-ID: ",
        &hostile(number / 100),
        b"\r\n\r\n",
    ];
    parts.concat()
}

#[test]
fn ten_thousand_hostile_requests_leave_valid_lines_only() {
    const CLIENTS: usize = 8;
    const REQUESTS: usize = 10_000;
    let answered = AtomicU64::new(0);
    let variables = [
        ("DOCKERFLOW_SUMMARY_LOG_QUERYSTRING", "1"),
        ("WORKERS", "2"),
        // Lines of requests that are refused before there is an app: were one of them lost, it would be counted, too.
        ("LOG_LEVEL", "info,actix_http=off"),
    ];
    let lines = logged(&variables, |served| {
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let answered = &answered;
                scope.spawn(move || {
                    let mut stream = served.connect();
                    for number in (client..REQUESTS).step_by(CLIENTS) {
                        let request = hostile_request(number, b"");
                        stream.send(&request).expect("it reads");
                        let response = stream.answer().expect("it answers every request");
                        assert_ne!(response.status, 400, "{number}: {response:?}");
                        answered.fetch_add(1, Ordering::Relaxed);
                        // Bytes that no request may contain are refused before the app is called, or else logged like the rest.
                        let unfit: &[u8] = match number % 97 {
                            0 => b"\x80\xff",
                            1 => b"\"<>^`{|}\\",
                            2 => b"\x01\x1b[31m",
                            3 => "ünïcode?q=🦀".as_bytes(),
                            _ => continue,
                        };
                        let mut other = served.connect();
                        other
                            .send(&hostile_request(number, unfit))
                            .expect("it reads");
                        let reached = other.answer().is_ok_and(|response| response.status != 400);
                        answered.fetch_add(reached.into(), Ordering::Relaxed);
                    }
                });
            }
        });
    });
    let answered = answered.load(Ordering::Relaxed);
    assert!(
        answered >= 10_000,
        "every request that is fit reaches the app: {answered}"
    );
    let panics = (0..REQUESTS).filter(|number| number % 6 == 3).count() as u64;
    let arrived = (summaries(&lines).len() + of_kind(&lines, "panic").len()) as u64;
    assert_eq!(
        arrived + dropped(&lines),
        answered + panics,
        "each has its line, or it is counted"
    );
    for line in summaries(&lines) {
        let id = line.text("rid");
        assert!(
            (1..=128).contains(&id.len()) && !id.contains(['"', '\\', ' ']),
            "{id:?}"
        );
        assert!(!line.text("path").contains('?'));
    }
    println!(
        "{answered} of {REQUESTS} requests reached the app; {} lines, all valid",
        lines.len()
    );
}

#[test]
fn a_thousand_interleaving_requests_keep_their_ids_on_every_line() {
    const REQUESTS: u64 = 1_000;
    let lines = logged(&[("WORKERS", "1")], |served| {
        // All requests are sent before the first answer is read.
        let mut streams: Vec<Connection> = (0..REQUESTS).map(|_| served.connect()).collect();
        for (number, stream) in streams.iter_mut().enumerate() {
            let request = format!(
                "GET /chatter/{number} HTTP/1.1\r\nHost: a\r\nX-Request-ID: request-{number}\r\n\r\n"
            );
            stream.send(request.as_bytes()).expect("it reads");
        }
        for (number, stream) in streams.iter_mut().enumerate() {
            let response = stream.answer().expect("it answers");
            let id = format!("request-{number}");
            assert_eq!(response.header("x-request-id"), Some(&*id), "{response:?}");
            assert_eq!(response.body, id, "{response:?}");
        }
    });
    let mut seen = BTreeMap::<_, BTreeMap<_, u32>>::new();
    for line in of_kind(&lines, "logs") {
        if let Some(number) = line.number("number") {
            assert_eq!(line.text("rid"), format!("request-{number}"), "{line:?}");
            *seen
                .entry(number)
                .or_default()
                .entry(line.text("msg"))
                .or_default() += 1;
        }
    }
    let each = BTreeMap::from([
        ("block", 1),
        ("log", 3),
        ("slog", 3),
        ("task", 1),
        ("tracing", 3),
    ]);
    assert_eq!(seen.len() as u64, REQUESTS);
    assert!(seen.values().all(|seen| *seen == each));
    let ids: BTreeSet<_> = summaries(&lines)
        .iter()
        .map(|line| line.text("rid").to_owned())
        .collect();
    assert_eq!(ids.len() as u64, REQUESTS);
    let order: Vec<_> = of_kind(&lines, "logs")
        .iter()
        .filter_map(|line| line.number("number"))
        .collect();
    assert!(
        order.is_sorted_by(|one, other| one <= other).eq(&false),
        "they did interleave"
    );
}
