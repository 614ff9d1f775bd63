//! Finding the socket that a dial has just opened, and asking without blocking
//! whether its peer has closed it.
//!
//! PHP's drivers do not show their sockets. But a new descriptor is always the
//! lowest free one, so the one noted before a dial is where the dial's socket
//! is afterwards, or a few above it, where the driver opened more. Numbers above
//! it that were in use before are noted too: what is there is not the dial's.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::net::sockopt::{Timeout, socket_timeout};
use rustix::net::{RecvFlags, SocketAddrAny};

/// How far above the lowest free descriptor a dial's socket may lie.
const REACH: usize = 12;

/// For polls that do not wait.
const NOW: rustix::time::Timespec = rustix::time::Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Receive timeout of the probes' own sockets, TCP and Unix, by which they are
/// told from those of the application: an odd number that every kernel's clock
/// keeps exactly. On sockets that never block it has no effect.
pub(crate) const PROBE_MARK: Duration = Duration::from_millis(29_300);

/// A socket of this process, told apart from later ones of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketMark {
    fd: i32,
    device: u64,
    inode: u64,
}

impl SocketMark {
    /// The socket with this inode, under this number.
    pub fn new(fd: i32, device: u64, inode: u64) -> Self {
        Self { fd, device, inode }
    }

    /// The number.
    pub fn fd(self) -> i32 {
        self.fd
    }

    /// The inode, one for every socket.
    pub fn inode(self) -> u64 {
        self.inode
    }

    /// Whether both are one socket, under whatever numbers.
    pub fn is_same_socket(self, other: Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// Which descriptors were free before a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    lowest: i32,
    /// Bit n: `lowest + n` was in use.
    used: u16,
}

/// What a peek at a socket shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peek {
    /// Open, as far as this end knows.
    Open,
    /// The peer has closed it or is about to: what it sent says goodbye.
    Closed,
    /// The descriptor is another file by now, or none.
    Gone,
}

