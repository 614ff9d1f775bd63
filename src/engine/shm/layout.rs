//! The bytes that all PHP processes of a host share.
//!
//! ```text
//! Region ── Header            magic, futex words
//!        └─ ClusterSlot × 64  identity (0: free), lease, deputy, incumbent …
//!           ├─ Record          the members that the cluster itself lists
//!           └─ NodeSlot × 64   identity, state word, since, trial claim, counters
//! ```
//!
//! Rules that keep it safe against a kill at any instruction:
//! - only fixed-width atomics, no lock anywhere, every decision one
//!   compare-exchange on one word;
//! - all zero is a valid, empty region, so setting it up can be repeated or
//!   abandoned at any point;
//! - any bytes at all are a valid region: words decode to some state, times
//!   too far ahead count as past, indices are never taken from it unchecked;
//! - no credentials or SQL are in it, and no names or addresses that anyone
//!   would follow: see [`crate::roster`] for the one record that has some.
//!
//! Changing anything here means raising [`VERSION`], which names the file.

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64};

use crate::roster::Record;

/// Layout version, part of the file's name and of [`MAGIC`].
pub const VERSION: u32 = 3;
/// First word of a region: `amm-shm` and the layout version.
pub const MAGIC: u64 = 0x616d_6d2d_7368_6d00 | VERSION as u64;
/// Clusters that fit.
pub const CLUSTERS: usize = 64;
/// Nodes per cluster that fit.
pub const NODES: usize = amm_core::selection::MAX_NODES;
/// Processes that may wait for another's trial at once, per cluster.
pub const WAITERS: usize = 16;
/// Recently refuted reporters remembered, per cluster.
pub const REFUTED: usize = 64;

/// The whole file.
#[repr(C)]
pub struct Region {
    /// What belongs to the host.
    pub header: Header,
    /// What belongs to each cluster.
    pub clusters: [ClusterSlot; CLUSTERS],
}

/// What belongs to the host.
#[repr(C, align(64))]
pub struct Header {
    /// [`MAGIC`], or 0 while the file is set up.
    pub magic: AtomicU64,
    /// Futex of the monitors that hold a lease or wait to take one over.
    pub leaders: AtomicU32,
    /// Futex of the monitors that have nothing to do.
    pub sleepers: AtomicU32,
    /// A random mark of this very file, 0 until somebody has set it: epochs
    /// of another file are other numbers.
    pub instance: AtomicU64,
}

/// One cluster.
#[repr(C, align(64))]
pub struct ClusterSlot {
    /// The cluster's identity; 0: free; 1: being freed.
    pub identity: AtomicU64,
    /// When anyone last used it, ms.
    pub used_ms: AtomicU64,
    /// Claim word of the leader, renewed while it lives.
    pub lease: AtomicU64,
    /// Claim word of the process that watches the leader.
    pub deputy: AtomicU64,
    /// Pid of the leader, for people.
    pub leader_pid: AtomicU32,
    /// Unused for this long, ms, the slot may be freed.
    pub idle_ms: AtomicU32,
    /// Futex, moved by every change of a node: panic waiters sleep here.
    pub changes: AtomicU32,
    /// Index + 1 of the node slot that `single` has settled on; 0: none.
    pub incumbent: AtomicU32,
    /// Shortest healthy probe interval any user wants, ms; 0: nobody said.
    pub interval_ms: AtomicU32,
    /// What the probes found out: flavour (bits 0 to 7), grants (bit 8: writes through `read_only`).
    pub found: AtomicU32,
    /// Tokens accepted, and refused by reason ([`amm_core::token::Refusal`]).
    pub tokens: [AtomicU32; 1 + amm_core::token::Refusal::ALL.len()],
    /// Claims of those who wait for a trial's outcome.
    pub waiters: [AtomicU64; WAITERS],
    /// Claims by token of processes whose reports were refuted.
    pub refuted: [AtomicU64; REFUTED],
    /// The members that the cluster itself lists beyond the configured nodes.
    pub roster: Record,
    /// The nodes, in no particular order.
    pub nodes: [NodeSlot; NODES],
}

/// One node.
#[repr(C, align(64))]
pub struct NodeSlot {
    /// The node's identity; 0: free.
    pub identity: AtomicU64,
    /// [`amm_core::node::NodeState`], packed.
    pub state: AtomicU64,
    /// Sequence of the state (8 bits) and when its phase began, ms (56 bits).
    pub since: AtomicU64,
    /// Claim word of the half-open trial.
    pub trial: AtomicU64,
    /// Last probe: when it ended, ms (48 bits), outcome (8), reason (8).
    pub probe: AtomicU64,
    /// Last error: unix seconds (40 bits), verdict (8), errno (16).
    pub last_error: AtomicU64,
    /// Whose lone report the state rests on: claim word.
    pub reporter: AtomicU64,
    /// Round trip of the last probe, µs.
    pub rtt_us: AtomicU32,
    /// 1 + the database's own precedence; 0: it says nothing.
    pub rank: AtomicU16,
    /// 1: probe this node now.
    pub urgent: AtomicU16,
    /// Dials begun.
    pub dials: AtomicU64,
    /// Dials and connections that failed by this node's fault.
    pub failures: AtomicU64,
    /// Conflicts seen (deadlocks, failed certification).
    pub conflicts: AtomicU64,
    /// Times the node was chosen for a write.
    pub picks: AtomicU64,
    /// Since when dials find it too full, ms; 0: they do not.
    pub overloaded_ms: AtomicU64,
    /// Hash of the name under which the cluster's members know it; 0: unknown.
    pub member: AtomicU64,
    /// When its blocked sockets were last ordered shut, ms; 0: no order stands.
    pub cut_ms: AtomicU64,
    /// Orders to shut its sockets so far: a process that has seen fewer looks.
    pub cuts: AtomicU32,
    /// 1 + how far it is behind the writers, ms; 0: unknown.
    pub lag_ms: AtomicU32,
}

const _: () = {
    assert!(size_of::<NodeSlot>() == 128);
    assert!(size_of::<Region>() < 1 << 20);
    assert!(align_of::<Region>() == 64);
};
