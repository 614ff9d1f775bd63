//! Following a cluster's own member lists: what the holder of its lease makes
//! of what its probes hear.
//!
//! It publishes the roster, has nodes that left retired before anyone reads that
//! they did, and frees the places of those that stay away. Nodes that joined are
//! marked as not yet seen before anyone reads of them, so that the first thing
//! to reach a new node is a probe.
//!
//! The roster is published whatever this process's own `discover` says: other
//! applications of the host may want it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use amm_core::breaker::Event;
use amm_core::config::NodeSettings;
use amm_core::discovery::{self, Heard, Known, Listing, accept, aurora};
use amm_core::node::{AdminOverride, Health, NodeState, Phase, Role};

use crate::cluster::Cluster;
use crate::roster::{self, Found, Roster, WORDS};
use crate::seqlock::Term;
use crate::table::{FREEING, free_node};

/// The place of a node that has left is kept this long, ms: so long its breaker
/// and what operators said of it hold if it comes back.
const KEPT_MS: u64 = 60_000;
/// Places are looked through this often, ms.
const SWEEP_MS: u64 = 1_000;

pub(super) struct Follower {
    members: discovery::Roster,
    term: Term,
    /// Somebody began another term. Whoever still holds the lease at the next
    /// beat begins one again.
    ousted: bool,
    /// What the record has, or should have; `None`: nothing worth a record.
    published: Option<(Roster, Box<[u64; WORDS]>)>,
    /// Whether the cluster had a roster before this one: who comes in now comes
    /// late.
    running: bool,
    heard_ms: u64,
    swept_ms: u64,
    /// Places without a node, and since when.
    left: Vec<(usize, u64)>,
}

impl Follower {
    /// Begins where the record, or else the nodes of `cluster`, leave off.
    pub(super) fn new(cluster: &Cluster, now: u64) -> Self {
        let record = &cluster.shared().roster;
        let term = record.begin_term();
        let found = roster::read(record, &cluster.configured).1;
        let running = record.latest() != 0 && found != Found::Nothing;
        let (listings, published) = match found {
            Found::Roster(roster) => {
                let words = roster::write(&cluster.configured, &roster);
                (
                    roster.listings.clone(),
                    words.map(|words| (roster, Box::new(words))),
                )
            }
            _ => (discovered(cluster), None),
        };
        Self {
            running,
            members: discovery::Roster::restore(listings, now),
            term,
            ousted: false,
            published,
            // What was heard in an earlier term is of the past.
            heard_ms: now.saturating_sub(1),
            swept_ms: now,
            left: Vec::new(),
        }
    }

    /// Takes in what was heard since; only while the lease is held. Gives the cluster anew if it has other
    /// nodes now.
    pub(super) fn tend(&mut self, cluster: &Arc<Cluster>, now: u64) -> Option<Cluster> {
        if std::mem::take(&mut self.ousted) {
            self.term = cluster.shared().roster.begin_term();
        }
        self.hear(cluster);
        let roster = Roster {
            listings: self.members.members(),
            nameless: u16::try_from(self.members.nameless()).unwrap_or(u16::MAX),
            left_out: 0,
        };
        let wanted = self.wanted_first(cluster, roster);
        let renewed = self.publish(cluster, wanted, now);
        if now.saturating_sub(self.swept_ms) >= SWEEP_MS {
            self.swept_ms = now;
            self.sweep(cluster, now);
        }
        renewed
    }

    fn hear(&mut self, cluster: &Cluster) {
        let heard = cluster.views.since(self.heard_ms);
        if heard.is_empty() {
            return;
        }
        let known = known(cluster);
        let rules = &cluster.configured.rules;
        for said in heard {
            self.heard_ms = self.heard_ms.max(said.at_ms);
            let node = cluster.definition.index_of(said.node);
            let Some(node) = node.and_then(|at| cluster.definition.nodes.get(at)) else {
                continue;
            };
            let list = Heard {
                view: &said.view,
                port: node.settings.port,
                flavour: cluster.flavour(),
            };
            self.members.hear(list, &known, said.at_ms, |listing| {
                discovery::accept::complete(listing, rules).is_some()
            });
        }
    }

    /// Those that this process may use stand first: if there is no room for
    /// all, the others are left out.
    fn wanted_first(&self, cluster: &Cluster, mut roster: Roster) -> Roster {
        let rules = &cluster.configured.rules;
        roster
            .listings
            .sort_by_key(|listing| discovery::accept::complete(listing, rules).is_none());
        roster
    }

