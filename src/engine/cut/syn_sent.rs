//! Sockets that wait for the answer to their SYN: they have no peer name yet.
//!
//! `getpeername` refuses to tell whom such a socket dials; the kernel's tables
//! of sockets do tell, by the socket's inode. `sock_diag` is asked for those in
//! this state alone, so that a host with many connections costs no more; where
//! it cannot be had, `/proc/self/net` is read.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

mod diag;
mod proc;

/// The state's number, as in `TCP_INFO` and in the kernel's tables.
const SYN_SENT: u8 = 2;

/// Whether a socket is in that state.
pub(super) fn is_in(socket: BorrowedFd<'_>) -> bool {
    // The state is the first byte; a short read is what the kernel makes of a
    // short buffer.
    let mut info = [0u8; 8];
    let mut length = info.len() as libc::socklen_t;
    // SAFETY: the descriptor is open for the time of the call; the kernel writes
    // at most `length` bytes to `info` and their number to `length`.
    let got = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    got == 0 && length >= 1 && info[0] == SYN_SENT
}

/// Where the socket with this inode, which is in that state, tries to get.
pub(super) fn destination(inode: u64) -> Option<SocketAddr> {
    match diag::destination(inode) {
        Ok(found) => found,
        Err(_) => proc::destination(inode),
    }
}

#[cfg(test)]
#[path = "syn_sent_tests.rs"]
pub(super) mod tests;
