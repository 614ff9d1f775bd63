//! Orders to shut the sockets to a node, from the leader to all processes of
//! the host.
//!
//! An order is a count that grows, so that one that a process has obeyed is
//! told from a new one, and a time, so that people see that it stands. The
//! process looks at the node's state again before it obeys: what was true when
//! the order was given may be over.

use std::sync::atomic::Ordering;

use amm_core::node::{Health, Role};

use crate::cluster::Cluster;
use crate::futex;

impl Cluster {
    /// Orders all processes of the host to shut their sockets to the node.
    pub fn order_cut(&self, index: usize, now_ms: u64) {
        let node = self.node(index);
        node.cut_ms.store(now_ms.max(1), Ordering::Release);
        node.cuts.fetch_add(1, Ordering::AcqRel);
        let header = &self.mapping.region().header;
        futex::wake_all(&header.sleepers);
        futex::wake_all(&header.leaders);
    }

    /// The node answers: the order stands no more.
    pub fn withdraw_cut(&self, index: usize) {
        let cut = &self.node(index).cut_ms;
        if cut.load(Ordering::Relaxed) != 0 {
            cut.store(0, Ordering::Release);
        }
    }

    /// How long ago the order that stands was last given, ms.
    pub fn cut_age_ms(&self, index: usize, now_ms: u64) -> Option<u64> {
        let at = self.node(index).cut_ms.load(Ordering::Acquire);
        (at != 0).then(|| now_ms.saturating_sub(at))
    }

    /// Whether an order stands and the node's state still bears it out.
    fn is_to_be_cut(&self, index: usize) -> bool {
        let node = self.node(index);
        let state = node.load();
        let without_quorum = state.role == Role::Unready && node.last_probe().has_no_quorum();
        node.cut_ms.load(Ordering::Acquire) != 0 && (state.health == Health::Down || without_quorum)
    }
}

/// Which orders a process has obeyed so far: of each node the last.
#[derive(Debug)]
pub struct Obeyed(Vec<(u64, u32)>);

impl Obeyed {
    /// A process that joins the cluster now, and so has no sockets to it.
    pub fn all(cluster: &Cluster) -> Self {
        let mut obeyed = Self(Vec::new());
        obeyed.next(cluster);
        obeyed
    }

    /// The nodes whose sockets are to be shut now; each order is given once. A
    /// node that was not there before starts with all its orders obeyed.
    pub fn next(&mut self, cluster: &Cluster) -> Vec<usize> {
        let nodes = cluster.definition.nodes.iter().enumerate();
        let now: Vec<(u64, u32)> = nodes
            .map(|(index, node)| (node.identity, orders(cluster, index)))
            .collect();
        let is_new = |(_, (node, given)): &(usize, &(u64, u32))| {
            let seen = self.0.iter().find(|(seen, _)| seen == node);
            seen.is_some_and(|(_, seen)| seen != given)
        };
        let fresh: Vec<usize> = now
            .iter()
            .enumerate()
            .filter(is_new)
            .map(|(index, _)| index)
            .filter(|index| cluster.is_to_be_cut(*index))
            .collect();
        self.0 = now;
        fresh
    }
}

fn orders(cluster: &Cluster, index: usize) -> u32 {
    cluster.node(index).cuts.load(Ordering::Acquire)
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
