//! Who is a member, as far as the cluster's own lists agree.
//!
//! Members join as soon as one list that counts has them. They leave only once
//! every list that was heard for [`LEAVE_MS`] has missed them: the lists of a
//! cluster in motion disagree for seconds, and a roster that flaps would cost
//! more than a node too many, which its own probe keeps out of use anyway. Where
//! no list counts (no quorum, nobody answers) nobody leaves.
//!
//! A configured node is no matter of the roster, also where the cluster knows it
//! by another address: it is recognised by the name under which it found itself
//! in a list. Until every configured node has been, a newcomer might be one of
//! them, and waits for [`JOIN_MS`].

use super::hosts::Host;
use super::listing::Listing;
use crate::config::Flavour;
use crate::probe::{Member, Presence, View, name_hash};

/// A member that all lists have missed for this long has left, ms.
pub const LEAVE_MS: u64 = 10_000;
/// A member that might be a configured node under another address waits this
/// long, ms.
pub const JOIN_MS: u64 = 2_000;
/// Members that are read of one list, and that are remembered.
const MOST: usize = 256;

/// A member list and who had it.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// The list.
    pub view: &'a View,
    /// Port of the node that said it.
    pub port: u16,
    /// Flavour of the cluster.
    pub flavour: Flavour,
}

/// What is known of the configured nodes.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Where they are configured to be; one with a socket only is nowhere.
    pub addresses: Vec<(Host, u16)>,
    /// Hashes of the names under which they are listed, 0 where not yet known.
    pub names: Vec<u64>,
}

impl Known {
    fn has(&self, member: &Member, listing: &Listing) -> bool {
        let here = |(host, port): &(Host, u16)| *host == listing.host && *port == listing.port;
        let name = name_hash(&member.name);
        self.names.contains(&name) || !listing.bare && self.addresses.iter().any(here)
    }
}

#[derive(Clone, Debug)]
struct Entry {
    listing: Listing,
    first_ms: u64,
    /// Since when all lists have missed it.
    missed_ms: Option<u64>,
    member: bool,
}

/// The members beyond the configured nodes.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    entries: Vec<Entry>,
    nameless: usize,
}

impl Roster {
    /// A roster that another began, to be gone on with.
    #[must_use]
    pub fn restore(listings: Vec<Listing>, now_ms: u64) -> Self {
        let entries = listings.into_iter().take(MOST).map(|listing| Entry {
            listing,
            first_ms: now_ms,
            missed_ms: None,
            member: true,
        });
        Self {
            entries: entries.collect(),
            nameless: 0,
        }
    }

    /// Takes in a list that was heard at `now_ms`. `wanted` says who has
    /// precedence where there are too many.
    pub fn hear(
        &mut self,
        heard: Heard<'_>,
        known: &Known,
        now_ms: u64,
        wanted: impl Fn(&Listing) -> bool,
    ) {
        if !counts(heard.view) {
            return;
        }
        let mut listed: Vec<Listing> = Vec::new();
        let mut nameless = 0;
        for member in heard.view.members.iter().take(MOST) {
            let Some(listing) = Listing::of(member, heard.port, heard.flavour) else {
                let configured = known.names.contains(&name_hash(&member.name));
                nameless += usize::from(!configured);
                continue;
            };
            if known.has(member, &listing) {
                self.entries.retain(|e| e.listing != listing);
                continue;
            }
            let new = !self.entries.iter().any(|e| e.listing == listing);
            if new && member.presence == Presence::Present && self.makes_room(&listing, &wanted) {
                self.entries.push(Entry {
                    listing: listing.clone(),
                    first_ms: now_ms,
                    missed_ms: None,
                    member: false,
                });
            }
            listed.push(listing);
        }
        self.nameless = nameless;
        let all_known = !known.names.contains(&0);
        for entry in &mut self.entries {
            if listed.contains(&entry.listing) {
                entry.missed_ms = None;
                entry.member |= all_known || now_ms.saturating_sub(entry.first_ms) >= JOIN_MS;
            } else {
                entry.missed_ms.get_or_insert(now_ms);
            }
        }
        self.entries.retain(|entry| {
            let gone = |since: u64| !entry.member || now_ms.saturating_sub(since) >= LEAVE_MS;
            !entry.missed_ms.is_some_and(gone)
        });
    }

    fn makes_room(&mut self, listing: &Listing, wanted: &impl Fn(&Listing) -> bool) -> bool {
        if self.entries.len() < MOST {
            return true;
        }
        let unwanted = self.entries.iter().position(|e| !wanted(&e.listing));
        match unwanted.filter(|_| wanted(listing)) {
            Some(at) => {
                self.entries.swap_remove(at);
                true
            }
            None => false,
        }
    }

    /// The members, in an order that is the same for everyone.
    #[must_use]
    pub fn members(&self) -> Vec<Listing> {
        let members = self.entries.iter().filter(|e| e.member);
        let mut listings: Vec<Listing> = members.map(|e| e.listing.clone()).collect();
        listings.sort_unstable();
        listings
    }

    /// How many members of the last list said nothing of where they can be
    /// reached.
    #[must_use]
    pub fn nameless(&self) -> usize {
        self.nameless
    }
}

/// Whether a list is a member's word: one that stands in it itself, if it can
/// tell, and is not cut off.
fn counts(view: &View) -> bool {
    let itself = |own: &String| view.members.iter().any(|m| m.name == *own);
    view.authoritative && view.own.as_ref().is_none_or(itself)
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
