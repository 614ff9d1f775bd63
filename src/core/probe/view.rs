//! What a node says of its cluster's members: whom it sees, whom it misses.
//!
//! Two things rest on it. A node that a probe cannot reach is only *known* to
//! be gone when another member says so (a witness); and with `discover` the
//! cluster's own list says which nodes there are.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::node::Role;

/// A fixed key: processes of different versions compare these hashes.
const KEY: (u64, u64) = (
    u64::from_le_bytes(*b"amm memb"),
    u64::from_le_bytes(*b"ers v1\0\0"),
);

/// The hash of a member's name, as it is kept for each node in shared memory.
/// Never 0, which stands for a name not known.
pub fn name_hash(name: &str) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(KEY.0, KEY.1);
    hasher.write(name.as_bytes());
    hasher.finish().max(1)
}

/// The members as one node sees them at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct View {
    /// Whether the word of the answering node counts: it is part of the primary
    /// component, or of a majority. What a cut-off node says of others is void.
    pub authoritative: bool,
    /// The name by which the answering node itself stands in `members`, if it
    /// can tell.
    pub own: Option<String>,
    /// Everyone it knows of, itself included.
    pub members: Vec<Member>,
}

/// One member as another sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What the flavour tells members apart by: an incoming address (Galera), a
    /// server UUID (Group Replication), a server id (Aurora). Never empty.
    pub name: String,
    /// Where clients reach it, as far as the cluster says; a bare server id on
    /// Aurora, where the configured suffix makes it a host name.
    pub host: Option<String>,
    /// The port that belongs to `host`, if the cluster says.
    pub port: Option<u16>,
    /// Whether the answering node sees it.
    pub presence: Presence,
    /// The role the cluster gives it, if the list says.
    pub role: Option<Role>,
    /// How far it is behind, ms, if the list says.
    pub lag_ms: Option<u32>,
}

/// Whether a member is seen by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// In the list and answering.
    Present,
    /// In the list still, but not answering (Group Replication's UNREACHABLE).
    Unreachable,
}

impl View {
    /// What this view says of the member called `name`; `None` where it says
    /// nothing, because it does not count or does not even list its own node.
    pub fn sees(&self, name: &str) -> Option<bool> {
        self.sees_member(|member| member == name)
    }

    /// The same of the member whose name has this [`name_hash`]: all that is
    /// known of one who fell silent before this process asked it.
    pub fn sees_hash(&self, hash: u64) -> Option<bool> {
        self.sees_member(|member| name_hash(member) == hash)
    }

    fn sees_member(&self, is_it: impl Fn(&str) -> bool) -> Option<bool> {
        let own = self.own.as_deref()?;
        if !self.authoritative || self.lists(|name| name == own) != Some(true) {
            return None;
        }
        self.lists(is_it)
    }

    fn lists(&self, is_it: impl Fn(&str) -> bool) -> Option<bool> {
        let mut same = self.members.iter().filter(|m| is_it(&m.name));
        match (same.next(), same.next()) {
            (Some(member), None) => Some(member.presence == Presence::Present),
            (None, _) => Some(false),
            // Two of one name: the name tells nobody apart.
            (Some(_), Some(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, presence: Presence) -> Member {
        Member {
            name: name.to_owned(),
            host: None,
            port: None,
            presence,
            role: None,
            lag_ms: None,
        }
    }

    fn view(own: &str, members: &[(&str, Presence)]) -> View {
        View {
            authoritative: true,
            own: Some(own.to_owned()),
            members: members.iter().map(|(n, p)| member(n, *p)).collect(),
        }
    }

    #[test]
    fn the_hash_of_a_name_is_a_wire_value() {
        assert_eq!(name_hash("10.0.0.1:3306"), 5_188_633_576_274_193_668);
        assert_ne!(name_hash("a"), name_hash("b"));
    }

    #[test]
    fn a_member_is_seen_missed_or_not_answering() {
        use Presence::{Present, Unreachable};
        let seen = view("a", &[("a", Present), ("b", Present), ("c", Unreachable)]);
        assert_eq!(seen.sees("b"), Some(true));
        assert_eq!(seen.sees("c"), Some(false));
        assert_eq!(seen.sees("d"), Some(false));
        for name in ["b", "c", "d"] {
            assert_eq!(seen.sees_hash(name_hash(name)), seen.sees(name));
        }
    }

    #[test]
    fn who_is_cut_off_or_misses_itself_is_no_witness() {
        use Presence::Present;
        let cut_off = View {
            authoritative: false,
            ..view("a", &[("a", Present)])
        };
        assert_eq!(cut_off.sees("b"), None);
        assert_eq!(view("x", &[("a", Present)]).sees("b"), None);
        let nameless = View {
            own: None,
            ..view("a", &[("a", Present)])
        };
        assert_eq!(nameless.sees("b"), None);
    }

    #[test]
    fn a_name_that_two_members_share_says_nothing() {
        use Presence::Present;
        let both = view("a", &[("a", Present), ("AUTO", Present), ("AUTO", Present)]);
        assert_eq!(both.sees("AUTO"), None);
    }
}
