//! Bytes to and from a peer, none of which are waited for beyond the deadline.
//!
//! The socket never blocks; every wait is a `poll` for what is left of the time.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use rustix::time::Timespec;

use super::dial::of_own;
use super::tls::Session;
use super::{Deadline, MOST_BYTES, Result, WireError};

/// What is taken in at once, bytes.
const CHUNK: usize = 4_096;

/// A connected socket, perhaps with TLS on it.
pub(super) struct Stream {
    socket: Socket,
    tls: Option<Box<rustls::ClientConnection>>,
    local: bool,
    /// Received and not yet asked for.
    ready: VecDeque<u8>,
}

/// The socket itself: what TLS reads from and writes to.
struct Socket {
    fd: OwnedFd,
    deadline: Deadline,
    received: usize,
}

pub(super) fn wait(fd: BorrowedFd<'_>, wanted: PollFlags, deadline: Deadline) -> Result<()> {
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
    pub(super) fn new(fd: OwnedFd, deadline: Deadline, local: bool) -> Self {
        Self {
            socket: Socket {
                fd,
                deadline,
                received: 0,
            },
            tls: None,
            local,
            ready: VecDeque::new(),
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
        // What came in the clear must not pass for what comes encrypted.
        if !self.ready.is_empty() {
            return Err(WireError::Protocol("more than a greeting before TLS"));
        }
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
            if self.ready.is_empty() {
                self.fill()?;
            }
            let read = self.ready.read(to)?;
            to = to.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits for more.
    fn fill(&mut self) -> Result<()> {
        let mut chunk = [0; CHUNK];
        let read = match &mut self.tls {
            None => self.socket.receive(&mut chunk)?,
            Some(tls) => loop {
                match tls.reader().read(&mut chunk) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.socket.fill_tls(tls)?;
                    }
                    read => break read?,
                }
            },
        };
        if read == 0 {
            return Err(closed());
        }
        self.ready.extend(chunk.iter().take(read));
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
