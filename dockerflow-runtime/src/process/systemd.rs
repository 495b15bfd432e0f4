//! Notifies systemd that the service is up, and that it stops.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

use crate::service::TARGET;

/// Sends a state, such as `READY=1`, to the service manager that started this process, if it asked for notifications.
pub(super) fn notify(state: &str) {
    if let Err(error) = send(state) {
        log::warn!(target: TARGET, "{state} cannot be sent to $NOTIFY_SOCKET: {error}");
    }
}

fn send(state: &str) -> io::Result<()> {
    let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
        return Ok(());
    };
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(state.as_bytes(), &address).map(drop)
}
