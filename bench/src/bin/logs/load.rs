//! What asks: one client in the server's own process where instructions are counted, or none where another process asks.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    process, thread,
    time::Duration,
};

use crate::rows::Row;

/// What a browser sends, and a load balancer passes on.
pub(crate) const REQUEST: &[u8] = b"GET /items/4711?verbose=true HTTP/1.1\r\n\
    Host: bench.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.7,fr;q=0.3\r\n\
    Accept-Encoding: gzip, deflate\r\n\
    X-Forwarded-For: 192.0.2.7\r\n\r\n";

/// The end of every response.
pub(crate) const END: &[u8] = b"item 4711";

/// Serves `requests` requests, one after the other on one connection, and ends the process.
pub(crate) fn count(row: Row, requests: &str) -> io::Result<()> {
    let requests: u32 = requests.parse().map_err(io::Error::other)?;
    actix_web::rt::System::new().block_on(async move {
        let (server, port) = (row.start)()?;
        thread::spawn(move || {
            if let Err(error) = ask(port, requests) {
                eprintln!("{error}");
                process::exit(1);
            }
            // So that the last lines are written, and counted, whoever writes them.
            thread::sleep(Duration::from_millis(300));
            process::exit(0);
        });
        server.await
    })
}

fn ask(port: u16, requests: u32) -> io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut response = [0; 4096];
    for _ in 0..requests {
        stream.write_all(REQUEST)?;
        read_response(&mut stream, &mut response)?;
    }
    Ok(())
}

/// Reads until a response ends.
fn read_response(stream: &mut TcpStream, response: &mut [u8]) -> io::Result<()> {
    let mut length = 0;
    while !response[..length].ends_with(END) {
        match stream.read(&mut response[length..])? {
            0 => return Err(io::Error::other("the server has closed the connection")),
            count => length += count,
        }
    }
    Ok(())
}

/// Serves until the process is killed; the port is the first line on stderr.
pub(crate) fn serve(row: Row) -> io::Result<()> {
    actix_web::rt::System::new().block_on(async move {
        let (server, port) = (row.start)()?;
        eprintln!("{port}");
        server.await
    })
}
