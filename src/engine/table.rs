//! The table of clusters in shared memory: finding a slot, taking one, and
//! freeing those that nobody uses.
//!
//! No lock: a place is taken by one compare-exchange on its identity, and an
//! empty one is all zero, so a process may be killed at any point.

use std::sync::atomic::{AtomicU64, Ordering};

use amm_core::node::NodeState;

use crate::roster::WORDS;
use crate::shm::{ClusterSlot, NodeSlot};

/// Mark of a slot that is being freed.
pub(crate) const FREEING: u64 = 1;

/// The slot of `identity`: the one that has it, a free one, or one that was
/// idle for its time.
pub(crate) fn take_slot(slots: &[ClusterSlot], identity: u64, now_ms: u64) -> Option<usize> {
    let refs: Vec<AtomicRef<'_>> = slots.iter().map(|s| AtomicRef(&s.identity)).collect();
    if let Some(at) = take_place(&refs, identity) {
        return Some(at);
    }
    for slot in slots {
        let held = slot.identity.load(Ordering::Acquire);
        if is_idle(slot, now_ms) && free_slot(slot, held) {
            return take_place(&refs, identity);
        }
    }
    // At last those whose freeing was never ended: its process was killed.
    let abandoned = slots.iter().position(|slot| {
        slot.identity
            .compare_exchange(FREEING, identity, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    });
    abandoned.and_then(|_| take_place(&refs, identity))
}

pub(crate) fn is_idle(slot: &ClusterSlot, now_ms: u64) -> bool {
    let used = slot.used_ms.load(Ordering::Acquire);
    let idle = u64::from(slot.idle_ms.load(Ordering::Relaxed)).max(60_000);
    // A time ahead of the clock is from before a reboot.
    used > now_ms + 60_000 || now_ms.saturating_sub(used) > idle
}

/// Empties a slot. Epochs go on from where they were, so that no handle of the
/// old cluster ever looks current in the new one. A process killed in the
/// middle leaves the mark [`FREEING`]; `take_slot` takes such slots when no other is
/// left. All that a new owner may then find is another's health, which probes
/// put right.
pub(crate) fn free_slot(slot: &ClusterSlot, identity: u64) -> bool {
    if identity == FREEING
        || slot
            .identity
            .compare_exchange(identity, FREEING, Ordering::AcqRel, Ordering::Acquire)
            .is_err()
    {
        return false;
    }
    for node in &slot.nodes {
        node.identity.store(0, Ordering::Release);
        clear(node);
    }
    let mut term = slot.roster.begin_term();
    let _ = slot.roster.publish(&mut term, &[0; WORDS]);
    for word in slot
        .waiters
        .iter()
        .chain(&slot.refuted)
        .chain([&slot.lease, &slot.deputy])
    {
        word.store(0, Ordering::Release);
    }
    for word in &slot.tokens {
        word.store(0, Ordering::Relaxed);
    }
    for word in [
        &slot.leader_pid,
        &slot.idle_ms,
        &slot.incumbent,
        &slot.interval_ms,
        &slot.found,
    ] {
        word.store(0, Ordering::Release);
    }
    // Unless somebody has given the slot away meanwhile.
    let _ = slot
        .identity
        .compare_exchange(FREEING, 0, Ordering::AcqRel, Ordering::Acquire);
    true
}

/// Empties the place of a node that is no longer one of the cluster's. Unless
/// that is ended it bears the mark [`FREEING`], and is taken by nobody until
/// somebody frees it again.
pub(crate) fn free_node(node: &NodeSlot, identity: u64) {
    let exchange = |from, to| {
        node.identity
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    };
    if identity == FREEING || exchange(identity, FREEING) {
        clear(node);
        exchange(FREEING, 0);
    }
}

/// Forgets all that was known of a node but its epoch, which moves on.
fn clear(node: &NodeSlot) {
    let old = NodeState::unpack(node.state.load(Ordering::Acquire));
    let fresh = NodeState {
        epoch: old.epoch.wrapping_add(1),
        ..NodeState::default()
    };
    node.state.store(fresh.pack(), Ordering::Release);
    for word in [
        &node.since,
        &node.trial,
        &node.probe,
        &node.last_error,
        &node.reporter,
        &node.dials,
        &node.failures,
        &node.conflicts,
        &node.picks,
        &node.overloaded_ms,
        &node.member,
        &node.cut_ms,
    ] {
        word.store(0, Ordering::Release);
    }
    node.rtt_us.store(0, Ordering::Relaxed);
    node.rank.store(0, Ordering::Relaxed);
    node.urgent.store(0, Ordering::Relaxed);
    node.lag_ms.store(0, Ordering::Relaxed);
}

/// One place's identity word.
pub(crate) struct AtomicRef<'a>(pub(crate) &'a AtomicU64);

/// Finds the place of `identity` in a table searched from the place that the
/// identity itself names, or takes the first free one. Whoever takes one looks
/// again from the start: had another process taken an earlier one at the same
/// moment, that one counts and ours is given back.
pub(crate) fn take_place(table: &[AtomicRef<'_>], identity: u64) -> Option<usize> {
    let len = table.len();
    let start = (identity % len.max(1) as u64) as usize;
    let order = || (0..len).map(|step| (start + step) % len);
    let holds = |at: &usize| {
        table
            .get(*at)
            .is_some_and(|word| word.0.load(Ordering::Acquire) == identity)
    };
    if let Some(at) = order().find(holds) {
        return Some(at);
    }
    let taken = order().find(|at| {
        table.get(*at).is_some_and(|word| {
            let seen = word.0.load(Ordering::Acquire);
            let free = seen == 0;
            seen == identity
                || free
                    && match word.0.compare_exchange(
                        seen,
                        identity,
                        Ordering::AcqRel,
                        Ordering::Acquire,
                    ) {
                        Ok(_) => true,
                        Err(now) => now == identity,
                    }
        })
    })?;
    let first = order().find(holds)?;
    if first != taken
        && let Some(word) = table.get(taken)
    {
        let _ = word
            .0
            .compare_exchange(identity, 0, Ordering::AcqRel, Ordering::Acquire);
    }
    Some(first)
}
