//! Bytes to and from a peer, none of which are waited for beyond the deadline.
//!
//! The socket never blocks; every wait is a `poll` for what is left of the
//! time. It carries a mark by which it is told from the application's, before
//! it is connected, so that there is no moment without.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use rustix::time::Timespec;

use super::tls::Session;
use super::{Deadline, MOST_BYTES, Result, WireError};
use crate::socket::PROBE_MARK;

/// A connected socket, perhaps with TLS on it.
pub(super) struct Stream {
    socket: Socket,
    tls: Option<Box<rustls::ClientConnection>>,
    local: bool,
}

/// The socket itself: what TLS reads from and writes to.
struct Socket {
    fd: OwnedFd,
    deadline: Deadline,
    received: usize,
}

/// Dials the addresses in turn; the time is shared out among those left.
pub(super) fn dial_tcp(
    addresses: &[SocketAddr],
    deadline: Deadline,
) -> Result<(Stream, Option<SocketAddr>)> {
    let mut last = None;
    for (tried, address) in addresses.iter().enumerate() {
        let within = deadline.share(addresses.len() - tried);
        match connect_tcp(*address, within) {
            Ok(fd) => return Ok((Stream::new(fd, deadline, false), Some(*address))),
            Err(error @ WireError::Own(_)) => return Err(error),
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
pub(super) fn dial_unix(path: &str, deadline: Deadline) -> Result<Stream> {
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

/// No descriptors, no memory, no kind of address: nothing the peer can help.
fn of_own(errno: Errno) -> WireError {
    WireError::Own(io::Error::from(errno).to_string())
}

/// What a system call on a connection says: of the peer and the way to it, or
/// of this process, its ports, its rights and its memory.
fn told(errno: Errno) -> WireError {
    match errno {
        Errno::ADDRNOTAVAIL
        | Errno::PERM
        | Errno::ACCESS
        | Errno::NOBUFS
        | Errno::NOMEM
        | Errno::MFILE
        | Errno::NFILE
        | Errno::AFNOSUPPORT
        | Errno::INVAL => of_own(errno),
        errno => WireError::Io(errno.into()),
    }
}

fn wait(fd: BorrowedFd<'_>, wanted: PollFlags, deadline: Deadline) -> Result<()> {
    loop {
        let left = deadline.left_us()?;
        let left = Timespec {
            tv_sec: (left / 1_000_000) as i64,
            tv_nsec: ((left % 1_000_000) * 1_000) as i64,
        };
        match rustix::event::poll(&mut [PollFd::new(&fd, wanted)], Some(&left)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(errno) => return Err(of_own(errno)),
        }
    }
}

impl Stream {
    fn new(fd: OwnedFd, deadline: Deadline, local: bool) -> Self {
        Self {
            socket: Socket {
                fd,
                deadline,
                received: 0,
            },
            tls: None,
            local,
        }
    }

    pub(super) fn begin(&mut self, deadline: Deadline) {
        self.socket.deadline = deadline;
        self.socket.received = 0;
    }

    pub(super) fn is_private(&self) -> bool {
        self.local || self.tls.is_some()
    }

    /// Shakes hands; all that follows is encrypted.
    pub(super) fn encrypt(&mut self, session: Session) -> Result<()> {
        let mut tls = Box::new(session.0);
        while tls.is_handshaking() {
            if tls.wants_write() {
                self.socket.flush_tls(&mut tls)?;
            } else {
                self.socket.fill_tls(&mut tls)?;
            }
        }
        self.socket.flush_tls(&mut tls)?;
        self.tls = Some(tls);
        Ok(())
    }

    /// Reads until `to` is full.
    pub(super) fn read(&mut self, mut to: &mut [u8]) -> Result<()> {
        while !to.is_empty() {
            let read = match &mut self.tls {
                None => self.socket.receive(to)?,
                Some(tls) => match tls.reader().read(to) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.socket.fill_tls(tls)?;
                        continue;
                    }
                    read => read?,
                },
            };
            if read == 0 {
                return Err(closed());
            }
            to = to.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.tls {
            None => self.socket.send(bytes),
            Some(tls) => {
                tls.writer().write_all(bytes)?;
                self.socket.flush_tls(tls)
            }
        }
    }

    /// Sends what goes out without waiting.
    pub(super) fn write_at_once(&mut self, bytes: &[u8]) {
        match &mut self.tls {
            None => {
                let _ = self.socket.send_some(bytes);
            }
            Some(tls) => {
                let _ = tls.writer().write_all(bytes);
                tls.send_close_notify();
                let _ = tls.write_tls(&mut self.socket);
            }
        }
    }
}

fn closed() -> WireError {
    let text = "the server closed the connection";
    WireError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, text))
}

impl Socket {
    /// Waits for some bytes; 0: the peer has sent its last.
    fn receive(&mut self, to: &mut [u8]) -> Result<usize> {
        loop {
            // Also where bytes are there: a peer that drips has one ready each time.
            self.deadline.left_us()?;
            match self.receive_some(to) {
                Ok(read) if self.received > MOST_BYTES => {
                    let _ = read;
                    return Err(WireError::TooMuch);
                }
                Ok(read) => return Ok(read),
                Err(Errno::AGAIN) => wait(self.fd.as_fd(), PollFlags::IN, self.deadline)?,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(WireError::Io(errno.into())),
            }
        }
    }

    fn receive_some(&mut self, to: &mut [u8]) -> rustix::io::Result<usize> {
        let (read, _) = rustix::net::recv(&self.fd, to, RecvFlags::DONTWAIT)?;
        self.received = self.received.saturating_add(read);
        Ok(read)
    }

    fn send(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match self.send_some(bytes) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(Errno::AGAIN) => wait(self.fd.as_fd(), PollFlags::OUT, self.deadline)?,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(WireError::Io(errno.into())),
            }
        }
        Ok(())
    }

    fn send_some(&self, bytes: &[u8]) -> rustix::io::Result<usize> {
        rustix::net::send(&self.fd, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
    }

    /// Takes in more of what the peer sent encrypted.
    fn fill_tls(&mut self, tls: &mut rustls::ClientConnection) -> Result<()> {
        wait(self.fd.as_fd(), PollFlags::IN, self.deadline)?;
        match tls.read_tls(self) {
            Ok(0) => return Err(closed()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if self.received > MOST_BYTES {
            return Err(WireError::TooMuch);
        }
        let processed = tls.process_new_packets();
        if let Err(error) = processed {
            // The peer is told what is wrong with it.
            let _ = tls.write_tls(self);
            return Err(WireError::Tls(error.to_string()));
        }
        Ok(())
    }

    fn flush_tls(&mut self, tls: &mut rustls::ClientConnection) -> Result<()> {
        while tls.wants_write() {
            match tls.write_tls(self) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(self.fd.as_fd(), PollFlags::OUT, self.deadline)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Read for Socket {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        Ok(self.receive_some(to)?)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.send_some(bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
