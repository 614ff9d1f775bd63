//! The system's resolver: hosts file, DNS, whatever the host is set up for.
//!
//! The standard library gives its answers too, but not why there is none.

use std::ffi::{CStr, CString};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use super::Answer;

/// Looks `host` up, however long that takes.
pub(super) fn look_up(host: &str) -> Answer {
    let Ok(name) = CString::new(host) else {
        return Answer::NoSuchName("a name with a NUL in it".to_owned());
    };
    // SAFETY: all zero is a valid `addrinfo`: no flags, any family, no pointers.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list: *mut libc::addrinfo = std::ptr::null_mut();
    // SAFETY: a NUL-terminated name, valid hints, and a place for the list,
    // which is written on success only.
    let code = unsafe {
        libc::getaddrinfo(
            name.as_ptr(),
            std::ptr::null(),
            &raw const hints,
            &raw mut list,
        )
    };
    if code != 0 {
        return refusal(code);
    }
    let mut addresses = Vec::new();
    let mut next = list;
    // SAFETY: `next` is null or an entry of the list, which is alive until it
    // is given back below.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: the entry's address is of the family that it names, or null.
        if let Some(address) = unsafe { address(entry) }
            && !addresses.contains(&address)
        {
            addresses.push(address);
        }
        next = entry.ai_next;
    }
    // SAFETY: the list of a call that succeeded, given back once.
    unsafe { libc::freeaddrinfo(list) };
    if addresses.is_empty() {
        return Answer::NoSuchName("it has no address".to_owned());
    }
    Answer::Addresses(addresses)
}

/// # Safety
/// `ai_addr` is null or points to an address of the family `ai_family`.
unsafe fn address(entry: &libc::addrinfo) -> Option<SocketAddr> {
    match entry.ai_family {
        libc::AF_INET => {
            // SAFETY: as the caller promises; read whatever its alignment.
            let v4 = unsafe { entry.ai_addr.cast::<libc::sockaddr_in>().as_ref() }?;
            Some(SocketAddr::from((v4.sin_addr.s_addr.to_ne_bytes(), 0)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { entry.ai_addr.cast::<libc::sockaddr_in6>().as_ref() }?;
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, 0, 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn refusal(code: i32) -> Answer {
    // SAFETY: gives a static, NUL-terminated text for any code.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) };
    let text = text.to_string_lossy().into_owned();
    match code {
        libc::EAI_NONAME | libc::EAI_NODATA => Answer::NoSuchName(text),
        _ => Answer::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_host_needs_no_server() {
        let addresses = Answer::Addresses(vec!["127.0.0.7:0".parse().unwrap()]);
        assert_eq!(look_up("127.0.0.7"), addresses);
        let addresses = Answer::Addresses(vec!["[::1]:0".parse().unwrap()]);
        assert_eq!(look_up("::1"), addresses);
    }

    #[test]
    fn a_name_that_cannot_be_is_none() {
        assert!(matches!(look_up("a\0b"), Answer::NoSuchName(_)));
    }
}
