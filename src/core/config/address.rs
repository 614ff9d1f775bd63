//! Host names, IP addresses and `host:port`.
//!
//! A host is kept in one canonical form (names in lower case, IPv6 addresses as
//! RFC 5952 writes them, without brackets), because two spellings of one host
//! must be one node in every process.

use std::net::Ipv6Addr;

/// The port of a MySQL server that says nothing else.
pub(super) const DEFAULT_PORT: u16 = 3306;

/// Longest host accepted, in bytes: a domain name has at most 253, the
/// resolver's buffers 255.
pub(super) const HOST_MAX: usize = 255;

/// What a host may be, for messages.
pub(super) const HOST_ACCEPTED: &str =
    "a host name (letters, digits, \".\", \"-\", \"_\", at most 255) or an IP address";

/// What a node written as a string may be, for messages.
pub(super) const NODE_ACCEPTED: &str =
    "\"host\", \"host:port\" (port 1 to 65535), \"[IPv6]:port\" or an absolute socket path";

/// The canonical form of a host, or `None` if it is none. IPv6 addresses may
/// have brackets and a scope (`fe80::1%eth0`).
pub(crate) fn host(text: &str) -> Option<String> {
    if text.is_empty() || text.len() > HOST_MAX {
        return None;
    }
    if let Some(inner) = text.strip_prefix('[') {
        return ipv6(inner.strip_suffix(']')?);
    }
    if text.contains(':') {
        return ipv6(text);
    }
    let name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let speaks = text.contains(|c: char| c.is_ascii_alphanumeric());
    (speaks && text.chars().all(name)).then(|| text.to_ascii_lowercase())
}

/// A host and, if one was written, its port. An IPv6 address without brackets
/// is an address only: `::1:3307` has no port.
pub(crate) fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host_part, port_part) = match text.rsplit_once(':') {
        Some((before, after)) if before.ends_with(']') || !before.contains(':') => {
            (before, Some(after))
        }
        _ => (text, None),
    };
    let port = match port_part {
        Some(digits) => Some(port(digits)?),
        None => None,
    };
    Some((host(host_part)?, port))
}

/// A port from 1 to 65535, in digits only.
fn port(digits: &str) -> Option<u16> {
    let plain = (1..=5).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if plain {
        digits.parse().ok().filter(|port| *port != 0)
    } else {
        None
    }
}

fn ipv6(text: &str) -> Option<String> {
    let (address, scope) = match text.split_once('%') {
        Some((address, scope)) => (address, Some(scope)),
        None => (text, None),
    };
    let address: Ipv6Addr = address.parse().ok()?;
    match scope {
        None => Some(address.to_string()),
        Some(scope) => {
            let name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
            (!scope.is_empty() && scope.chars().all(name)).then(|| format!("{address}%{scope}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hosts_and_ports() {
        for (text, host, port) in [
            ("db1", "db1", None),
            ("DB1.Example.COM:3307", "db1.example.com", Some(3307)),
            ("10.0.0.1", "10.0.0.1", None),
            ("10.0.0.1:1", "10.0.0.1", Some(1)),
            ("10.0.0.1:65535", "10.0.0.1", Some(65535)),
            ("::1", "::1", None),
            ("0:0:0:0:0:0:0:1", "::1", None),
            ("::1:3307", "::1:3307", None),
            ("[::1]", "::1", None),
            ("[2001:DB8::1]:3307", "2001:db8::1", Some(3307)),
            ("fe80::1%eth0", "fe80::1%eth0", None),
            ("my_sql-1.local.", "my_sql-1.local.", None),
        ] {
            assert_eq!(host_and_port(text), Some((host.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_host() {
        let long = "a".repeat(256);
        for text in [
            "",
            ":",
            ":3306",
            "db1:",
            "db1:0",
            "db1:65536",
            "db1:+1",
            "db1:03306a",
            "db1:3306:1",
            " db1",
            "db1 ",
            "db 1",
            "db1\n",
            "db\x001",
            "[::1",
            "::1]",
            "[::1]3306",
            "[]:1",
            "[db1]:3306",
            "[[::1]]",
            "mysql://db1",
            "root@db1",
            "db1/shop",
            "fe80::1%",
            ".",
            "-",
            "bücher.example",
            &long,
        ] {
            assert_eq!(host_and_port(text), None, "{text:?}");
        }
        assert!(host_and_port(&"a".repeat(255)).is_some());
    }
}
