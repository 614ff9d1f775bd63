use proptest::prelude::*;

use super::*;

fn member(name: &str) -> Member {
    let (host, port) = match name.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (name, None),
    };
    Member {
        name: name.to_owned(),
        host: Some(host.to_owned()),
        port,
        presence: Presence::Present,
        role: None,
        lag_ms: None,
    }
}

fn view(own: &str, names: &[&str]) -> View {
    View {
        authoritative: true,
        own: Some(own.to_owned()),
        members: names.iter().map(|n| member(n)).collect(),
    }
}

/// Configured are 10.0.0.1 and, if not the same, a name known to be `also`.
fn known(also: Option<&str>) -> Known {
    let mut names = vec![name_hash("10.0.0.1:3306")];
    names.extend(also.map(|name| if name.is_empty() { 0 } else { name_hash(name) }));
    Known {
        addresses: vec![(Host::try_new("10.0.0.1").unwrap(), 3306)],
        names,
    }
}

fn hear(roster: &mut Roster, view: &View, known: &Known, now_ms: u64) -> Vec<String> {
    let heard = Heard {
        view,
        port: 3306,
        flavour: Flavour::Galera,
    };
    roster.hear(heard, known, now_ms, |_| true);
    roster.members().iter().map(ToString::to_string).collect()
}

const A: &str = "10.0.0.1:3306";
const B: &str = "10.0.0.2:3306";
const C: &str = "10.0.0.3:3306";

#[test]
fn members_join_at_once_and_configured_nodes_are_none_of_its_business() {
    let mut roster = Roster::default();
    assert_eq!(
        hear(&mut roster, &view(A, &[A, B, C]), &known(None), 5),
        [B, C]
    );
}

#[test]
fn who_is_cut_off_or_misses_itself_brings_nobody_in_and_takes_nobody_out() {
    let mut roster = Roster::default();
    let cut_off = View {
        authoritative: false,
        ..view(A, &[A, B])
    };
    assert!(hear(&mut roster, &cut_off, &known(None), 0).is_empty());
    assert!(hear(&mut roster, &view(A, &[B, C]), &known(None), 0).is_empty());
    hear(&mut roster, &view(A, &[A, B]), &known(None), 1_000);
    for now in (2_000..60_000).step_by(1_000) {
        let lonely = View {
            authoritative: false,
            ..view(A, &[A])
        };
        assert_eq!(hear(&mut roster, &lonely, &known(None), now), [B]);
    }
}

#[test]
fn a_member_leaves_once_all_lists_have_missed_it_for_a_while() {
    let mut roster = Roster::default();
    hear(&mut roster, &view(A, &[A, B, C]), &known(None), 0);
    let without = view(A, &[A, C]);
    assert_eq!(hear(&mut roster, &without, &known(None), 1_000), [B, C]);
    assert_eq!(
        hear(&mut roster, &without, &known(None), 1_000 + LEAVE_MS - 1),
        [B, C]
    );
    assert_eq!(
        hear(&mut roster, &without, &known(None), 1_000 + LEAVE_MS),
        [C]
    );
    assert_eq!(
        hear(&mut roster, &view(A, &[A, B, C]), &known(None), 12_000),
        [B, C],
        "back again"
    );
}

#[test]
fn one_list_that_has_it_begins_the_wait_anew() {
    let mut roster = Roster::default();
    hear(&mut roster, &view(A, &[A, B, C]), &known(None), 0);
    let mut members = Vec::new();
    for now in (0..60_000).step_by(1_000) {
        hear(&mut roster, &view(A, &[A, C]), &known(None), now);
        members = hear(&mut roster, &view(C, &[A, B, C]), &known(None), now + 500);
    }
    assert_eq!(members, [B, C]);
}

#[test]
fn one_look_after_a_long_silence_does_not_end_a_membership() {
    let mut roster = Roster::restore(vec![Listing::try_new("10.0.0.2", 3306, false).unwrap()], 0);
    assert_eq!(
        hear(&mut roster, &view(A, &[A]), &known(None), 3_600_000),
        [B]
    );
    assert!(
        hear(
            &mut roster,
            &view(A, &[A]),
            &known(None),
            3_600_000 + LEAVE_MS
        )
        .is_empty()
    );
}

