//! One entry of a member list, read with care.

use std::fmt;
use std::net::IpAddr;

use super::hosts::Host;
use crate::config::Flavour;
use crate::probe::Member;

/// Where a member says that clients reach it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Listing {
    /// Its host; of a `bare` one the first label only.
    pub host: Host,
    /// Its port, never 0.
    pub port: u16,
    /// The host is a server's id, as Aurora lists it: the rest of its name is
    /// for the reader to know.
    pub bare: bool,
}

impl Listing {
    /// Reads a member's address. `port` is that of the node that listed it, for
    /// lists without ports. `None`: it says none that could be dialled, as with
    /// Galera's `AUTO`, an arbitrator, or an address that stands for any.
    #[must_use]
    pub fn of(member: &Member, port: u16, flavour: Flavour) -> Option<Self> {
        let text = member.host.as_deref()?;
        if text.eq_ignore_ascii_case("auto") {
            return None;
        }
        let bare = flavour == Flavour::Aurora && !text.contains(['.', ':']);
        Self::try_new(text, member.port.unwrap_or(port), bare)
    }

    /// A listing of these parts, if they are such.
    #[must_use]
    pub fn try_new(host: &str, port: u16, bare: bool) -> Option<Self> {
        let host = Host::try_new(host).filter(Host::is_dialable)?;
        let one_label = matches!(&host, Host::Name(name) if !name.contains('.'));
        (port != 0 && (!bare || one_label)).then_some(Self { host, port, bare })
    }
}

/// As a node's id is written: `host:port`.
impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Presence;

    fn read(host: Option<&str>, port: Option<u16>, flavour: Flavour) -> Option<String> {
        let member = Member {
            name: "x".to_owned(),
            host: host.map(str::to_owned),
            port,
            presence: Presence::Present,
            role: None,
            lag_ms: None,
        };
        Listing::of(&member, 3307, flavour)
            .map(|l| format!("{l}{}", if l.bare { " bare" } else { "" }))
    }

    #[test]
    fn addresses_are_read_in_one_form_and_the_rest_is_none() {
        for (host, port, expected) in [
            (Some("10.0.0.2"), Some(3306), Some("10.0.0.2:3306")),
            (Some("DB2.Example.com."), None, Some("db2.example.com:3307")),
            (Some("::ffff:10.0.0.2"), None, Some("10.0.0.2:3307")),
            (Some("[2001:DB8::2]"), Some(1), Some("[2001:db8::2]:1")),
            (Some("auto"), Some(3306), None),
            (Some("AUTO"), None, None),
            (Some(""), None, None),
            (None, Some(3306), None),
            (Some("0.0.0.0"), None, None),
            (Some("::"), None, None),
            (Some("10.0.0.2"), Some(0), None),
            (Some("10.0.0.2:3306"), None, None),
            (Some("fe80::1%eth0"), None, None),
            (Some("db2 -h evil"), None, None),
        ] {
            assert_eq!(
                read(host, port, Flavour::Galera).as_deref(),
                expected,
                "{host:?}"
            );
        }
    }

    #[test]
    fn aurora_lists_bare_ids() {
        for (host, expected) in [
            ("shop-1", Some("shop-1:3307 bare")),
            (
                "shop-1.abc.eu-west-1.rds.amazonaws.com",
                Some("shop-1.abc.eu-west-1.rds.amazonaws.com:3307"),
            ),
            ("10.0.0.2", Some("10.0.0.2:3307")),
            ("::1", Some("[::1]:3307")),
            ("1", None),
        ] {
            assert_eq!(
                read(Some(host), None, Flavour::Aurora).as_deref(),
                expected,
                "{host}"
            );
        }
        assert_eq!(Listing::try_new("10.0.0.2", 1, true), None);
        assert_eq!(Listing::try_new("a.b", 1, true), None);
    }
}
