//! A host: the shared memory of its processes, and who wakes when it changes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use amm_engine::cluster::Cluster;
use amm_engine::definition::Definition;
use amm_engine::shm::Mapping;

/// One host. Its `cluster` is an observer's, who changes nothing.
pub(crate) struct Host {
    pub(crate) cluster: Arc<Cluster>,
    mapping: Arc<Mapping>,
    salt: u64,
    woken: Woken,
}

/// The words that processes sleep on, as last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Woken {
    pub(crate) leaders: u32,
    pub(crate) sleepers: u32,
    pub(crate) changes: u32,
}

impl Host {
    pub(crate) fn new(definition: &Arc<Definition>, salt: u64, now: u64) -> Self {
        let mapping = match Mapping::private() {
            Ok(mapping) => Arc::new(mapping),
            Err(error) => panic!("no memory: {error}"),
        };
        let cluster = attach(definition, &mapping, salt, now);
        let mut host = Self {
            cluster,
            mapping,
            salt,
            woken: Woken::default(),
        };
        host.woken();
        host
    }

    /// Joins another process to the memory.
    pub(crate) fn join(&self, now: u64) -> Arc<Cluster> {
        attach(&self.cluster.definition, &self.mapping, self.salt, now)
    }

    /// Which words moved since the last call.
    pub(crate) fn woken(&mut self) -> (bool, bool, bool) {
        let header = &self.mapping.region().header;
        let now = Woken {
            leaders: header.leaders.load(Ordering::Relaxed),
            sleepers: header.sleepers.load(Ordering::Relaxed),
            changes: self.cluster.shared().changes.load(Ordering::Relaxed),
        };
        let before = std::mem::replace(&mut self.woken, now);
        (
            now.leaders != before.leaders,
            now.sleepers != before.sleepers,
            now.changes != before.changes,
        )
    }
}

fn attach(
    definition: &Arc<Definition>,
    mapping: &Arc<Mapping>,
    salt: u64,
    now: u64,
) -> Arc<Cluster> {
    match Cluster::attach(Arc::clone(definition), Arc::clone(mapping), now) {
        Ok(cluster) => Arc::new(cluster.with_salt(salt)),
        Err(error) => panic!("{error}"),
    }
}
