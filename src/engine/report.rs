//! What PHP processes say of nodes, recorded.

use std::sync::atomic::Ordering;

use amm_core::admission::{Admission, Purpose, settle_ms};
use amm_core::breaker::Event;
use amm_core::node::{EPOCH_MASK, Phase as Breaker, Role, epoch_of};
use amm_core::trial::{self, Token};
use amm_core::verdict::{ErrorSeen, Phase, RoleAfter, Verdict, classify, role_after};

use crate::claim;
use crate::cluster::Cluster;
use crate::shm::layout::REFUTED;
use crate::state::Change;

/// For this long the reports of a process that a probe has refuted are not
/// believed, ms.
const DISTRUST_MS: u64 = 10_000;
/// A server that is too full is taken out if it still is after this time, ms.
const OVERLOAD_MS: u64 = 2_000;
/// A first overload longer ago than this counts no more, ms.
const OVERLOAD_MEMORY_MS: u64 = 30_000;

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
        if !self.holds(index) {
            return verdict;
        }
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
        let trial = node.holds_trial(me) && node.load().epoch == epoch;
        let event = match verdict {
            Verdict::Down => Event::DialFailed { trial },
            Verdict::Lost => Event::ConnectionLost,
            Verdict::NotWritable => Event::WriteRefused(match errno.and_then(role_after) {
                Some(RoleAfter::Unready) => Role::Unready,
                Some(RoleAfter::Reader) | None => Role::Reader,
            }),
            _ => Event::Overloaded { trial },
        };
        let believed = match verdict {
            Verdict::Down => !self.is_distrusted(me, now_ms),
            Verdict::Overloaded => {
                let lasts = self.overload_lasts(index, errno, now_ms);
                lasts || trial && errno == Some(1040)
            }
            _ => true,
        };
        let change = if believed {
            self.apply_at(index, epoch, event, now_ms)
        } else {
            None
        };
        if let Some(change) = change
            && change.before != change.after
        {
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
        self.release(index, me);
        self.announce_change();
        self.want_probe(index);
        verdict
    }

    /// Applies an event that belongs to `epoch`; nothing if that is over.
    fn apply_at(&self, index: usize, epoch: u32, event: Event, now_ms: u64) -> Option<Change> {
        let node = self.node(index);
        let watched = self.is_watched(index, now_ms);
        let mut word = node.state.load(Ordering::Acquire);
        while epoch_of(word) == epoch {
            match node.exchange(word, event, watched, &self.definition.policy, now_ms) {
                Ok(change) => return Some(change),
                Err(current) => word = current,
            }
        }
        None
    }

    /// Whether a server has been too full for a while, and not for one account
    /// alone.
    fn overload_lasts(&self, index: usize, errno: Option<u32>, now_ms: u64) -> bool {
        if matches!(errno, Some(1203 | 1226)) {
            return false;
        }
        let since = &self.node(index).overloaded_ms;
        let began = since.load(Ordering::Relaxed);
        if began == 0 || began > now_ms || now_ms - began > OVERLOAD_MEMORY_MS {
            since.store(now_ms, Ordering::Relaxed);
            return false;
        }
        now_ms - began >= OVERLOAD_MS
    }

    /// Records that a dial of the node, chosen at `epoch`, succeeded. Gives the
    /// epoch that the handle just made belongs to: a trial's success moves the
    /// node's, and what changed during the dial makes the handle stale at once.
    pub fn succeeded(&self, index: usize, epoch: u32, me: Token, now_ms: u64) -> u32 {
        let node = self.node(index);
        let before = node.load();
        let mut trial = node.holds_trial(me);
        if before.epoch != epoch {
            self.release(index, me);
            return epoch;
        }
        let settling = before.scar && before.phase == Breaker::Closed;
        if before.failures == 0 && before.phase == Breaker::Closed && !trial && !settling {
            return epoch;
        }
        node.overloaded_ms.store(0, Ordering::Relaxed);
        // Dialled without choosing through us: a trial all the same, if one is due.
        if !trial && before.phase != Breaker::Closed {
            let due = self.glance(index, Purpose::Write, now_ms).admission == Admission::Trial;
            trial = due && node.claim_trial(me, now_ms, now_ms + 1_000);
        }
        let applied = self.apply_at(index, epoch, Event::DialSucceeded { trial }, now_ms);
        let mut after = applied.map_or(epoch, |change| change.after.epoch);
        let state = node.load();
        let policy = &self.definition.policy;
        let needed = settle_ms(state, self.dice(index, state.seq), policy);
        if settling && now_ms.saturating_sub(node.since_ms(state, now_ms)) >= needed {
            let settled = self.apply_at(index, after, Event::Settled, now_ms);
            after = settled.map_or(after, |change| change.after.epoch);
        }
        if trial {
            self.release(index, me);
            self.announce_change();
            log::info!("node {} back after a trial dial", self.node_id(index));
            if !self.settle_on(index) {
                // Back, but beside another writer: the handle is not for writes.
                after = after.wrapping_sub(1) & EPOCH_MASK;
            }
        }
        after
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
        if trial::is_free(word, now_ms, claim::LONGEST_MS) {
            return;
        }
        let whose = (word >> 40) as usize % REFUTED;
        if let Some(place) = self.shared().refuted.get(whose) {
            place.store(word, Ordering::Release);
        }
    }

    /// Whether a probe has lately refuted what this process said.
    pub(crate) fn is_distrusted(&self, me: Token, now_ms: u64) -> bool {
        self.shared()
            .refuted
            .get(me.get() as usize % REFUTED)
            .is_some_and(|place| {
                let word = place.load(Ordering::Acquire);
                trial::is_held_by(word, me) && !trial::is_free(word, now_ms, claim::LONGEST_MS)
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
