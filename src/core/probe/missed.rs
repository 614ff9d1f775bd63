//! A member that its group goes on without.
//!
//! A server that was stopped for a while, or came back from a suspended
//! machine, answers before it has heard that its group threw it out: for
//! seconds it shows itself an online primary among members that are all well,
//! and what it is sent then is refused, or was never anybody's but its own. Its
//! own word cannot tell; that of the others can.

use super::View;

/// Whether more of the others miss the member called `name` than see it.
///
/// More, and not any: one that was thrown out itself still tells what it knew
/// before, and does not know who joined since.
pub fn is_missed<'a>(name: &str, others: impl IntoIterator<Item = &'a View>) -> bool {
    let (mut seen, mut missed) = (0, 0);
    for view in others {
        match view.sees(name) {
            Some(true) => seen += 1,
            Some(false) => missed += 1,
            None => {}
        }
    }
    missed > seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Member, Presence};

    fn view(own: &str, members: &[&str]) -> View {
        let member = |name: &&str| Member {
            name: (*name).to_owned(),
            host: None,
            port: None,
            presence: Presence::Present,
            role: None,
            lag_ms: None,
        };
        View {
            authoritative: true,
            own: Some(own.to_owned()),
            members: members.iter().map(member).collect(),
        }
    }

    #[test]
    fn the_others_are_believed() {
        let (a, b) = (view("a", &["a", "b"]), view("b", &["a", "b"]));
        assert!(is_missed("c", [&a, &b]));
        assert!(is_missed("c", [&a]));
        assert!(!is_missed("a", [&b]));
    }

    #[test]
    fn who_has_nobody_to_contradict_it_is_not_missed() {
        assert!(!is_missed("c", []));
        let cut_off = View {
            authoritative: false,
            ..view("a", &["a"])
        };
        assert!(!is_missed("c", [&cut_off]));
    }

    #[test]
    fn one_that_was_thrown_out_itself_outvotes_nobody() {
        // `old` has slept since before `new` joined.
        let (old, peer) = (
            view("old", &["old", "peer"]),
            view("peer", &["peer", "new"]),
        );
        let new = view("new", &["peer", "new"]);
        assert!(!is_missed("new", [&old, &peer]));
        assert!(!is_missed("peer", [&old, &new]));
        assert!(is_missed("old", [&peer, &new]));
    }
}
