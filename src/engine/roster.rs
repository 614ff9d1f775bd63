//! The roster in shared memory: how processes that probe nothing learn which
//! nodes a cluster has.
//!
//! The leader of a cluster hears its members' lists and publishes what they come
//! to as one record of the cluster's slot. All else of shared memory is numbers;
//! this has host names in it, so whoever may write the file must gain nothing by
//! writing here. Three things see to that:
//!
//! 1. **Each process asks its own configuration.** What is read are proposals.
//!    Only a host that matches this process's own `discover_hosts` becomes a
//!    node, so traffic never goes where the operator has not allowed it, whatever
//!    the record says. Of Aurora's instances the record has no host at all but
//!    a server's id; the rest of the name is the reader's own.
//! 2. **It is sealed** ([`seal`]) with a secret, or else with the credentials of the probes.
//!    Who may write the file but does not know these (a file shared between
//!    users on purpose) can publish nothing. Who does know them can reach the
//!    servers anyway.
//! 3. **It is strict.** A record that is torn, not sealed for this cluster, or
//!    not in canonical form counts as none at all: a process keeps the nodes it
//!    has, or has the configured ones. The leader looks at the record at every
//!    beat and puts its own back.
//!
//! What remains to a writer of the file is to put back an earlier record of the
//! same cluster, for a beat; its hosts are allowed ones that were members once.

pub(crate) mod codec;
pub(crate) mod seal;

use amm_core::config::{Flavour, MAX_NODES};
use amm_core::discovery::{Listing, accept};

use crate::cluster::Cluster;
use crate::definition::Definition;
use crate::seqlock::Seqlock;

/// Words of a roster: room for 63 addresses, or for 25 names of 70 characters.
pub const WORDS: usize = 256;

/// The record in shared memory.
pub type Record = Seqlock<WORDS>;

/// What a roster says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roster {
    /// The members beyond the configured nodes.
    pub listings: Vec<Listing>,
    /// Members without an address.
    pub nameless: u16,
    /// Members for whom the record had no room.
    pub left_out: u16,
}

/// What was found in shared memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing was published yet.
    Nothing,
    /// A write is under way, or was never ended.
    Torn,
    /// Somebody wrote it who does not have this cluster's credentials.
    Foreign,
    /// A roster.
    Roster(Roster),
}

/// Reads the record and the number of the write it comes from.
pub(crate) fn read(record: &Record, definition: &Definition) -> (u32, Found) {
    let Some((generation, words)) = record.read() else {
        let found = match record.latest() {
            0 => Found::Nothing,
            _ => Found::Torn,
        };
        return (0, found);
    };
    let found = if words == [0; WORDS] {
        Found::Nothing
    } else {
        let sealed = definition
            .seal
            .as_ref()
            .is_some_and(|seal| seal.is_on(&words, definition.identity));
        match codec::decode(&words).filter(|_| sealed) {
            Some(roster) => Found::Roster(roster),
            None => Found::Foreign,
        }
    };
    (generation, found)
}

/// The words of a roster, sealed; `None` without credentials.
pub(crate) fn write(definition: &Definition, roster: &Roster) -> Option<[u64; WORDS]> {
    let seal = definition.seal.as_ref()?;
    let mut words = codec::encode(roster);
    seal.put_on(&mut words, definition.identity);
    Some(words)
}

/// How many members a warning names.
const NAMED: usize = 8;

/// What an operator should know of the roster.
pub(crate) fn warnings(cluster: &Cluster) -> Vec<String> {
    let configured = &cluster.configured;
    if !configured.settings.discover {
        return Vec::new();
    }
    if cluster.flavour() == Flavour::ReadOnly {
        return vec![
            "discover is not in force: flavour read_only has no list of members".to_owned(),
        ];
    }
    let roster = match read(&cluster.shared().roster, configured).1 {
        Found::Nothing | Found::Torn => return Vec::new(),
        Found::Foreign => {
            return vec![
                "the list of members in shared memory is not used: it was not written under \
                 this cluster's credentials"
                    .to_owned(),
            ];
        }
        Found::Roster(roster) => roster,
    };
    let accepted = accept(&roster.listings, &configured.rules);
    let no_place: Vec<Listing> = accepted
        .nodes
        .iter()
        .filter(|n| {
            cluster
                .definition
                .nodes
                .iter()
                .all(|known| known.id != n.to_string())
        })
        .cloned()
        .collect();
    let too_many = [accepted.excess, no_place].concat();
    let mut warnings = Vec::new();
    if !accepted.refused.is_empty() {
        warnings.push(format!(
            "not used, since they match nothing in discover_hosts: {}",
            names(&accepted.refused)
        ));
    }
    if !too_many.is_empty() {
        warnings.push(format!(
            "not used, since a cluster has at most {MAX_NODES} nodes: {}",
            names(&too_many)
        ));
    }
    if roster.left_out > 0 {
        warnings.push(format!(
            "{} more members do not fit into shared memory",
            roster.left_out
        ));
    }
    if roster.nameless > 0 {
        warnings.push(format!(
            "members that do not say where clients reach them: {}",
            roster.nameless
        ));
    }
    warnings
}

fn names(listings: &[Listing]) -> String {
    let mut names: Vec<String> = listings
        .iter()
        .take(NAMED)
        .map(Listing::to_string)
        .collect();
    if listings.len() > NAMED {
        names.push(format!("and {} more", listings.len() - NAMED));
    }
    names.join(", ")
}

#[cfg(test)]
#[path = "roster/tests.rs"]
mod tests;
