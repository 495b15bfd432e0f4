//! A statsd server.

use std::{
    net::UdpSocket,
    sync::{Arc, Mutex},
    thread,
};

use crate::text;

/// A statsd server on a port of its own, and what it has received.
#[derive(Debug)]
pub struct Statsd {
    port: u16,
    received: Arc<Mutex<Vec<String>>>,
}

impl Statsd {
    /// Starts to receive.
    pub fn listen() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("it is bound").port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let sink = received.clone();
        thread::spawn(move || {
            let mut datagram = vec![0; 65_536];
            while let Ok(length) = socket.recv(&mut datagram) {
                assert!(
                    length <= 1432,
                    "{length} bytes do not fit an Ethernet frame"
                );
                let text = text(&datagram[..length]);
                sink.lock()
                    .expect("no panic")
                    .extend(text.lines().map(ToOwned::to_owned));
            }
        });
        Self { port, received }
    }

    /// The port, as text.
    pub fn port(&self) -> String {
        self.port.to_string()
    }

    /// Returns every line that has come.
    pub fn lines(&self) -> Vec<String> {
        self.received.lock().expect("no panic").clone()
    }

    /// Returns names with type and tags, without values, once each.
    pub fn series(&self) -> Vec<String> {
        let mut series: Vec<_> = self
            .lines()
            .iter()
            .filter_map(|line| {
                let (name, rest) = line.split_once(':')?;
                let (_, kind) = rest.split_once('|')?;
                Some(format!("{name}|{kind}"))
            })
            .collect();
        series.sort();
        series.dedup();
        series
    }
}
