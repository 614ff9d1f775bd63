//! The sockets that a server listens on and talks over.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::event::{PollFd, PollFlags};
use rustix::net::Shutdown;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address and port; port 0: any that is free.
    Tcp(SocketAddr),
    /// The path of a socket, which must not be there yet. Everybody may use it.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = anyhow::Error;

    /// `127.0.0.1:3306`, `[::1]:0`, or the path of a socket.
    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with('/') {
            return Ok(Self::Unix(text.into()));
        }
        Ok(Self::Tcp(text.parse().with_context(|| text.to_owned())?))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

pub(super) fn readable(fd: std::os::fd::BorrowedFd<'_>, within: Duration) -> bool {
    let mut polled = [PollFd::new(&fd, PollFlags::IN)];
    let within = rustix::time::Timespec {
        tv_sec: within.as_secs() as i64,
        tv_nsec: i64::from(within.subsec_nanos()),
    };
    matches!(rustix::event::poll(&mut polled, Some(&within)), Ok(1..))
}

pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    pub(super) fn bind(address: &Address) -> Result<(Self, Address)> {
        Self::bind_with_queue(address, 256)
    }

    pub(super) fn bind_with_queue(address: &Address, queue: i32) -> Result<(Self, Address)> {
        let (listener, address) = match address {
            Address::Tcp(wanted) => {
                let listener = TcpListener::bind(wanted).with_context(|| wanted.to_string())?;
                let address = Address::Tcp(listener.local_addr()?);
                (Self::Tcp(listener), address)
            }
            Address::Unix(path) => {
                let listener =
                    UnixListener::bind(path).with_context(|| path.display().to_string())?;
                let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
                std::fs::set_permissions(path, everybody)?;
                (Self::Unix(listener), address.clone())
            }
        };
        // SAFETY: listen has no memory effects; the descriptor is alive.
        let listening = unsafe { libc::listen(listener.as_fd().as_raw_fd(), queue) } == 0;
        ensure!(listening, "listen: {}", io::Error::last_os_error());
        Ok((listener, address))
    }

    pub(super) fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(listener) => Ok(Stream::Unix(listener.accept()?.0)),
        }
    }

    pub(super) fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}

impl From<Listener> for OwnedFd {
    fn from(listener: Listener) -> Self {
        match listener {
            Listener::Tcp(listener) => listener.into(),
            Listener::Unix(listener) => listener.into(),
        }
    }
}

/// One connection, seen from the server.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub(super) fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }

    pub(super) fn shut(&self) {
        let _ = rustix::net::shutdown(self.as_fd(), Shutdown::Both);
    }

    /// Whether either side has ended it.
    pub(super) fn is_closed(&self) -> bool {
        let fd = self.as_fd();
        let mut polled = [PollFd::new(&fd, PollFlags::RDHUP)];
        let now = rustix::time::Timespec::default();
        matches!(rustix::event::poll(&mut polled, Some(&now)), Ok(1..))
    }

    /// Has the connection reset, not ended in order, when it is closed. On a
    /// Unix socket that comes of itself where something is unread.
    pub(super) fn reset_on_close(&self) {
        let _ = rustix::net::sockopt::set_socket_linger(self.as_fd(), Some(Duration::ZERO));
    }
}