/// Notes which descriptors are free; do it before a dial.
pub fn before_dial() -> Option<Before> {
    let lowest = rustix::io::dup(rustix::stdio::stderr()).ok()?.as_raw_fd();
    // One call for all: a closed descriptor polls as invalid at once.
    let numbers: [BorrowedFd<'static>; REACH] = {
        let mut numbers = [borrow(lowest)?; REACH];
        for (number, above) in numbers.iter_mut().zip(0..) {
            *number = borrow(lowest + above)?;
        }
        numbers
    };
    let mut polled: [PollFd<'_>; REACH] =
        std::array::from_fn(|n| PollFd::from_borrowed_fd(numbers[n], PollFlags::empty()));
    rustix::event::poll(&mut polled, Some(&NOW)).ok()?;
    let used = polled
        .iter()
        .enumerate()
        .filter(|(_, p)| !p.revents().contains(PollFlags::NVAL))
        .fold(0, |used, (bit, _)| used | 1 << bit);
    Some(Before { lowest, used })
}

impl Before {
    /// As noted when nothing from `lowest` on was in use.
    #[cfg(test)]
    pub(crate) fn from_lowest(lowest: i32) -> Self {
        Self { lowest, used: 0 }
    }

    /// The numbers that were free and that a dial's descriptors get.
    pub fn opened(self) -> impl Iterator<Item = i32> {
        (0..REACH as i32)
            .filter(move |bit| self.used & (1 << bit) == 0)
            .map(move |above| self.lowest.saturating_add(above))
    }
}

/// The stream socket that a dial to `port` (`None`: a Unix socket) opened.
pub fn opened_since(before: Before, port: Option<u16>) -> Option<SocketMark> {
    before.opened().find_map(|fd| mark(fd, port))
}

/// The only socket of this process with such a peer, searched among all.
pub fn only_one_to(port: Option<u16>) -> Option<SocketMark> {
    let mut found = None;
    for entry in std::fs::read_dir("/proc/self/fd").ok()?.flatten() {
        let Some(fd) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        if let Some(mark) = mark(fd, port) {
            if found.is_some() {
                return None;
            }
            found = Some(mark);
        }
    }
    found
}

/// Whether a probe opened this socket, and not the application.
pub fn is_probes_own(socket: BorrowedFd<'_>) -> bool {
    socket_timeout(socket, Timeout::Recv).is_ok_and(|timeout| timeout == Some(PROBE_MARK))
}

/// Looks whether the peer has closed the socket, without waiting and without
/// taking anything from it.
pub fn peek(mark: SocketMark) -> Peek {
    let Some(fd) = borrow(mark.fd) else {
        return Peek::Gone;
    };
    match rustix::fs::fstat(fd) {
        Ok(stat) if (stat.st_dev, stat.st_ino) == (mark.device, mark.inode) => {}
        _ => return Peek::Gone,
    }
    // The peer's end shows past whatever is still unread.
    let mut polled = [PollFd::new(&fd, PollFlags::RDHUP)];
    let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    if rustix::event::poll(&mut polled, Some(&NOW)).is_ok()
        && polled.iter().any(|p| p.revents().intersects(gone))
    {
        return Peek::Closed;
    }
    let mut head = [0u8; 5];
    match rustix::net::recv(fd, &mut head[..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((0, _)) => Peek::Closed,
        // An error packet nobody asked for (sequence 0, 0xff), or any TLS
        // record: on a handle at rest, the server's words before it hangs up.
        Ok((5, _)) if (head[3] == 0 && head[4] == 0xff) || is_tls_record(head) => Peek::Closed,
        Ok(_) => Peek::Open,
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Peek::Open,
        Err(_) => Peek::Closed,
    }
}

fn is_tls_record(head: [u8; 5]) -> bool {
    (0x14..=0x17).contains(&head[0]) && head[1] == 3 && head[2] <= 4
}

fn mark(fd: i32, port: Option<u16>) -> Option<SocketMark> {
    let borrowed = borrow(fd)?;
    let stat = rustix::fs::fstat(borrowed).ok()?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::Socket {
        return None;
    }
    if is_probes_own(borrowed) {
        return None;
    }
    let peer = rustix::net::getpeername(borrowed).ok()??;
    let fits = match (SocketAddrAny::address_family(&peer), port) {
        (rustix::net::AddressFamily::UNIX, None) => true,
        (_, Some(port)) => {
            std::net::SocketAddr::try_from(peer).is_ok_and(|address| address.port() == port)
        }
        _ => false,
    };
    fits.then_some(SocketMark {
        fd,
        device: stat.st_dev,
        inode: stat.st_ino,
    })
}

pub(crate) fn borrow(fd: i32) -> Option<BorrowedFd<'static>> {
    if fd < 0 {
        return None;
    }
    // SAFETY: not -1. The number may be closed or another file by now: every
    // use here is a system call that then fails or is checked against the
    // inode, and nothing closes it.
    Some(unsafe { BorrowedFd::borrow_raw(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    /// As noted before `socket` was opened.
    fn before(socket: &TcpStream) -> Before {
        let lowest = socket.as_raw_fd();
        Before { lowest, used: 0 }
    }

    #[test]
    fn the_socket_of_a_dial_is_found_and_its_end_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mark = opened_since(before(&client), Some(port)).unwrap();
        assert_eq!(opened_since(before(&client), Some(1)), None);
        assert_eq!(peek(mark), Peek::Open);
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"\x01\0\0\x01\0").unwrap();
        std::thread::yield_now();
        assert_eq!(peek(mark), Peek::Open, "an answer is no goodbye");
        drop(server);
        drop(client);
        assert_eq!(peek(mark), Peek::Gone);
    }

    #[test]
    fn a_socket_that_was_there_before_a_dial_is_not_the_dials() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let lowest = client.as_raw_fd();
        let used = Before { lowest, used: 1 };
        assert!(!used.opened().any(|fd| fd == lowest));
        assert_ne!(
            opened_since(used, Some(port)).map(SocketMark::fd),
            Some(lowest)
        );
        let seen = before_dial().unwrap();
        let low = seen.lowest;
        let open = |fd: i32| borrow(fd).is_some_and(|fd| rustix::fs::fstat(fd).is_ok());
        // Other tests open and close descriptors meanwhile; those of the
        // listener and the client stay.
        for fd in [listener.as_raw_fd(), lowest] {
            assert!(open(fd));
            if (low..low + REACH as i32).contains(&fd) {
                assert!(!seen.opened().any(|free| free == fd));
            }
        }
    }

    #[test]
    fn a_goodbye_that_nobody_has_read_does_not_hide_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mark = opened_since(before(&client), Some(port)).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server
            .write_all(b"\x17\x03\x03\x00\x13 an encrypted goodbye")
            .unwrap();
        let _ = client.peek(&mut [0u8; 1]);
        assert_eq!(peek(mark), Peek::Closed, "unread TLS records");
        drop(server);
        assert_eq!(peek(mark), Peek::Closed);
    }

    #[test]
    fn a_probes_own_socket_is_not_taken_for_the_applications() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.set_read_timeout(Some(PROBE_MARK)).unwrap();
        assert_eq!(opened_since(before(&client), Some(port)), None);
    }

    #[test]
    fn a_peer_that_hung_up_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mark = opened_since(before(&client), Some(port)).unwrap();
        drop(listener.accept().unwrap());
        let mut byte = [0u8; 1];
        let _ = client.peek(&mut byte);
        assert_eq!(peek(mark), Peek::Closed);
    }
}
