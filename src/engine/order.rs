//! In which order a cluster's nodes are wanted, and which of them may not be
//! the writer beside another.

use std::sync::atomic::Ordering;

use amm_core::config::{Admin, Failback, Flavour, NodeRole, Writers};
use amm_core::node::{Phase, Role};
use amm_core::selection::{self, Candidate, MAX_NODES, Ranking, rendezvous, single};

use crate::cluster::Cluster;

impl Cluster {
    /// The node that `single` has settled on, by configured index.
    pub fn incumbent(&self) -> Option<usize> {
        let place = self
            .shared()
            .incumbent
            .load(Ordering::Acquire)
            .checked_sub(1)?;
        self.node_at(place as usize)
    }

    /// The configured writers, best first for the key.
    pub(crate) fn rank_writers(&self, key: u64) -> Ranking {
        let settings = &self.definition.settings;
        let mut buffer = Buffer::new();
        for node in &self.definition.nodes {
            if node.settings.role != Some(NodeRole::Reader) {
                buffer.push(node.candidate);
            }
        }
        match self.writers() {
            Writers::Spread => rendezvous::rank(buffer.get(), key),
            Writers::Single => {
                for candidate in buffer.get_mut() {
                    let rank = self.node(candidate.index).rank.load(Ordering::Relaxed);
                    candidate.rank = rank.wrapping_sub(1);
                }
                let ranking = single::rank(buffer.get());
                match (settings.failback, self.incumbent()) {
                    (Failback::Manual, Some(incumbent)) => ranking.preferring(incumbent),
                    _ => ranking,
                }
            }
        }
    }

    /// All nodes for a read, best first for the key.
    pub(crate) fn rank_readers(&self, key: u64) -> Ranking {
        let reads = |index: usize| {
            self.node(index).load().role == Role::Reader
                || self
                    .definition
                    .nodes
                    .get(index)
                    .is_some_and(|n| n.settings.role == Some(NodeRole::Reader))
        };
        let mut buffer = Buffer::new();
        for node in &self.definition.nodes {
            buffer.push(node.candidate);
        }
        let near = selection::readers(buffer.get(), key);
        // Readers in the order of `near`, then the writers in the order that
        // writes have, so that reads stay with them.
        let mut order = Buffer::new();
        let writers = self.rank_writers(key);
        let all = near
            .iter()
            .filter(|i| reads(*i))
            .chain(writers.iter().filter(|i| !reads(*i)));
        for index in all {
            if let Some(node) = self.definition.nodes.get(index) {
                order.push(node.candidate);
            }
        }
        Ranking::by_key(order.get(), |_| 0)
    }

    /// Whether another node than `index` takes writes now.
    pub(crate) fn has_writer_beside(&self, index: usize) -> bool {
        self.definition.nodes.iter().enumerate().any(|(i, node)| {
            let state = self.node(i).load();
            i != index
                && state.role == Role::Writer
                && state.phase == Phase::Closed
                && node.settings.role != Some(NodeRole::Reader)
                && self.definition.admin(i, state.admin) == Admin::Enabled
        })
    }

    /// Who else says it is writable where only one can be.
    pub(crate) fn rivals(&self) -> Rivals {
        let settings = &self.definition.settings;
        if self.flavour() != Flavour::ReadOnly || settings.multi_source {
            return Rivals::Allowed;
        }
        let incumbent = self.incumbent();
        let writers: Vec<usize> = (0..self.definition.nodes.len())
            .filter(|&i| {
                let state = self.node(i).load();
                let role = self.definition.nodes.get(i).and_then(|n| n.settings.role);
                // One process's word alone does not unseat the incumbent.
                let stands =
                    state.phase == Phase::Closed || (state.passive && incumbent == Some(i));
                state.role == Role::Writer
                    && stands
                    && role != Some(NodeRole::Reader)
                    && self.definition.admin(i, state.admin) == Admin::Enabled
            })
            .collect();
        match (writers.as_slice(), incumbent) {
            ([], _) => Rivals::Allowed,
            ([only], _) => Rivals::Only(*only),
            (several, Some(incumbent)) if several.contains(&incumbent) => Rivals::Only(incumbent),
            _ => Rivals::Ambiguous,
        }
    }
}

/// Which nodes may be writers under `read_only` without `multi_source`.
pub(crate) enum Rivals {
    /// Whoever is writable.
    Allowed,
    /// This one, since it is proven to be the writer, or was it before others.
    Only(usize),
    /// Several say so, none of them was it before: no one.
    Ambiguous,
}

impl Rivals {
    pub(crate) fn excludes(&self, index: usize, role: Role) -> bool {
        match self {
            Rivals::Allowed => false,
            Rivals::Only(writer) => index != *writer,
            Rivals::Ambiguous => role == Role::Writer,
        }
    }
}

/// Up to [`MAX_NODES`] candidates without an allocation.
struct Buffer {
    items: [Candidate; MAX_NODES],
    len: usize,
}

impl Buffer {
    fn new() -> Self {
        let blank = Candidate {
            index: 0,
            identity: 0,
            weight: 1,
            priority: 0,
            rank: 0,
            near: false,
        };
        Self {
            items: [blank; MAX_NODES],
            len: 0,
        }
    }

    fn push(&mut self, candidate: Candidate) {
        if let Some(slot) = self.items.get_mut(self.len) {
            *slot = candidate;
            self.len += 1;
        }
    }

    fn get(&self) -> &[Candidate] {
        self.items.get(..self.len).unwrap_or_default()
    }

    fn get_mut(&mut self) -> &mut [Candidate] {
        self.items.get_mut(..self.len).unwrap_or_default()
    }
}
