//! What PHP processes say of nodes, recorded.

use std::sync::atomic::Ordering;

use amm_core::breaker::Event;
use amm_core::node::{Phase as Breaker, Role};
use amm_core::trial::{self, Token};
use amm_core::verdict::{ErrorSeen, Phase, RoleAfter, Verdict, classify, role_after};

use crate::cluster::Cluster;
use crate::node::LONGEST_CLAIM_MS;
use crate::shm::layout::REFUTED;

/// For this long the reports of a process that a probe has refuted are not
/// believed, ms.
const DISTRUST_MS: u64 = 10_000;

impl Cluster {
    /// Records an error seen on the node, chosen at `epoch`, and says what it
    /// means. An error from an earlier epoch changes nothing: it tells of the
    /// past. It wakes the monitor all the same.
    pub fn report(
        &self,
        index: usize,
        epoch: u32,
        seen: &ErrorSeen<'_>,
        phase: Phase,
        me: Token,
        now_ms: u64,
    ) -> Verdict {
        let verdict = classify(seen, phase);
        let node = self.node(index);
        let errno = seen.number(phase);
        match verdict {
            Verdict::Client | Verdict::Unknown => {
                self.release(index, me);
                return verdict;
            }
            Verdict::Conflict => {
                node.conflicts.fetch_add(1, Ordering::Relaxed);
                self.release(index, me);
                return verdict;
            }
            Verdict::Down | Verdict::NotWritable | Verdict::Lost | Verdict::Overloaded => {}
        }
        node.failures.fetch_add(1, Ordering::Relaxed);
        node.record_error(verdict, errno);
        let trial = node.holds_trial(me);
        let event = match verdict {
            Verdict::Down => Event::DialFailed { trial },
            Verdict::Lost => Event::ConnectionLost,
            Verdict::NotWritable => Event::WriteRefused(match errno.and_then(role_after) {
                Some(RoleAfter::Unready) => Role::Unready,
                Some(RoleAfter::Reader) | None => Role::Reader,
            }),
            _ => Event::Overloaded,
        };
        let current = trial || node.load().epoch == epoch;
        if current && !self.is_distrusted(me, now_ms) {
            let watched = self.is_watched(index, now_ms);
            let change = node.apply(event, watched, &self.definition.policy, now_ms);
            if change.before != change.after {
                if change.after.passive && !change.before.passive {
                    let word = trial::claim(me, now_ms + DISTRUST_MS);
                    node.reporter.store(word, Ordering::Release);
                }
                log::info!(
                    "node {} {} after {} ({})",
                    self.node_id(index),
                    describe(change.after.phase, change.after.role),
                    verdict.as_str(),
                    errno.map_or_else(|| "no errno".to_owned(), |e| format!("errno {e}")),
                );
            }
        }
        self.release(index, me);
        self.announce_change();
        self.want_probe(index);
        verdict
    }

    /// Records that a dial of the node, chosen at `epoch`, succeeded. Gives the
    /// node's epoch from now on: a trial's success moves it, and the handle
    /// just made belongs to the new one.
    pub fn succeeded(&self, index: usize, epoch: u32, me: Token, now_ms: u64) -> u32 {
        let node = self.node(index);
        let before = node.load();
        let trial = node.holds_trial(me);
        let settling = before.scar && before.phase == Breaker::Closed;
        if before.failures == 0 && !trial && !settling && !before.passive {
            return before.epoch;
        }
        let watched = self.is_watched(index, now_ms);
        let policy = &self.definition.policy;
        let mut after = before;
        if trial || before.epoch == epoch {
            after = node
                .apply(Event::DialSucceeded { trial }, watched, policy, now_ms)
                .after;
        }
        let since = node.since_ms(after, now_ms);
        if settling && now_ms.saturating_sub(since) >= policy.slow_start_ms {
            after = node.apply(Event::Settled, watched, policy, now_ms).after;
        }
        if trial {
            self.release(index, me);
            self.announce_change();
            log::info!("node {} back after a trial dial", self.node_id(index));
        }
        if before.epoch == epoch || trial {
            after.epoch
        } else {
            epoch
        }
    }

    /// Gives the node's trial claim back, if this process holds it, and wakes
    /// those who wait for its outcome.
    pub fn release(&self, index: usize, me: Token) {
        if self.node(index).release_trial(me) {
            self.announce_change();
        }
    }

    /// Remembers that a probe has refuted the last lone report on the node.
    pub fn distrust_reporter(&self, index: usize, now_ms: u64) {
        let word = self.node(index).reporter.swap(0, Ordering::AcqRel);
        if trial::is_free(word, now_ms, LONGEST_CLAIM_MS) {
            return;
        }
        let whose = (word >> 40) as usize % REFUTED;
        if let Some(place) = self.shared().refuted.get(whose) {
            place.store(word, Ordering::Release);
        }
    }

    fn is_distrusted(&self, me: Token, now_ms: u64) -> bool {
        self.shared()
            .refuted
            .get(me.get() as usize % REFUTED)
            .is_some_and(|place| {
                let word = place.load(Ordering::Acquire);
                trial::is_held_by(word, me) && !trial::is_free(word, now_ms, LONGEST_CLAIM_MS)
            })
    }

    /// The node's name for messages.
    pub fn node_id(&self, index: usize) -> &str {
        self.definition
            .nodes
            .get(index)
            .map_or("?", |n| n.id.as_str())
    }
}

fn describe(phase: Breaker, role: Role) -> String {
    let breaker = match phase {
        Breaker::Closed => "stays in use",
        Breaker::Open => "is taken out",
        Breaker::Recovering => "is held down",
    };
    format!("{breaker}, role {}", role.as_str())
}
