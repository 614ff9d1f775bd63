use super::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, listen, socket_with};

/// A listener whose queue is full, and a socket that waits to get in.
pub(crate) fn waiting(address: IpAddr) -> (Vec<OwnedFd>, OwnedFd, SocketAddr) {
    let family = match address {
        IpAddr::V4(_) => AddressFamily::INET,
        IpAddr::V6(_) => AddressFamily::INET6,
    };
    let open = || socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK, None).unwrap();
    let listener = open();
    bind(&listener, &SocketAddr::new(address, 0)).unwrap();
    listen(&listener, 0).unwrap();
    let to = SocketAddr::try_from(rustix::net::getsockname(&listener).unwrap()).unwrap();
    let mut kept = vec![listener];
    for _ in 0..8 {
        let dialling = open();
        let _ = connect(&dialling, &to);
        // The handshake of loopback is over when connect returns, or never.
        if is_in(dialling.as_fd()) {
            return (kept, dialling, to);
        }
        kept.push(dialling);
    }
    panic!("the queue is never full");
}

fn inode(socket: &OwnedFd) -> u64 {
    rustix::fs::fstat(socket).unwrap().st_ino
}

#[test]
fn the_destination_of_a_dial_that_gets_no_answer_is_known() {
    for address in [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ] {
        let (_kept, dialling, to) = waiting(address);
        assert!(rustix::net::getpeername(&dialling).is_err());
        assert_eq!(diag::destination(inode(&dialling)), Ok(Some(to)));
        assert_eq!(proc::destination(inode(&dialling)), Some(to));
        assert_eq!(destination(inode(&dialling)), Some(to));
    }
}

#[test]
fn what_is_connected_or_no_socket_of_ours_is_not_dialling() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert!(!is_in(client.as_fd()) && !is_in(listener.as_fd()));
    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    assert!(!is_in(one.as_fd()));
    let inode = rustix::fs::fstat(&client).unwrap().st_ino;
    assert_eq!((destination(inode), destination(u64::MAX)), (None, None));
}
