//! A definition joined to its slot in shared memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use amm_core::breaker::Event;
use amm_core::config::{Flavour, Writers};
use amm_core::discovery::{Listing, accept};
use amm_core::selection::rendezvous::mix;
use amm_core::trial;

use crate::definition::{Definition, millis};
use crate::roster::{self, Found};
use crate::shm::{ClusterSlot, Mapping, NodeSlot, layout};
use crate::table::{AtomicRef, free_slot, is_idle, take_place, take_slot};
use crate::views::Views;

/// The table of clusters is full.
#[derive(Debug, thiserror::Error)]
#[error(
    "all {} cluster slots of the shared memory are in use; a cluster that nobody uses frees \
     its slot after its idle_after",
    layout::CLUSTERS
)]
pub struct TableFull;

const FOUND_GALERA: u8 = 1;
const FOUND_READ_ONLY: u8 = 2;
const FOUND_GROUP_REPLICATION: u8 = 3;
const FOUND_AURORA: u8 = 4;
const FOUND_PRIVILEGE: u32 = 1 << 8;
const FOUND_SEVERAL_WRITERS: u32 = 1 << 9;

/// A definition and its shared slot.
pub struct Cluster {
    /// The configuration, with the nodes that the cluster itself has listed.
    pub definition: Arc<Definition>,
    /// The configuration alone.
    pub configured: Arc<Definition>,
    /// The memory the slot lies in.
    pub mapping: Arc<Mapping>,
    /// What this process's probes heard of its members.
    pub views: Views,
    slot: usize,
    /// Node slot of each node.
    places: Vec<usize>,
    /// Write of the roster that `definition` goes by.
    roster: AtomicU32,
    /// Sets this host's jitter apart from that of others.
    salt: u64,
}

impl Cluster {
    /// Finds or takes the slot of `definition`.
    pub fn attach(
        definition: Arc<Definition>,
        mapping: Arc<Mapping>,
        now_ms: u64,
    ) -> Result<Self, TableFull> {
        let slots = &mapping.region().clusters;
        let slot = take_slot(slots, definition.identity, now_ms).ok_or(TableFull)?;
        let shared = &slots[slot];
        let settings = &definition.settings;
        lower(&shared.interval_ms, millis(settings.probe_interval) as u32);
        shared
            .idle_ms
            .fetch_max(millis(settings.idle_after) as u32, Ordering::Relaxed);
        let places = take_places(shared, &definition).ok_or(TableFull)?;
        let cluster = Self {
            configured: Arc::clone(&definition),
            definition,
            mapping,
            views: Views::default(),
            slot,
            places,
            roster: AtomicU32::new(0),
            salt: host_salt(),
        };
        Ok(match cluster.renewed(now_ms) {
            Some(renewed) => renewed,
            None => cluster,
        })
    }

    /// This cluster by the roster in force, if that names other nodes than this
    /// one has. Costs one load where nothing was published since it was asked.
    #[inline]
    pub fn renewed(&self, now_ms: u64) -> Option<Self> {
        if !self.configured.settings.discover
            || self.shared().roster.latest() == self.roster.load(Ordering::Relaxed)
        {
            return None;
        }
        self.follow_roster(now_ms)
    }

    #[cold]
    fn follow_roster(&self, now_ms: u64) -> Option<Self> {
        let (generation, found) = roster::read(&self.shared().roster, &self.configured);
        if found == Found::Torn {
            return None;
        }
        self.roster.store(generation, Ordering::Relaxed);
        let Found::Roster(roster) = found else {
            return None;
        };
        let accepted = accept(&roster.listings, &self.configured.rules);
        let renewed = self.with_members(accepted.nodes, false, now_ms)?;
        renewed.roster.store(generation, Ordering::Relaxed);
        Some(renewed)
    }

