//! What one process makes of a roster: which of the listed members it may use,
//! by its own configuration.

use super::hosts::{Host, HostPattern};
use super::listing::Listing;
use crate::config::MAX_NODES;

/// What a process goes by.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// `discover_hosts`.
    pub patterns: Vec<HostPattern>,
    /// See [`super::aurora::suffixes`].
    pub suffixes: Vec<String>,
    /// Hosts and ports of the configured nodes.
    pub configured: Vec<(Host, u16)>,
    /// How many nodes are configured, those without a host included.
    pub count: usize,
}

/// A roster, sorted out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// May be used: hosts in full, in an order that is the same for everyone.
    pub nodes: Vec<Listing>,
    /// Match no pattern.
    pub refused: Vec<Listing>,
    /// One too many: the cluster has [`MAX_NODES`] without them.
    pub excess: Vec<Listing>,
}

/// Sorts a roster out.
#[must_use]
pub fn accept(roster: &[Listing], rules: &Rules) -> Accepted {
    let mut accepted = Accepted::default();
    let mut sorted: Vec<&Listing> = roster.iter().collect();
    sorted.sort_unstable();
    for listing in sorted {
        let Some(full) = complete(listing, rules) else {
            accepted.refused.push(listing.clone());
            continue;
        };
        let configured = |(host, port): &(Host, u16)| *host == full.host && *port == full.port;
        if rules.configured.iter().any(configured) || accepted.nodes.contains(&full) {
            continue;
        }
        if rules.count + accepted.nodes.len() >= MAX_NODES {
            accepted.excess.push(full);
        } else {
            accepted.nodes.push(full);
        }
    }
    accepted
}

/// The listing with its host in full, if that may be used.
#[must_use]
pub fn complete(listing: &Listing, rules: &Rules) -> Option<Listing> {
    let allowed = |full: &Listing| {
        full.host.is_dialable()
            && rules
                .patterns
                .iter()
                .any(|p| p.allows(&full.host, full.port))
    };
    if !listing.bare {
        return Some(listing.clone()).filter(allowed);
    }
    rules.suffixes.iter().find_map(|suffix| {
        let host = format!("{}.{suffix}", listing.host);
        Listing::try_new(&host, listing.port, false).filter(allowed)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(patterns: &[&str], suffixes: &[&str], configured: &[&str]) -> Rules {
        Rules {
            patterns: patterns
                .iter()
                .map(|p| HostPattern::try_new(p).unwrap())
                .collect(),
            suffixes: suffixes.iter().map(|s| (*s).to_owned()).collect(),
            configured: configured
                .iter()
                .map(|h| (Host::try_new(h).unwrap(), 3306))
                .collect(),
            count: configured.len(),
        }
    }

    fn listing(host: &str, port: u16) -> Listing {
        Listing::try_new(host, port, false).unwrap()
    }

    fn ids(listings: &[Listing]) -> Vec<String> {
        listings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_allowed_hosts_come_in_and_configured_ones_not_again() {
        let roster = [
            listing("10.0.0.3", 3306),
            listing("10.0.0.1", 3306),
            listing("192.168.0.9", 3306),
            listing("::ffff:10.0.0.2", 3306),
            listing("10.0.0.2", 3306),
            listing("10.0.0.1", 3307),
            listing("evil.example.com", 3306),
        ];
        let accepted = accept(&roster, &rules(&["10.0.0.0/24"], &[], &["10.0.0.1"]));
        assert_eq!(
            ids(&accepted.nodes),
            ["10.0.0.1:3307", "10.0.0.2:3306", "10.0.0.3:3306"]
        );
        assert_eq!(
            ids(&accepted.refused),
            ["192.168.0.9:3306", "evil.example.com:3306"]
        );
        assert!(accepted.excess.is_empty());
    }

    #[test]
    fn bare_ids_get_the_first_suffix_that_is_allowed() {
        let bare = [Listing::try_new("shop-2", 3306, true).unwrap()];
        let both = ["a.example.com", "b.example.com"];
        let accepted = accept(&bare, &rules(&["*.b.example.com"], &both, &[]));
        assert_eq!(ids(&accepted.nodes), ["shop-2.b.example.com:3306"]);
        let refused = accept(&bare, &rules(&["shop-*"], &both, &[]));
        assert_eq!(ids(&refused.refused), ["shop-2:3306"]);
        let known = accept(
            &bare,
            &rules(&["*.a.example.com"], &both, &["shop-2.a.example.com"]),
        );
        assert_eq!(known, Accepted::default());
    }

    #[test]
    fn a_cluster_has_no_more_nodes_than_fit() {
        let roster: Vec<Listing> = (0..70)
            .map(|i| listing(&format!("10.0.0.{i}"), 3306))
            .collect();
        let accepted = accept(
            &roster,
            &rules(&["10.0.0.0/24"], &[], &["10.0.0.0", "10.0.9.9"]),
        );
        assert_eq!(
            (accepted.nodes.len(), accepted.excess.len()),
            (MAX_NODES - 2, 70 - 1 - (MAX_NODES - 2))
        );
    }

    proptest! {
        #[test]
        fn whatever_a_roster_says_only_allowed_hosts_come_in(
            hosts in proptest::collection::vec(("[a-c0-9.:-]{1,12}", 0u16..4, any::<bool>()), 0..80),
            suffix in "[a-c.]{0,6}", count in 0usize..70,
        ) {
            let roster: Vec<Listing> = hosts
                .iter()
                .filter_map(|(host, port, bare)| Listing::try_new(host, *port, *bare))
                .collect();
            let mut rules = rules(&["a*.b", "1.0.0.0/8", "*.c"], &[], &[]);
            rules.suffixes.push(suffix);
            rules.count = count;
            let accepted = accept(&roster, &rules);
            prop_assert!(accepted.nodes.is_empty() || accepted.nodes.len() + count <= MAX_NODES);
            for (at, node) in accepted.nodes.iter().enumerate() {
                prop_assert!(!node.bare && node.port != 0);
                prop_assert!(rules.patterns.iter().any(|p| p.allows(&node.host, node.port)));
                prop_assert!(!accepted.nodes[..at].contains(node));
            }
            let mut turned = roster.clone();
            turned.reverse();
            prop_assert_eq!(accept(&turned, &rules), accepted, "order matters");
        }
    }
}
