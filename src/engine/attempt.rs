//! One call that must end on a node: pick, let the caller dial, pick again.
//!
//! The dial itself is the application's; this keeps the order, the claims and
//! the deadline. No node is offered twice in one attempt.

use std::ops::Deref;
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
use crate::probe::{self, Finding, ProbeResult};

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

/// What a call comes to at one moment, before anything was waited for.
#[derive(Debug)]
pub enum Step {
    /// Dial this node, or give up.
    Done(Next),
    /// Ask this node for its role, within so many milliseconds, and tell
    /// [`Attempt::asked`].
    Ask(Chosen, u64),
    /// Sleep until the word of changes is no longer this one, at most so many
    /// milliseconds.
    Wait(u32, u64),
}

/// The state of one call on a cluster that `C` refers to.
pub struct Attempt<C> {
    cluster: C,
    purpose: Purpose,
    key: u64,
    me: Token,
    tried: NodeSet,
    /// Those of the tried that were asked and are no writers.
    asked: Vec<(usize, Refusal)>,
    deadline_ms: u64,
    first: Option<Chosen>,
    waiting: bool,
}

/// Longest sleep before a call looks again by itself, ms.
const LOOK_AGAIN_MS: u64 = 100;

impl<C: Deref<Target = Cluster>> Attempt<C> {
    /// Begins a call for `key` that may take as long as `connect_deadline`.
    pub fn new(cluster: C, purpose: Purpose, key: u64, me: Token, now_ms: u64) -> Self {
        let deadline_ms = now_ms + millis(cluster.definition.settings.connect_deadline);
        Self {
            cluster,
            purpose,
            key,
            me,
            tried: NodeSet::default(),
            asked: Vec::new(),
            deadline_ms,
            first: None,
            waiting: false,
        }
    }

    /// Chooses the next node to dial, which then counts as tried. Where other
    /// processes are trying all that is left, waits for what they find.
    pub fn advance(&mut self) -> Next {
        loop {
            match self.step(now_ms()) {
                Step::Done(next) => return next,
                Step::Ask(chosen, left_ms) => {
                    let word = self
                        .cluster
                        .node(chosen.index)
                        .state
                        .load(Ordering::Acquire);
                    let result = probe::ask(&self.cluster.definition, chosen.index, left_ms);
                    self.asked(chosen, word, &result, now_ms());
                }
                Step::Wait(seen, ms) => {
                    futex::wait(&self.cluster.shared().changes, seen, Some(ms));
                }
            }
        }
    }

    /// What is to be done at `now_ms`; waits for nothing itself.
    pub fn step(&mut self, now_ms: u64) -> Step {
        self.leave_queue();
        if let Some(first) = self.first.take() {
            return Step::Done(self.offer(first, now_ms));
        }
        if now_ms >= self.deadline_ms {
            return Step::Done(Next::DeadlineExceeded);
        }
        let left = self.deadline_ms - now_ms;
        let seen = self.cluster.shared().changes.load(Ordering::Acquire);
        match self
            .cluster
            .pick(self.purpose, self.key, self.tried, self.me, now_ms)
        {
            Pick::Chosen(chosen) if chosen.ask_first => Step::Ask(chosen, left),
            Pick::Chosen(chosen) => Step::Done(self.offer(chosen, now_ms)),
            Pick::Nobody(mut refusals) => {
                refusals.append(&mut self.asked);
                Step::Done(Next::NoWriter(refusals))
            }
            Pick::Wait if self.queue(now_ms) => Step::Wait(seen, left.min(LOOK_AGAIN_MS)),
            Pick::Wait => Step::Done(Next::NoWriter(self.everyone_busy())),
        }
    }

    /// Takes the answer of a node that was to be asked before it gets a write;
    /// its state was `word` when the question went out. The claim stays with a
    /// node that turns out to be a writer, for its dial.
    pub fn asked(&mut self, chosen: Chosen, word: u64, result: &ProbeResult, now_ms: u64) {
        let node = self.cluster.node(chosen.index);
        probe::publish(&self.cluster, chosen.index, word, result, now_ms);
        self.cluster.announce_change();
        let state = node.load();
        let writer = state.role == Role::Writer
            && matches!(&result.finding, Finding::Answered(j)
                if j.role == Role::Writer || j.last_resort);
        if writer {
            self.first = Some(Chosen {
                epoch: state.epoch,
                ask_first: false,
                ..chosen
            });
        } else {
            self.tried.insert(chosen.index);
            let refusal = match (&result.finding, state.role) {
                (Finding::Answered(_), Role::Reader) => Refusal::Reader,
                (Finding::Answered(_), _) => Refusal::Unready,
                _ => Refusal::Open,
            };
            self.asked.push((chosen.index, refusal));
            self.cluster.release(chosen.index, self.me);
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

    fn offer(&mut self, chosen: Chosen, now_ms: u64) -> Next {
        self.tried.insert(chosen.index);
        let dial = millis(self.cluster.definition.settings.connect_timeout);
        Next::Dial(
            chosen,
            dial.min(self.deadline_ms.saturating_sub(now_ms)).max(1),
        )
    }

    /// Takes a place among those who wait. False where too many wait already: a
    /// pool of workers must not stand still for a cluster that is gone.
    fn queue(&mut self, now_ms: u64) -> bool {
        let places = &self.cluster.shared().waiters;
        self.waiting = places
            .iter()
            .any(|word| claim::take(word, self.me, now_ms, self.deadline_ms));
        self.waiting
    }

    fn leave_queue(&mut self) {
        if std::mem::take(&mut self.waiting) {
            for word in &self.cluster.shared().waiters {
                claim::release(word, self.me);
            }
        }
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
