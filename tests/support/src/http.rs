//! HTTP/1.1 as it comes over the wire, so that a test sees every byte.

use std::{
    io::{self, BufRead, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use crate::{PATIENCE, text};

/// Sends a request on a new connection, and returns everything that comes back.
///
/// `headers` are whole lines, each with `\r\n`.
///
/// # Errors
///
/// If the server cannot be reached, or answers what is not a response.
pub fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> io::Result<Response> {
    let mut connection = Connection::open(address)?;
    let length = match body.len() {
        0 => String::new(),
        length => format!("Content-Length: {length}\r\n"),
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}{length}\r\n{body}"
    );
    connection.send(request.as_bytes())?;
    let mut bytes = Vec::new();
    connection.stream.read_to_end(&mut bytes)?;
    Response::parse(&bytes)
}

/// Sends a GET request on a connection of its own.
///
/// # Errors
///
/// If the server cannot be reached, or answers what is not a response.
pub fn get(address: SocketAddr, path: &str) -> io::Result<Response> {
    Connection::open(address)?.get(path)
}

/// A connection that is kept alive.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// If nothing listens there.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// If the connection is closed.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends a GET request.
    ///
    /// # Errors
    ///
    /// If the connection is closed.
    pub fn ask(&mut self, path: &str) -> io::Result<()> {
        self.ask_with(path, "")
    }

    /// Sends a GET request with these headers: whole lines, each with `\r\n`.
    ///
    /// # Errors
    ///
    /// If the connection is closed.
    pub fn ask_with(&mut self, path: &str, headers: &str) -> io::Result<()> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n").as_bytes())
    }

    /// Reads the response to a request that is not HEAD.
    ///
    /// # Errors
    ///
    /// If the connection ends before the response does, or what comes is not a response.
    pub fn answer(&mut self) -> io::Result<Response> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if self.stream.read_until(b'\n', &mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let mut response = Response::parse(&head)?;
        let mut body = Vec::new();
        if response.is_chunked() {
            body = chunks(&mut self.stream)?;
        } else if let Some(length) = response.header("content-length") {
            body.resize(length.parse().map_err(|_| broken())?, 0);
            self.stream.read_exact(&mut body)?;
        } else if response.closes() {
            self.stream.read_to_end(&mut body)?;
        }
        response.body = text(&body);
        Ok(response)
    }

    /// Sends a GET request and reads its response.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask) and [`answer`](Self::answer).
    pub fn get(&mut self, path: &str) -> io::Result<Response> {
        self.get_with(path, "")
    }

    /// Sends a GET request with these headers and reads its response.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask) and [`answer`](Self::answer).
    pub fn get_with(&mut self, path: &str, headers: &str) -> io::Result<Response> {
        self.ask_with(path, headers)?;
        self.answer()
    }

    /// Returns the socket, to be closed in another way.
    pub fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }
}

/// A response.
#[derive(Debug)]
pub struct Response {
    /// Its status code.
    pub status: u16,
    head: String,
    /// Its body, with no chunks in it.
    pub body: String,
}

impl Response {
    /// Reads a response that ends where `bytes` do.
    ///
    /// # Errors
    ///
    /// If they are not a response.
    pub fn parse(bytes: &[u8]) -> io::Result<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, mut body) = bytes.split_at(end.ok_or_else(broken)? + 4);
        let head = text(head);
        let status = head.split(' ').nth(1);
        let status = status.and_then(|status| status.parse().ok());
        let mut response = Self {
            status: status.ok_or_else(broken)?,
            head,
            body: text(body),
        };
        if response.is_chunked() && !body.is_empty() {
            response.body = text(&chunks(&mut body)?);
        }
        Ok(response)
    }

    /// Returns the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Returns whether the connection ends with it.
    pub fn closes(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Returns its body as JSON.
    ///
    /// # Panics
    ///
    /// If it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }
}

/// Reads the chunks of a body until the empty one.
fn chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim_end(), 16).map_err(|_| broken())?;
        let start = body.len();
        body.resize(start + length + 2, 0);
        stream.read_exact(&mut body[start..])?;
        body.truncate(start + length);
        if length == 0 {
            return Ok(body);
        }
    }
}

fn broken() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

#[test]
fn a_body_is_read_by_its_length_by_its_chunks_or_to_its_end() {
    for (rest, body) in [
        ("content-length: 3\r\n\r\nabc", "abc"),
        (
            "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            "abc",
        ),
        ("connection: close\r\n\r\nabc", "abc"),
        ("content-length: 0\r\n\r\n", ""),
    ] {
        let response = Response::parse(format!("HTTP/1.1 200 OK\r\n{rest}").as_bytes());
        assert_eq!(response.expect("a response").body, body, "{rest}");
    }
    for broken in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 OK\r\n\r\n"] {
        assert!(Response::parse(broken.as_bytes()).is_err(), "{broken}");
    }
}