    fn publish(&mut self, cluster: &Cluster, roster: Roster, now: u64) -> Option<Cluster> {
        let record = &cluster.shared().roster;
        match &self.published {
            // Somebody else may have written over it.
            Some((published, words)) if *published == roster => {
                if record.read().is_none_or(|(_, found)| found != **words) {
                    self.ousted = !record.publish(&mut self.term, words);
                }
                return None;
            }
            None if roster == Roster::default() => return None,
            _ => {}
        }
        let words = roster::write(&cluster.configured, &roster)?;
        let before = self.published.take();
        let before = before.map_or_else(|| discovered(cluster), |(roster, _)| roster.listings);
        for gone in before.iter().filter(|b| !roster.listings.contains(b)) {
            retire(cluster, gone, now);
        }
        let accepted = accept(&roster.listings, &cluster.configured.rules);
        let renewed = cluster.with_members(accepted.nodes, self.running, now);
        self.ousted = !record.publish(&mut self.term, &words);
        for new in roster.listings.iter().filter(|l| !before.contains(l)) {
            log::info!("node {new} is listed by its cluster");
        }
        self.running = true;
        self.published = Some((roster, Box::new(words)));
        cluster.announce_change();
        renewed
    }

    /// Frees the places of nodes that left and stay away.
    fn sweep(&mut self, cluster: &Cluster, now: u64) {
        let rules = &cluster.configured.rules;
        let mut in_use: Vec<u64> = cluster
            .definition
            .nodes
            .iter()
            .map(|n| n.identity)
            .collect();
        if let Some((roster, _)) = &self.published {
            let full = roster.listings.iter().filter_map(|l| identity(l, rules));
            in_use.extend(full);
        }
        let places = &cluster.shared().nodes;
        let crowded = !places
            .iter()
            .any(|place| place.identity.load(Ordering::Acquire) == 0);
        let mut left = Vec::new();
        for (at, place) in places.iter().enumerate() {
            let identity = place.identity.load(Ordering::Acquire);
            if identity == 0
                || in_use.contains(&identity)
                || identity != FREEING && !is_retired(place.load())
            {
                continue;
            }
            let before = self.left.iter().find(|(place, _)| *place == at);
            let since = before.map_or(now, |(_, since)| *since);
            let spoken_of = place.load().admin != AdminOverride::Unset;
            if crowded || now.saturating_sub(since) >= KEPT_MS && !spoken_of {
                free_node(place, identity);
            } else {
                left.push((at, since));
            }
        }
        self.left = left;
    }
}

/// The nodes that were not configured.
fn discovered(cluster: &Cluster) -> Vec<Listing> {
    let nodes = cluster.definition.nodes.iter().filter(|n| n.discovered);
    nodes
        .filter_map(|n| Listing::try_new(&n.settings.host, n.settings.port, false))
        .collect()
}

/// What is known of the configured nodes. Endpoints that lead to now this and
/// now that instance stand for none.
fn known(cluster: &Cluster) -> Known {
    let configured = &cluster.configured;
    let names = configured.nodes.iter().enumerate();
    Known {
        addresses: configured.rules.configured.clone(),
        names: names
            .filter(|(_, node)| !aurora::is_endpoint(&node.settings.host))
            .map(|(index, _)| cluster.node(index).member.load(Ordering::Acquire))
            .collect(),
    }
}

/// Has a node that left take nothing more: whoever chose it chooses anew.
fn retire(cluster: &Cluster, listing: &Listing, now: u64) {
    let Some(identity) = identity(listing, &cluster.configured.rules) else {
        return;
    };
    if cluster.configured.index_of(identity).is_some() {
        return;
    }
    let mut places = cluster.shared().nodes.iter();
    if let Some(place) = places.find(|p| p.identity.load(Ordering::Acquire) == identity) {
        place.apply(Event::Retired, true, &cluster.definition.policy, now);
        log::info!("node {listing} has left its cluster");
    }
}

/// The identity of the node that a listing stands for, whether this process may
/// use it or not.
fn identity(listing: &Listing, rules: &discovery::Rules) -> Option<u64> {
    let full = match listing.bare {
        true => discovery::accept::complete(listing, rules)?,
        false => listing.clone(),
    };
    let node = NodeSettings::try_new(&full.to_string()).ok()?;
    Some(node.identity().get())
}

fn is_retired(state: NodeState) -> bool {
    (state.role, state.phase, state.health) == (Role::Unready, Phase::Open, Health::Down)
}

#[cfg(test)]
#[path = "follower_tests.rs"]
mod tests;
