//! One call that must end on a node: pick, let the caller dial, pick again.
//!
//! The dial itself is the application's; this keeps the order, the claims and
//! the deadline. No node is offered twice in one attempt.

use std::sync::atomic::Ordering;

use amm_core::admission::{Purpose, Refusal};
use amm_core::node::Role;
use amm_core::trial::Token;

use crate::claim;
use crate::clock::now_ms;
use crate::cluster::Cluster;
use crate::definition::millis;
use crate::futex;
use crate::pick::{Chosen, NodeSet, Pick};
use crate::probe;

/// What to do next.
#[derive(Debug)]
pub enum Next {
    /// Dial this node, within so many milliseconds.
    Dial(Chosen, u64),
    /// No node is left; why, node by node.
    NoWriter(Vec<(usize, Refusal)>),
    /// The time is over.
    DeadlineExceeded,
}

/// The state of one call.
pub struct Attempt<'a> {
    cluster: &'a Cluster,
    purpose: Purpose,
    key: u64,
    me: Token,
    tried: NodeSet,
    deadline_ms: u64,
    first: Option<Chosen>,
}

impl<'a> Attempt<'a> {
    /// Begins a call for `key` that may take as long as `connect_deadline`.
    pub fn new(cluster: &'a Cluster, purpose: Purpose, key: u64, me: Token) -> Self {
        let deadline_ms = now_ms() + millis(cluster.definition.settings.connect_deadline);
        Self {
            cluster,
            purpose,
            key,
            me,
            tried: NodeSet::default(),
            deadline_ms,
            first: None,
        }
    }

    /// Chooses the next node to dial, which then counts as tried. Where other
    /// processes are trying all that is left, waits for what they find.
    pub fn advance(&mut self) -> Next {
        if let Some(first) = self.first.take() {
            return self.offer(first);
        }
        loop {
            let now = now_ms();
            if now >= self.deadline_ms {
                return Next::DeadlineExceeded;
            }
            let seen = self.cluster.shared().changes.load(Ordering::Acquire);
            match self
                .cluster
                .pick(self.purpose, self.key, self.tried, self.me, now)
            {
                Pick::Chosen(chosen) if chosen.ask_first => {
                    if let Some(writer) = self.ask(chosen) {
                        return self.offer(writer);
                    }
                    self.tried.insert(chosen.index);
                }
                Pick::Chosen(chosen) => return self.offer(chosen),
                Pick::Nobody(refusals) => return Next::NoWriter(refusals),
                Pick::Wait => {
                    if !self.wait(seen, now) {
                        return Next::NoWriter(self.everyone_busy());
                    }
                }
            }
        }
    }

    /// Has the call begin with the node its scope is on, chosen at `epoch`.
    pub fn begin_with(&mut self, index: usize, epoch: u32) {
        self.first = Some(Chosen {
            index,
            epoch,
            trial: false,
            ask_first: false,
        });
    }

    fn offer(&mut self, chosen: Chosen) -> Next {
        self.tried.insert(chosen.index);
        let dial = millis(self.cluster.definition.settings.connect_timeout);
        Next::Dial(
            chosen,
            dial.min(self.deadline_ms.saturating_sub(now_ms())).max(1),
        )
    }

    /// Asks a node that was known not to be a writer, before it gets a write.
    /// The claim stays with a node that turns out to be one, for its dial.
    fn ask(&self, chosen: Chosen) -> Option<Chosen> {
        let node = self.cluster.node(chosen.index);
        let word = node.state.load(Ordering::Acquire);
        let left = self.deadline_ms.saturating_sub(now_ms());
        let result = probe::ask(&self.cluster.definition, chosen.index, left);
        probe::publish(self.cluster, chosen.index, word, &result);
        self.cluster.announce_change();
        let state = node.load();
        let writer = state.role == Role::Writer
            && matches!(&result.finding, probe::Finding::Answered(j) if j.role == Role::Writer);
        if !writer {
            self.cluster.release(chosen.index, self.me);
            return None;
        }
        Some(Chosen {
            epoch: state.epoch,
            ask_first: false,
            ..chosen
        })
    }

    /// Sleeps until a node changes or the call's time is over. False where too
    /// many wait already: a pool of workers must not stand still for a cluster
    /// that is gone.
    fn wait(&self, seen: u32, now: u64) -> bool {
        let shared = self.cluster.shared();
        let mine = shared
            .waiters
            .iter()
            .find(|word| claim::take(word, self.me, now, self.deadline_ms));
        let Some(mine) = mine else { return false };
        futex::wait(
            &shared.changes,
            seen,
            Some(self.deadline_ms.saturating_sub(now).min(100)),
        );
        claim::release(mine, self.me);
        true
    }

    fn everyone_busy(&self) -> Vec<(usize, Refusal)> {
        (0..self.cluster.definition.nodes.len())
            .map(|i| (i, Refusal::TrialTaken))
            .collect()
    }
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