#[test]
fn a_configured_node_under_another_address_is_not_added() {
    let mut roster = Roster::default();
    // It has not answered yet: whoever is new might be it.
    assert!(hear(&mut roster, &view(A, &[A, B]), &known(Some("")), 0).is_empty());
    assert!(hear(&mut roster, &view(A, &[A, B]), &known(Some(B)), 500).is_empty());
    assert!(hear(&mut roster, &view(A, &[A, B]), &known(Some(B)), 60_000).is_empty());
    // It never answers: then newcomers wait a little.
    let mut roster = Roster::default();
    hear(&mut roster, &view(A, &[A, B]), &known(Some("")), 0);
    assert_eq!(
        hear(&mut roster, &view(A, &[A, B]), &known(Some("")), JOIN_MS),
        [B]
    );
    // And if it turns out to be one of them after all, that one goes at once.
    assert!(hear(&mut roster, &view(A, &[A, B]), &known(Some(B)), JOIN_MS + 1).is_empty());
}

#[test]
fn one_seen_once_before_it_joined_is_forgotten() {
    let mut roster = Roster::default();
    hear(&mut roster, &view(A, &[A, B]), &known(Some("")), 0);
    hear(&mut roster, &view(A, &[A]), &known(Some("")), 100);
    assert!(
        hear(
            &mut roster,
            &view(A, &[A, B]),
            &known(Some("")),
            JOIN_MS + 50
        )
        .is_empty()
    );
}

#[test]
fn members_without_an_address_are_counted_and_two_of_one_address_are_one() {
    let mut roster = Roster::default();
    let odd = view(A, &[A, B, B, "AUTO", "", "0.0.0.0:3306", "10.0.0.9:0"]);
    assert_eq!(hear(&mut roster, &odd, &known(None), 0), [B]);
    assert_eq!(roster.nameless(), 4);
}

#[test]
fn a_member_that_does_not_answer_stays_but_does_not_join() {
    let mut roster = Roster::default();
    let mut list = view(A, &[A, B]);
    list.members[1].presence = Presence::Unreachable;
    assert!(hear(&mut roster, &list, &known(None), 0).is_empty());
    hear(&mut roster, &view(A, &[A, B]), &known(None), 0);
    for now in (0..60_000).step_by(1_000) {
        assert_eq!(hear(&mut roster, &list, &known(None), now), [B]);
    }
}

#[test]
fn a_flood_is_bounded_and_does_not_keep_wanted_members_out() {
    let mut roster = Roster::default();
    let junk: Vec<String> = (0..1_000).map(|i| format!("junk-{i}")).collect();
    let mut names: Vec<&str> = junk.iter().map(String::as_str).collect();
    names.insert(0, A);
    let wanted = |listing: &Listing| listing.to_string() == B;
    let hear = |roster: &mut Roster, view: &View| {
        let heard = Heard {
            view,
            port: 3306,
            flavour: Flavour::Galera,
        };
        roster.hear(heard, &known(None), 0, wanted);
        roster.members()
    };
    hear(&mut roster, &view(A, &names));
    let names: Vec<String> = (0..10).map(|i| format!("more-{i}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.extend([A, B]);
    let members = hear(&mut roster, &view(A, &names));
    assert!(members.len() <= MOST);
    assert!(members.iter().any(|l| l.to_string() == B));
}

#[test]
fn aurora_ids_are_compared_by_name_alone() {
    let mut roster = Roster::default();
    let mut list = view("shop-1", &["shop-1", "shop-2"]);
    list.members.iter_mut().for_each(|m| m.port = None);
    let known = Known {
        addresses: vec![(Host::try_new("shop-2").unwrap(), 3306)],
        names: vec![name_hash("shop-1")],
    };
    let heard = Heard {
        view: &list,
        port: 3306,
        flavour: Flavour::Aurora,
    };
    roster.hear(heard, &known, 0, |_| true);
    assert_eq!(
        roster.members(),
        [Listing::try_new("shop-2", 3306, true).unwrap()]
    );
}

proptest! {
    #[test]
    fn lists_of_any_shape_are_taken_in_and_nobody_leaves_before_his_time(
        lists in proptest::collection::vec(
            (any::<bool>(), proptest::option::of("[ab]"), proptest::collection::vec("[abc.:0-9]{0,4}", 0..6), 0u64..4_000),
            0..30,
        )
    ) {
        let mut roster = Roster::default();
        let mut now = 0;
        let mut last_seen: std::collections::HashMap<String, u64> = Default::default();
        for (authoritative, own, names, pause) in lists {
            now += pause;
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let list = View { authoritative, own, ..view("", &names) };
            let before: Vec<String> = roster.members().iter().map(ToString::to_string).collect();
            let after = hear(&mut roster, &list, &known(None), now);
            for id in &after {
                prop_assert!(id != A);
                if counts(&list) && list.members.iter().any(|m| Listing::of(m, 3306, Flavour::Galera).is_some_and(|l| l.to_string() == *id)) {
                    last_seen.insert(id.clone(), now);
                }
            }
            for gone in before.iter().filter(|id| !after.contains(id)) {
                prop_assert!(now - last_seen[gone] >= LEAVE_MS);
            }
        }
    }
}
