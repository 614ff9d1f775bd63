//! Making the connection, within what is left of the time.
//!
//! The socket carries a mark by which it is told from the application's before
//! it is connected, so that there is no moment without.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::stream::{Stream, wait};
use super::{Deadline, Result, WireError};
use crate::socket::PROBE_MARK;

/// Dials the addresses in turn; the time is shared out among those left.
pub(super) fn tcp(
    addresses: &[SocketAddr],
    deadline: Deadline,
) -> Result<(Stream, Option<SocketAddr>)> {
    let mut last = None;
    for (tried, address) in addresses.iter().enumerate() {
        let within = deadline.share(addresses.len() - tried);
        match connect_tcp(*address, within) {
            Ok(fd) => return Ok((Stream::new(fd, deadline, false), Some(*address))),
            Err(error @ WireError::Scarce(_)) => return Err(error),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| WireError::Own("there is no address to dial".to_owned())))
}

fn connect_tcp(address: SocketAddr, deadline: Deadline) -> Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let fd = socket(family, SocketFlags::NONBLOCK)?;
    sockopt::set_tcp_nodelay(&fd, true).map_err(of_own)?;
    loop {
        match rustix::net::connect(&fd, &address) {
            Ok(()) | Err(Errno::ISCONN) => return Ok(fd),
            Err(Errno::INTR) => {}
            Err(Errno::INPROGRESS | Errno::ALREADY) => break,
            Err(errno) => return Err(told(errno)),
        }
    }
    wait(fd.as_fd(), PollFlags::OUT, deadline)?;
    match sockopt::socket_error(&fd).map_err(of_own)? {
        Ok(()) => Ok(fd),
        Err(errno) => Err(told(errno)),
    }
}

/// Dials the socket at `path`.
pub(super) fn unix(path: &str, deadline: Deadline) -> Result<Stream> {
    let address = SocketAddrUnix::new(path).map_err(of_own)?;
    let fd = socket(AddressFamily::UNIX, SocketFlags::empty())?;
    // Nothing else tells when a server that is slow to accept has room again.
    loop {
        let left = Duration::from_micros(deadline.left_us()?.max(1_000));
        sockopt::set_socket_timeout(&fd, Timeout::Send, Some(left)).map_err(of_own)?;
        match rustix::net::connect(&fd, &address) {
            Ok(()) | Err(Errno::ISCONN) => break,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Err(told(errno)),
        }
    }
    rustix::io::ioctl_fionbio(&fd, true).map_err(of_own)?;
    Ok(Stream::new(fd, deadline, true))
}

fn socket(family: AddressFamily, flags: SocketFlags) -> Result<OwnedFd> {
    let flags = flags | SocketFlags::CLOEXEC;
    let fd = rustix::net::socket_with(family, SocketType::STREAM, flags, None).map_err(of_own)?;
    sockopt::set_socket_timeout(&fd, Timeout::Recv, Some(PROBE_MARK)).map_err(of_own)?;
    Ok(fd)
}

/// What a system call on this process's own side says: nothing the peer can
/// help.
pub(super) fn of_own(errno: Errno) -> WireError {
    let text = io::Error::from(errno).to_string();
    match errno {
        Errno::MFILE
        | Errno::NFILE
        | Errno::NOMEM
        | Errno::NOBUFS
        | Errno::ADDRNOTAVAIL
        | Errno::AGAIN => WireError::Scarce(text),
        _ => WireError::Own(text),
    }
}

/// What a system call on a connection says: of the peer and the way to it, or
/// of this process, its ports, its rights and its memory.
fn told(errno: Errno) -> WireError {
    match errno {
        Errno::MFILE
        | Errno::NFILE
        | Errno::NOMEM
        | Errno::NOBUFS
        | Errno::ADDRNOTAVAIL
        | Errno::AGAIN
        | Errno::PERM
        | Errno::ACCESS
        | Errno::AFNOSUPPORT
        | Errno::INVAL => of_own(errno),
        errno => WireError::Io(errno.into()),
    }
}
