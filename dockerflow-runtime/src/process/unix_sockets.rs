//! The Unix sockets of the process: how it listens on one, and on which ones it does.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::{
        fs::FileTypeExt as _,
        net::{UnixListener, UnixStream},
    },
    path::Path,
};

/// Listens on a Unix socket. A socket left by an earlier process is replaced; one in use is not.
pub(super) fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "a file that is not a socket has this name",
            ));
        }
        Ok(_) if UnixStream::connect(path).is_ok() => return Err(io::ErrorKind::AddrInUse.into()),
        Ok(_) => fs::remove_file(path)?,
        Err(_) => {}
    }
    UnixListener::bind(path)
}

/// What actix-web reports as the address of each Unix socket.
pub(super) const STAND_IN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Returns the Unix sockets among the addresses that an `HttpServer` was bound to. Linux knows which ones the process listens on.
pub(super) fn among(bound: &[(SocketAddr, &str)]) -> Vec<String> {
    let doubtful = bound.contains(&(STAND_IN, "http"));
    doubtful.then(of_process).unwrap_or_default()
}

/// Returns what an `HttpServer` that was bound by hand listens on.
pub(super) fn announced(bound: &[(SocketAddr, &str)]) -> Vec<String> {
    let mut sockets = among(bound).into_iter();
    let addresses = bound.iter().map(|(address, scheme)| {
        let socket = ((*address, *scheme) == (STAND_IN, "http")).then(|| sockets.next());
        match socket.flatten() {
            Some(path) => format!("unix:{path}"),
            None => format!("{scheme}://{address}"),
        }
    });
    addresses.collect()
}

/// Returns the paths of the Unix sockets on which this process listens.
fn of_process() -> Vec<String> {
    let own: Vec<_> = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|target| {
            let inode = target.to_str()?.strip_prefix("socket:[")?;
            Some(inode.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = fs::read_to_string("/proc/self/net/unix").unwrap_or_default();
    let listening = table.lines().skip(1).filter_map(|line| {
        // Num RefCount Protocol Flags Type St Inode Path
        let mut columns = line.split_whitespace();
        let flags = columns.nth(3)?;
        let inode = columns.nth(2)?;
        let path = columns.next()?;
        let accepts = flags == "00010000"; // __SO_ACCEPTCON
        (accepts && own.iter().any(|own| own == inode)).then(|| path.to_owned())
    });
    listening.collect()
}
