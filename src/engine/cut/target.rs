//! Where a node is, as far as this process knows.

use std::net::IpAddr;
use std::path::PathBuf;

use super::descriptor::Peer;
use crate::definition::Definition;

/// The addresses of one node.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    /// `None`: it is reached by its Unix socket.
    port: Option<u16>,
    addresses: Vec<IpAddr>,
    paths: Vec<PathBuf>,
    /// The addresses of others of the cluster at the same port.
    others: Vec<IpAddr>,
}

impl Target {
    /// The configured node at `index`.
    pub(super) fn of(definition: &Definition, index: usize) -> Option<Self> {
        let node = &definition.nodes.get(index)?.settings;
        if let Some(socket) = &node.socket {
            let path = PathBuf::from(socket);
            let real = std::fs::canonicalize(&path).ok();
            return Some(Self {
                paths: std::iter::once(path).chain(real).collect(),
                ..Self::default()
            });
        }
        let others = definition
            .nodes
            .iter()
            .enumerate()
            .filter(|(i, n)| *i != index && n.settings.port == node.port)
            .filter_map(|(_, n)| literal(&n.settings.host))
            .collect();
        Some(Self {
            port: Some(node.port),
            addresses: literal(&node.host).into_iter().collect(),
            others,
            ..Self::default()
        })
    }

    /// Adds the address at which a handle of `connect()` reached the node.
    pub(super) fn learn(&mut self, peer: &Peer) {
        if let Peer::Inet(address) = peer
            && Some(address.port()) == self.port
            && !self.others.contains(&address.ip())
            && !self.addresses.contains(&address.ip())
        {
            self.addresses.push(address.ip());
        }
    }

    /// Whether `peer` is the node.
    pub(super) fn is(&self, peer: &Peer) -> bool {
        match peer {
            Peer::Inet(address) => {
                Some(address.port()) == self.port && self.addresses.contains(&address.ip())
            }
            Peer::Unix(path) => self.paths.contains(path),
            Peer::None => false,
        }
    }

    /// Whether `peer` may be the node, for a socket that a dial of the node
    /// opened: a name's address is the dial's own to find out.
    pub(super) fn may_be(&self, peer: &Peer) -> bool {
        match peer {
            Peer::Inet(address) if self.addresses.is_empty() => {
                Some(address.port()) == self.port && !self.others.contains(&address.ip())
            }
            peer => self.is(peer),
        }
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>()
        .ok()
        .map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::definition;

    fn inet(text: &str) -> Peer {
        Peer::Inet(text.parse().unwrap())
    }

    #[test]
    fn addresses_ports_and_paths_tell_nodes_apart() {
        let nodes = [
            "10.0.0.1",
            "10.0.0.2",
            "[2001:db8::1]:3307",
            "db-a",
            "/run/a.sock",
        ];
        let definition = definition(&nodes, &[("flavour", "galera".into())]);
        let of = |index| Target::of(&definition, index).unwrap();
        assert!(of(0).is(&inet("10.0.0.1:3306")));
        assert!(!of(0).is(&inet("10.0.0.1:3307")));
        assert!(!of(0).is(&inet("10.0.0.2:3306")));
        assert!(of(2).is(&inet("[2001:db8::1]:3307")));
        assert!(of(4).is(&Peer::Unix("/run/a.sock".into())));
        assert!(!of(4).is(&Peer::Unix("/run/b.sock".into())));
        assert!(!of(0).is(&Peer::None) && !of(0).may_be(&Peer::None));
        // A name stands for what its dials found, but never for another node.
        let mut named = of(3);
        assert!(!named.is(&inet("10.0.0.9:3306")));
        assert!(named.may_be(&inet("10.0.0.9:3306")));
        assert!(!named.may_be(&inet("10.0.0.9:3307")));
        assert!(!named.may_be(&inet("10.0.0.2:3306")));
        named.learn(&inet("10.0.0.2:3306"));
        named.learn(&inet("10.0.0.9:3306"));
        assert!(named.is(&inet("10.0.0.9:3306")) && !named.is(&inet("10.0.0.2:3306")));
        assert!(!named.may_be(&inet("10.0.0.8:3306")));
    }
}
