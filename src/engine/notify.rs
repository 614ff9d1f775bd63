//! Telling systemd how a service is: one datagram a message to the socket that
//! `NOTIFY_SOCKET` names, see sd_notify(3). Elsewhere this does nothing.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The way to the service manager.
pub struct Notify {
    to: Option<(UnixDatagram, SocketAddr)>,
    watchdog_ms: Option<u64>,
}

impl Notify {
    /// As this process's environment has it.
    pub fn from_environment() -> Self {
        let name = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
            [b'/', ..] => SocketAddr::from_pathname(&name).ok(),
            _ => None,
        };
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(crate::process::pid()));
        Self {
            to: address.and_then(|to| Some((UnixDatagram::unbound().ok()?, to))),
            watchdog_ms: number("WATCHDOG_USEC")
                .filter(|_| ours)
                .map(|us| us / 1_000),
        }
    }

    /// Sends assignments (`READY=1`), one a line. A manager that does not
    /// listen is not waited for.
    pub fn send(&self, text: &str) {
        if let Some((socket, to)) = &self.to {
            let _ = socket.set_nonblocking(true);
            let _ = socket.send_to_addr(text.as_bytes(), to);
        }
    }

    /// How long the manager waits for a sign of life before it ends the
    /// service, ms.
    pub fn watchdog_ms(&self) -> Option<u64> {
        self.watchdog_ms
    }
}