    /// This cluster with these nodes beside the configured ones, if it has not
    /// just these. Those for whom there is no room are left out; `held`: new
    /// ones start like one that comes back.
    pub(crate) fn with_members(
        &self,
        mut members: Vec<Listing>,
        held: bool,
        now_ms: u64,
    ) -> Option<Self> {
        let mut wanted = self.configured.with_members(&members);
        if wanted.has_nodes_of(&self.definition) {
            return None;
        }
        let places = loop {
            match take_places(self.shared(), &wanted) {
                Some(places) => break places,
                None => members.pop()?,
            };
            wanted = self.configured.with_members(&members);
        };
        let renewed = Self {
            definition: Arc::new(wanted),
            configured: Arc::clone(&self.configured),
            mapping: Arc::clone(&self.mapping),
            views: self.views.clone(),
            slot: self.slot,
            places,
            roster: AtomicU32::new(self.roster.load(Ordering::Relaxed)),
            salt: self.salt,
        };
        for (index, node) in renewed.definition.nodes.iter().enumerate() {
            if node.discovered {
                let listed = Event::Listed { held };
                renewed
                    .node(index)
                    .apply(listed, true, &renewed.definition.policy, now_ms);
            }
        }
        Some(renewed)
    }

    /// The same with jitter of its own, for many hosts in one process.
    pub fn with_salt(self, salt: u64) -> Self {
        Self { salt, ..self }
    }

    /// The shared slot.
    #[inline]
    pub fn shared(&self) -> &ClusterSlot {
        // `take_slot` gives indices of this very array.
        &self.mapping.region().clusters[self.slot % layout::CLUSTERS]
    }

    /// The shared state of the node at `index` (of those there are).
    #[inline]
    pub fn node(&self, index: usize) -> &NodeSlot {
        let place = self.places.get(index).copied().unwrap_or(0);
        &self.shared().nodes[place % layout::NODES]
    }

    /// The node that lies in node slot `place`.
    pub fn node_at(&self, place: usize) -> Option<usize> {
        self.places.iter().position(|&p| p == place)
    }

    /// The node slot of the node at `index`.
    pub fn place(&self, index: usize) -> usize {
        self.places.get(index).copied().unwrap_or(0)
    }

    /// Whether the node's place is still its own. It is not once the node has
    /// left its cluster for good: what is said of it then is said of nobody.
    pub(crate) fn holds(&self, index: usize) -> bool {
        let node = self.definition.nodes.get(index);
        let held = self.node(index).identity.load(Ordering::Acquire);
        node.is_some_and(|node| node.identity == held)
    }

    /// Whether the slot is still this cluster's. It is not once nobody used it
    /// for long and another took it.
    #[inline]
    pub fn is_attached(&self) -> bool {
        self.shared().identity.load(Ordering::Acquire) == self.definition.identity
    }

