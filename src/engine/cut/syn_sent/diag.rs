//! `sock_diag`: the kernel's own list of sockets, asked for one state.
//!
//! A request is a netlink header and an `inet_diag_req_v2`, an answer is a
//! series of netlink messages with an `inet_diag_msg` each (`sock_diag(7)`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
    sockopt,
};

const BY_FAMILY: u16 = 20;
const REQUEST_DUMP: u16 = 0x0301;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const HEADER: usize = 16;
/// Size of an `inet_diag_req_v2`.
const QUESTION: usize = 56;
/// Where an answer has its state, destination port, destination and inode.
const STATE: usize = 1;
const PORT: usize = 6;
const ADDRESS: usize = 24;
const INODE: usize = 68;
/// An answer takes this long at most; it is there once the question is sent.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);

/// Where the socket with this inode, which is dialling, tries to get. An error
/// means that the kernel cannot be asked.
pub(super) fn destination(inode: u64) -> Result<Option<SocketAddr>, Errno> {
    for family in [libc::AF_INET as u8, libc::AF_INET6 as u8] {
        if let Some(found) = in_family(family, inode)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn in_family(family: u8, inode: u64) -> Result<Option<SocketAddr>, Errno> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(PATIENCE))?;
    send(&socket, &question(family), SendFlags::empty())?;
    let mut buffer = vec![0u8; 32 * 1024];
    loop {
        let (length, _) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
        match read(buffer.get(..length).unwrap_or_default(), inode) {
            Read::Found(address) => return Ok(Some(address)),
            Read::More => {}
            Read::Done => return Ok(None),
            Read::Refused => return Err(Errno::NOENT),
        }
    }
}

fn question(family: u8) -> Vec<u8> {
    let length = (HEADER + QUESTION) as u32;
    let mut bytes = Vec::with_capacity(HEADER + QUESTION);
    bytes.extend(length.to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST_DUMP.to_ne_bytes());
    bytes.extend([0u8; 8]);
    bytes.extend([family, libc::IPPROTO_TCP as u8, 0, 0]);
    bytes.extend((1u32 << super::SYN_SENT).to_ne_bytes());
    bytes.resize(HEADER + QUESTION, 0);
    bytes
}

#[derive(Debug, PartialEq, Eq)]
enum Read {
    Found(SocketAddr),
    More,
    Done,
    Refused,
}

/// One datagram of the answer: any bytes.
fn read(mut bytes: &[u8], inode: u64) -> Read {
    while let (Some(length), Some(kind)) = (u32_at(bytes, 0), u16_at(bytes, 4)) {
        let length = length as usize;
        match kind {
            DONE => return Read::Done,
            ERROR => return Read::Refused,
            _ => {}
        }
        let Some(body) = bytes.get(HEADER..length) else {
            return Read::Done;
        };
        if let Some(found) = destination_of(body, inode) {
            return Read::Found(found);
        }
        // Messages begin at multiples of four.
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Read::More
}

fn destination_of(body: &[u8], inode: u64) -> Option<SocketAddr> {
    let (family, state) = (*body.first()?, *body.get(STATE)?);
    if state != super::SYN_SENT || u64::from(u32_at(body, INODE)?) != inode {
        return None;
    }
    let port = u16::from_be_bytes(body.get(PORT..PORT + 2)?.try_into().ok()?);
    let address = match i32::from(family) {
        libc::AF_INET => {
            let four: [u8; 4] = body.get(ADDRESS..ADDRESS + 4)?.try_into().ok()?;
            IpAddr::V4(Ipv4Addr::from(four))
        }
        libc::AF_INET6 => {
            let sixteen: [u8; 16] = body.get(ADDRESS..ADDRESS + 16)?.try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from(sixteen))
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_ne_bytes(four))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_ne_bytes(two))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300), inode: u64) {
            let _ = read(&bytes, inode);
        }
    }

    #[test]
    fn lengths_that_lie_end_the_reading() {
        let mut bytes = question(2);
        for length in [0u32, 3, 15, 16, 17, u32::MAX] {
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            let _ = read(&bytes, 1);
        }
        assert_eq!(read(&[], 1), Read::More);
    }
}
