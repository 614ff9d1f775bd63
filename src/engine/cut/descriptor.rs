//! A duplicate of a socket's descriptor, safe to examine and to shut.
//!
//! Between looking at a number and acting on it PHP's thread may close it and
//! be given the same number for something else. A duplicate stays what it was
//! when it was made, whatever becomes of the number.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::FileType;
use rustix::net::{AddressFamily, Shutdown, SocketAddrAny, SocketAddrUnix, SocketType, sockopt};

use super::syn_sent;
use crate::socket::{SocketMark, borrow, is_probes_own};

/// Whom a socket is connected to, or is trying to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A TCP socket's other end; an IPv4 address is never in its IPv6 form.
    Inet(SocketAddr),
    /// The path that a Unix socket's other end is bound to.
    Unix(PathBuf),
    /// Neither: not connected, or nameless.
    None,
}

/// A duplicate of a stream socket.
pub struct Duplicate {
    socket: OwnedFd,
    mark: SocketMark,
}

impl Duplicate {
    /// Duplicates descriptor `fd`, if it is a stream socket.
    pub fn of(fd: i32) -> Option<Self> {
        let original = borrow(fd)?;
        // Looked at first, since nothing but sockets may be duplicated: closing
        // a duplicate of a file gives up this process's locks on the file.
        if !is_socket(original) {
            return None;
        }
        let copy = rustix::io::fcntl_dupfd_cloexec(original, 0).ok()?;
        let stat = rustix::fs::fstat(&copy).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
            // The number was given to a file in between. Its locks are kept by
            // keeping the duplicate, for good.
            std::mem::forget(copy);
            return None;
        }
        (sockopt::socket_type(&copy) == Ok(SocketType::STREAM)).then_some(Self {
            mark: SocketMark::new(fd, stat.st_dev, stat.st_ino),
            socket: copy,
        })
    }

    /// Duplicates the socket of `mark`, if its number is still that socket.
    pub fn of_mark(mark: SocketMark) -> Option<Self> {
        Self::of(mark.fd()).filter(|copy| copy.mark == mark)
    }

    /// Which socket it is, under the number it was found by.
    pub fn mark(&self) -> SocketMark {
        self.mark
    }

    /// Whether it is a probe's own.
    pub fn is_probes_own(&self) -> bool {
        is_probes_own(self.socket.as_fd())
    }

    /// Whom it is connected to, or is trying to reach.
    pub fn peer(&self) -> Peer {
        match rustix::net::getpeername(&self.socket) {
            Ok(Some(address)) if address.address_family() == AddressFamily::UNIX => {
                SocketAddrUnix::try_from(address)
                    .ok()
                    .and_then(|unix| unix.path_bytes().map(path))
                    .map_or(Peer::None, Peer::Unix)
            }
            Ok(Some(address)) => inet(address).map_or(Peer::None, Peer::Inet),
            // No peer, but perhaps one to be: only the kernel's tables tell.
            _ => match syn_sent::is_in(self.socket.as_fd()) {
                true => syn_sent::destination(self.mark.inode())
                    .map_or(Peer::None, |to| Peer::Inet(canonical(to))),
                false => Peer::None,
            },
        }
    }

    /// Shuts the socket in both directions; whoever waits on it is woken.
    pub fn shut(&self) {
        // Fails where it is shut already or never was connected.
        let _ = rustix::net::shutdown(&self.socket, Shutdown::Both);
    }
}

fn is_socket(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(fd)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket)
}

fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

fn inet(address: SocketAddrAny) -> Option<SocketAddr> {
    SocketAddr::try_from(address).ok().map(canonical)
}

/// An IPv4 address in its own form.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
#[path = "descriptor_tests.rs"]
mod tests;
