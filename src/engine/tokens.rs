//! Making tokens of choices, and choices of tokens.

use std::sync::atomic::Ordering;

use amm_core::admission::Purpose;
use amm_core::config::NodeRole;
use amm_core::token::{Claims, Position, Refusal};

use crate::cluster::Cluster;
use crate::definition::millis;
use crate::shm::Mapping;

/// What a scope sticks to and passes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// The writer, by configured index.
    pub index: usize,
    /// Its epoch.
    pub epoch: u32,
    /// Whether writes were made.
    pub wrote: bool,
    /// Where the last of them stands, if known.
    pub position: Option<Position>,
}

/// How many tokens were accepted, and refused for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted.
    pub accepted: u32,
    /// Refused, in the order of [`Refusal::ALL`].
    pub refused: [u32; Refusal::ALL.len()],
}

impl Mapping {
    /// The mark of this region, the same in all processes that share it.
    fn instance(&self) -> u32 {
        let word = &self.region().header.instance;
        let seen = word.load(Ordering::Acquire);
        if seen != 0 {
            return seen as u32;
        }
        let mine = crate::process::random() | 1;
        match word.compare_exchange(0, mine, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => mine as u32,
            Err(theirs) => theirs as u32,
        }
    }
}

impl Cluster {
    /// The token that carries a choice on; `None` without a secret.
    /// `unix_ms`: now, since 1970.
    pub fn token(&self, carried: &Carried, unix_ms: u64) -> Option<String> {
        let keys = self.definition.keys.as_ref()?;
        let node = self.definition.nodes.get(carried.index)?;
        Some(keys.seal(&Claims {
            cluster: self.definition.identity,
            node: node.identity,
            host: self.mapping.instance(),
            epoch: carried.epoch,
            issued_ms: unix_ms,
            ttl_ms: millis(self.definition.settings.sticky.ttl).min(u64::from(u32::MAX)) as u32,
            wrote: carried.wrote,
            position: carried.position,
        }))
    }

    /// What a token carries, if it is to be trusted and its writer still takes
    /// writes. Counted for status. Without a secret nothing is accepted.
    pub fn resume(&self, token: &str, unix_ms: u64, now_ms: u64) -> Option<Carried> {
        let keys = self.definition.keys.as_ref()?;
        let carried = keys
            .open(token, self.definition.identity, unix_ms)
            .and_then(|claims| self.stick_to(claims, unix_ms, now_ms));
        let count = match &carried {
            Ok(_) => 0,
            Err(refusal) => 1 + *refusal as usize,
        };
        if let Some(word) = self.shared().tokens.get(count) {
            word.fetch_add(1, Ordering::Relaxed);
        }
        carried.ok()
    }

    fn stick_to(&self, claims: Claims, unix_ms: u64, now_ms: u64) -> Result<Carried, Refusal> {
        let index = self
            .definition
            .nodes
            .iter()
            .position(|node| node.identity == claims.node)
            .ok_or(Refusal::Stale)?;
        let reads_only = self
            .definition
            .nodes
            .get(index)
            .is_some_and(|node| node.settings.role == Some(NodeRole::Reader));
        let node = self.node(index);
        let state = node.load();
        let since = node.since_ms(state, now_ms);
        let changed = (since > 0).then(|| now_ms.saturating_sub(since));
        let instance = self.mapping.instance();
        if reads_only
            || claims.is_stale(instance, state.epoch, changed, unix_ms)
            || !self.may_stay(index, state.epoch, Purpose::Write)
        {
            return Err(Refusal::Stale);
        }
        Ok(Carried {
            index,
            epoch: state.epoch,
            wrote: claims.wrote,
            position: claims.position,
        })
    }

    /// Tokens accepted and refused so far, by all processes of the host.
    pub fn token_counts(&self) -> Counts {
        let [accepted, refused @ ..] = &self.shared().tokens;
        Counts {
            accepted: accepted.load(Ordering::Relaxed),
            refused: std::array::from_fn(|i| {
                refused
                    .get(i)
                    .map_or(0, |word| word.load(Ordering::Relaxed))
            }),
        }
    }
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
