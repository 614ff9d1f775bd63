//! Which hosts an operator allows to be discovered: `discover_hosts`.
//!
//! A cluster's member list is the word of whoever answers on a configured
//! address. It may bring in only what the operator wrote down beforehand, so a
//! pattern says no more than its text does at first sight:
//!
//! | pattern | allows |
//! | --- | --- |
//! | `db2.example.com` | this name |
//! | `db-*.example.com`, `*.example.com` | names of as many labels; a `*` stands for any part of one label, never for a dot |
//! | `10.0.0.2`, `2001:db8::2` | this address, however it is spelled |
//! | `10.0.0.0/24`, `2001:db8::/64` | the addresses of this network |
//! | `db2.example.com:3307`, `[2001:db8::2]:3307` | the same on this port only; without one, on any |
//!
//! A name never stands for an address nor an address for a name. Texts that
//! some resolvers take for addresses though they are not written as such (`127.1`,
//! `2130706433`, `0x7f000001`) are neither.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::address;

/// What `discover_hosts` accepts, for messages.
pub(crate) const ACCEPTED: &str = "a list of host names (\"db2.example.com\"; \
    \"db-*.example.com\" for any part of a label), IP addresses or networks (\"10.0.0.0/24\")";

/// A host in canonical form: names in lower case without a final dot, IPv4
/// addresses mapped into IPv6 as IPv4.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// An IP address.
    Address(IpAddr),
    /// A name that no resolver takes for an address.
    Name(String),
}

impl Host {
    /// Reads a host without a port. `None`: it is neither a name nor a plain
    /// address, or an address with a scope, which means something on one host only.
    #[must_use]
    pub fn try_new(text: &str) -> Option<Self> {
        let text = address::host(text)?;
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Some(Self::Address(ip.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(&text);
        is_name(name).then(|| Self::Name(name.to_owned()))
    }

    /// Whether one server may be meant by it: not "any address" and no group of
    /// receivers.
    #[must_use]
    pub fn is_dialable(&self) -> bool {
        match self {
            Self::Name(_) => true,
            Self::Address(ip) => {
                let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
                !ip.is_unspecified() && !ip.is_multicast() && !broadcast
            }
        }
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(ip) => ip.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// One entry of `discover_hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    what: What,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// Labels, of which some may have a `*`.
    Name(Vec<String>),
    /// A network by its first address and the length of its prefix.
    V4(u32, u32),
    V6(u128, u32),
}

impl HostPattern {
    /// Reads a pattern; `None`: it is none.
    #[must_use]
    pub fn try_new(text: &str) -> Option<Self> {
        if let Some((address, prefix)) = text.split_once('/') {
            return Some(Self {
                what: network(address.parse().ok()?, prefix)?,
                port: None,
            });
        }
        // A star is no character of hosts; a letter stands in for it.
        let (host, port) = address::host_and_port(&text.replace('*', "x"))?;
        if !text.contains('*') {
            let what = match Host::try_new(&host)? {
                Host::Address(ip) => single(ip),
                Host::Name(name) => What::Name(labels(&name)),
            };
            return Some(Self { what, port });
        }
        let name = text.split(':').next()?.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        // What is left without the stars must be a name in its own right: a
        // last label of stars and digits is a mistyped network, or everything.
        let last = name.rsplit('.').next()?;
        let says = last.bytes().any(|b| b.is_ascii_alphabetic());
        (says && is_name(&name.replace('*', "x"))).then(|| Self {
            what: What::Name(labels(name)),
            port,
        })
    }

    /// Whether the host may be discovered on this port.
    #[must_use]
    pub fn allows(&self, host: &Host, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        match (&self.what, host) {
            (What::V4(network, prefix), Host::Address(IpAddr::V4(ip))) => {
                mask4(u32::from(*ip), *prefix) == *network
            }
            (What::V6(network, prefix), Host::Address(IpAddr::V6(ip))) => {
                mask6(u128::from(*ip), *prefix) == *network
            }
            (What::Name(pattern), Host::Name(name)) => {
                let given = name.split('.');
                given.clone().count() == pattern.len()
                    && pattern
                        .iter()
                        .zip(given)
                        .all(|(pattern, label)| matches(pattern.as_bytes(), label.as_bytes()))
            }
            _ => false,
        }
    }

    /// `a.b.c` of the pattern `*.a.b.c`.
    pub(super) fn suffix(&self) -> Option<String> {
        let What::Name(labels) = &self.what else {
            return None;
        };
        let (first, rest) = labels.split_first()?;
        let plain = first == "*" && !rest.is_empty() && !rest.iter().any(|l| l.contains('*'));
        plain.then(|| rest.join("."))
    }
}

fn network(address: IpAddr, prefix: &str) -> Option<What> {
    let digits = (1..=3).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit());
    let prefix: u32 = digits.then(|| prefix.parse().ok())??;
    match address {
        IpAddr::V4(ip) if prefix <= 32 => Some(What::V4(mask4(u32::from(ip), prefix), prefix)),
        IpAddr::V6(ip) if prefix <= 128 && ip.to_ipv4_mapped().is_none() => {
            Some(What::V6(mask6(u128::from(ip), prefix), prefix))
        }
        _ => None,
    }
}

fn single(ip: IpAddr) -> What {
    match ip {
        IpAddr::V4(ip) => What::V4(Ipv4Addr::to_bits(ip), 32),
        IpAddr::V6(ip) => What::V6(Ipv6Addr::to_bits(ip), 128),
    }
}

fn mask4(bits: u32, prefix: u32) -> u32 {
    bits & u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0)
}

fn mask6(bits: u128, prefix: u32) -> u128 {
    bits & u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0)
}

fn labels(name: &str) -> Vec<String> {
    name.split('.').map(str::to_owned).collect()
}

/// Labels of 1 to 63 characters, of which the last is no number.
fn is_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").unwrap_or_default();
    let number = last.bytes().all(|b| b.is_ascii_digit())
        || last.starts_with("0x") && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let labels = || name.split('.');
    !number && !name.contains([':', '%']) && labels().all(|label| (1..=63).contains(&label.len()))
}

/// Whether `label` is `pattern` with each `*` replaced by any text, in time
/// linear in the product of their lengths.
fn matches(pattern: &[u8], label: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where to go on if the last star has to stand for one character more.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&byte) = label.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, read));
                at += 1;
            }
            Some(&wanted) if wanted == byte => {
                at += 1;
                read += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    at = after;
                    read = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|&b| b == b'*')
}

#[cfg(test)]
#[path = "hosts_tests.rs"]
mod tests;
