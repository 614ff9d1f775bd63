//! What servers say of their cluster's members, and whom of them is accepted.

use amm_core::config::Flavour;
use amm_core::discovery::{Heard, Host, HostPattern, Known, Listing, Roster, Rules, accept};
use amm_core::node::Role;
use amm_core::probe::{Member, Presence, View, name_hash};

use crate::bytes::Bytes;

const HOSTS: &[&str] = &[
    "10.0.0.1",
    "10.0.0.2",
    "db-1",
    "db-2.example",
    "::1",
    "127.0.0.1",
    "0.0.0.0",
    "AUTO",
    "a.b.c",
    "DB-1",
    "fe80::1",
    "::ffff:10.0.0.1",
];
const PATTERNS: &[&str] = &[
    "10.0.0.0/8",
    "*.example",
    "db-?",
    "10.0.0.1:3306",
    "::/0",
    "*",
];

/// Any lists, heard one after another.
pub(crate) fn lists(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let flavour = match bytes.byte() % 3 {
        0 => Flavour::Galera,
        1 => Flavour::GroupReplication,
        _ => Flavour::Aurora,
    };
    let patterns: Vec<HostPattern> = (0..bytes.byte() % 4)
        .filter_map(|_| HostPattern::try_new(&one_of(&mut bytes, PATTERNS)))
        .collect();
    let configured: Vec<(Host, u16)> = (0..bytes.byte() % 4)
        .filter_map(|_| Some((Host::try_new(&one_of(&mut bytes, HOSTS))?, 3306)))
        .collect();
    let known = Known {
        names: configured
            .iter()
            .map(|(host, port)| name_hash(&format!("{host}:{port}")))
            .collect(),
        addresses: configured.clone(),
    };
    let rules = Rules {
        suffixes: vec!["cluster.example".to_owned()],
        count: configured.len(),
        configured,
        patterns,
    };
    let mut roster = Roster::restore(Vec::new(), 0);
    let mut now_ms = 0;
    while !bytes.is_empty() {
        now_ms += u64::from(bytes.byte()) * 100;
        let view = view(&mut bytes);
        let heard = Heard {
            view: &view,
            port: 3306,
            flavour,
        };
        roster.hear(heard, &known, now_ms, |listing| listing.port == 3306);
    }
    let members = roster.members();
    assert!(members.len() <= 256);
    let accepted = accept(&members, &rules);
    let allowed = |listing: &Listing| {
        listing.host.is_dialable()
            && rules
                .patterns
                .iter()
                .any(|p| p.allows(&listing.host, listing.port))
    };
    assert!(accepted.nodes.iter().all(allowed));
    assert!(!accepted.nodes.iter().any(|listing| {
        rules
            .configured
            .contains(&(listing.host.clone(), listing.port))
    }));
}

fn view(bytes: &mut Bytes<'_>) -> View {
    let shape = bytes.byte();
    View {
        authoritative: shape & 128 == 0,
        own: (shape & 64 == 0).then(|| one_of(bytes, HOSTS)),
        members: (0..shape & 15).map(|_| member(bytes)).collect(),
    }
}

fn member(bytes: &mut Bytes<'_>) -> Member {
    let shape = bytes.byte();
    Member {
        name: one_of(bytes, HOSTS),
        host: (shape & 1 == 0).then(|| one_of(bytes, HOSTS)),
        port: (shape & 2 == 0).then_some(u16::from(shape) << 6),
        presence: match shape & 4 {
            0 => Presence::Present,
            _ => Presence::Unreachable,
        },
        role: (shape & 8 == 0).then_some(Role::Writer),
        lag_ms: None,
    }
}

fn one_of(bytes: &mut Bytes<'_>, words: &[&str]) -> String {
    let at = usize::from(bytes.byte());
    words
        .get(at)
        .map_or_else(|| bytes.text(), |w| (*w).to_owned())
}
