use super::*;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};

#[test]
fn a_number_given_to_another_socket_between_looking_and_shutting_spares_that_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let dead = TcpStream::connect(to).unwrap();
    let (mut dead_end, _) = listener.accept().unwrap();
    let other = TcpStream::connect(to).unwrap();
    let (other_end, _) = listener.accept().unwrap();
    let found = Duplicate::of(dead.as_raw_fd()).unwrap();
    assert_eq!(found.peer(), Peer::Inet(to));
    // The number now means the other socket, as after close and connect.
    rustix::io::dup2(&other, &mut owned(dead)).unwrap();
    found.shut();
    let soon = Some(std::time::Duration::from_secs(2));
    dead_end.set_read_timeout(soon).unwrap();
    assert_eq!(
        dead_end.read(&mut [0u8; 1]).unwrap(),
        0,
        "the dead one is shut"
    );
    other_end.set_nonblocking(true).unwrap();
    let alive = other_end.peek(&mut [0u8; 1]).unwrap_err();
    assert_eq!(alive.kind(), std::io::ErrorKind::WouldBlock);
}

/// Keeps the number open, as PHP's table of descriptors does.
fn owned(stream: TcpStream) -> OwnedFd {
    OwnedFd::from(stream)
}

#[test]
fn a_mark_whose_number_is_another_socket_by_now_finds_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let first = TcpStream::connect(to).unwrap();
    let second = TcpStream::connect(to).unwrap();
    let mark = Duplicate::of(first.as_raw_fd()).unwrap().mark();
    assert!(Duplicate::of_mark(mark).is_some());
    let _number = {
        let mut number = owned(first);
        rustix::io::dup2(&second, &mut number).unwrap();
        number
    };
    assert!(Duplicate::of_mark(mark).is_none());
}

#[test]
fn nothing_but_stream_sockets_is_touched() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let datagram = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    assert!(Duplicate::of(file.as_raw_fd()).is_none());
    assert!(Duplicate::of(datagram.as_raw_fd()).is_none());
    assert!(Duplicate::of(-1).is_none());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let found = Duplicate::of(listener.as_raw_fd()).unwrap();
    assert_eq!(found.peer(), Peer::None);
}

#[test]
fn locks_on_a_file_survive_a_look_at_its_descriptor() {
    let path = crate::testing::folder().join(format!("lock-{}", std::process::id()));
    let file = std::fs::File::create(&path).unwrap();
    // SAFETY: `flock` is plain data, which `fcntl` reads.
    let locked = unsafe {
        let mut wanted: libc::flock = std::mem::zeroed();
        wanted.l_type = libc::F_WRLCK as _;
        libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw mut wanted)
    };
    assert_eq!(locked, 0);
    assert!(Duplicate::of(file.as_raw_fd()).is_none());
    // Another open of the file, which sees this process's lock as a stranger's.
    let stranger = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    // SAFETY: as above.
    let held = unsafe {
        let mut asked: libc::flock = std::mem::zeroed();
        asked.l_type = libc::F_WRLCK as _;
        assert_eq!(
            libc::fcntl(stranger.as_raw_fd(), libc::F_OFD_GETLK, &raw mut asked),
            0
        );
        asked.l_type
    };
    assert_eq!(i32::from(held), libc::F_WRLCK, "the lock is gone");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn peers_of_every_family_are_told() {
    let six = TcpListener::bind("[::1]:0").unwrap();
    let to = six.local_addr().unwrap();
    let client = TcpStream::connect(to).unwrap();
    assert_eq!(
        Duplicate::of(client.as_raw_fd()).unwrap().peer(),
        Peer::Inet(to)
    );

    let four = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = four.local_addr().unwrap().port();
    let mapped = TcpStream::connect(format!("[::ffff:127.0.0.1]:{port}")).unwrap();
    let peer = Duplicate::of(mapped.as_raw_fd()).unwrap().peer();
    assert_eq!(
        peer,
        Peer::Inet(four.local_addr().unwrap()),
        "in its own form"
    );

    let path = crate::testing::folder().join(format!("peer-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let unix = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let peer = Duplicate::of(client.as_raw_fd()).unwrap().peer();
    assert_eq!(peer, Peer::Unix(path.clone()));
    let (server, _) = unix.accept().unwrap();
    assert_eq!(
        Duplicate::of(server.as_raw_fd()).unwrap().peer(),
        Peer::None
    );
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_probes_own_socket_is_told_from_the_applications() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let found = Duplicate::of(client.as_raw_fd()).unwrap();
    assert!(!found.is_probes_own());
    client
        .set_read_timeout(Some(crate::socket::PROBE_MARK))
        .unwrap();
    assert!(found.is_probes_own());
}