    /// Says that the cluster is in use; at most one store a second.
    #[inline]
    pub fn touch(&self, now_ms: u64) {
        let used = &self.shared().used_ms;
        if now_ms.abs_diff(used.load(Ordering::Relaxed)) >= 1_000 {
            used.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Whether a monitor holds the lease.
    pub fn is_led(&self, now_ms: u64) -> bool {
        let lease = self.shared().lease.load(Ordering::Acquire);
        !trial::is_free(lease, now_ms, crate::lease::LONGEST_MS)
    }

    /// Whether a monitor gets conclusive answers from the node.
    pub fn is_watched(&self, index: usize, now_ms: u64) -> bool {
        self.is_led(now_ms)
            && self
                .node(index)
                .is_watched(now_ms, self.definition.fresh_ms())
    }

    /// Jitter for a node's backoff: unlike between hosts, steady between
    /// changes of the node's state.
    pub fn dice(&self, index: usize, seq: u8) -> u64 {
        let identity = self.definition.nodes.get(index).map_or(0, |n| n.identity);
        mix(identity ^ self.salt, u64::from(seq))
    }

    /// Wakes everyone who waits for a node of this cluster to change.
    pub fn announce_change(&self) {
        crate::futex::wake_all(&self.shared().changes);
    }

    /// Asks the monitor to probe the node at once.
    pub fn want_probe(&self, index: usize) {
        self.node(index).urgent.store(1, Ordering::Release);
        crate::futex::wake_all(&self.mapping.region().header.leaders);
    }

    /// The flavour in force: the configured one, or what the probes found.
    pub fn flavour(&self) -> Flavour {
        match self.definition.settings.flavour {
            Flavour::Auto => match self.shared().found.load(Ordering::Relaxed) as u8 {
                FOUND_GALERA => Flavour::Galera,
                FOUND_READ_ONLY => Flavour::ReadOnly,
                FOUND_GROUP_REPLICATION => Flavour::GroupReplication,
                FOUND_AURORA => Flavour::Aurora,
                _ => Flavour::Auto,
            },
            configured => configured,
        }
    }

    /// How writers are chosen: as configured, but `single` where several
    /// writers are not known to be by design.
    pub fn writers(&self) -> Writers {
        let settings = &self.definition.settings;
        let by_design = match self.flavour() {
            Flavour::Galera => true,
            Flavour::GroupReplication => self.found(FOUND_SEVERAL_WRITERS),
            _ => settings.multi_source,
        };
        if by_design {
            settings.writers
        } else {
            Writers::Single
        }
    }

    /// Remembers the flavour that a probe found.
    pub fn remember_flavour(&self, flavour: Flavour) {
        let code = match flavour {
            Flavour::Galera => FOUND_GALERA,
            Flavour::ReadOnly => FOUND_READ_ONLY,
            Flavour::GroupReplication => FOUND_GROUP_REPLICATION,
            Flavour::Aurora => FOUND_AURORA,
            Flavour::Auto => return,
        };
        let found = &self.shared().found;
        let word = found.load(Ordering::Relaxed);
        if word as u8 != code {
            found.store((word & !0xff) | u32::from(code), Ordering::Release);
        }
    }

    /// Remembers whether the probes' user may write on read-only servers.
    pub fn remember_privilege(&self, writes_through: bool) {
        self.remember(FOUND_PRIVILEGE, writes_through);
    }

    /// Whether the probes' user may write on read-only servers.
    pub fn writes_through_read_only(&self) -> bool {
        self.found(FOUND_PRIVILEGE)
    }

    /// Remembers whether the group has several primaries by design.
    pub fn remember_several_writers(&self, several: bool) {
        self.remember(FOUND_SEVERAL_WRITERS, several);
    }

    fn found(&self, bit: u32) -> bool {
        self.shared().found.load(Ordering::Relaxed) & bit != 0
    }

    fn remember(&self, bit: u32, so: bool) {
        if self.found(bit) != so {
            let found = &self.shared().found;
            match so {
                true => found.fetch_or(bit, Ordering::Relaxed),
                false => found.fetch_and(!bit, Ordering::Relaxed),
            };
        }
    }

    /// Frees the slot if it is this cluster's and was idle for its time.
    pub fn free_if_idle(&self, now_ms: u64) -> bool {
        let shared = self.shared();
        is_idle(shared, now_ms) && free_slot(shared, self.definition.identity)
    }
}

/// The place of each node, in the order of the definition.
fn take_places(shared: &ClusterSlot, definition: &Definition) -> Option<Vec<usize>> {
    let words: Vec<AtomicRef<'_>> = shared
        .nodes
        .iter()
        .map(|n| AtomicRef(&n.identity))
        .collect();
    let nodes = definition.nodes.iter();
    nodes
        .map(|node| take_place(&words, node.identity))
        .collect()
}

fn host_salt() -> u64 {
    static SALT: once_cell::sync::Lazy<u64> = once_cell::sync::Lazy::new(|| {
        rustix::system::uname()
            .nodename()
            .to_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                mix(hash, u64::from(*byte))
            })
    });
    *SALT
}

/// Lowers a shared limit where 0 means that nobody set it.
fn lower(word: &std::sync::atomic::AtomicU32, value: u32) {
    let _ = word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
        (now == 0 || value < now).then_some(value.max(1))
    });
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
