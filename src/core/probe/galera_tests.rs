use super::*;
use crate::probe::variables;
use proptest::prelude::*;

fn rows(changes: &[(&str, &str)]) -> Vec<Row> {
    let mut all = vec![
        ("wsrep_on", "ON"),
        ("wsrep_provider", "/usr/lib/galera/libgalera_smm.so"),
        ("wsrep_ready", "ON"),
        ("wsrep_cluster_status", "Primary"),
        ("wsrep_local_state", "4"),
        ("wsrep_local_index", "1"),
        ("wsrep_desync", "OFF"),
        ("wsrep_sst_method", "rsync"),
        ("read_only", "OFF"),
        ("wsrep_reject_queries", "NONE"),
    ];
    for (name, value) in changes {
        all.retain(|(n, _)| n != name);
        all.push((name, value));
    }
    variables::rows(&all)
}

fn seen(addresses: &str, size: &str, index: &str) -> View {
    let judged = judge(&rows(&[
        ("wsrep_incoming_addresses", addresses),
        ("wsrep_cluster_size", size),
        ("wsrep_local_index", index),
    ]));
    judged.view.unwrap()
}

fn hosts(view: &View) -> Vec<(Option<&str>, Option<u16>)> {
    view.members
        .iter()
        .map(|m| (m.host.as_deref(), m.port))
        .collect()
}

#[test]
fn a_synced_member_of_the_primary_component_is_a_writer() {
    let judged = judge(&rows(&[]));
    assert_eq!(
        judged,
        Judgement {
            several_writers: true,
            ..Judgement::writer(Some(1))
        }
    );
}

#[test]
fn everything_else_has_its_role_and_reason() {
    for (change, role, reason) in [
        (
            ("wsrep_cluster_status", "non-Primary"),
            Role::Unready,
            Reason::NonPrimary,
        ),
        (
            ("wsrep_cluster_status", "Disconnected"),
            Role::Unready,
            Reason::NonPrimary,
        ),
        (("wsrep_local_state", "1"), Role::Unready, Reason::Joining),
        (("wsrep_local_state", "2"), Role::Unready, Reason::Donor),
        (("wsrep_local_state", "3"), Role::Unready, Reason::Joining),
        (("wsrep_ready", "OFF"), Role::Unready, Reason::NotReady),
        (
            ("wsrep_reject_queries", "ALL"),
            Role::Unready,
            Reason::RejectsQueries,
        ),
        (
            ("wsrep_reject_queries", "ALL_KILL"),
            Role::Unready,
            Reason::RejectsQueries,
        ),
        (("read_only", "ON"), Role::Reader, Reason::ReadOnly),
        (("read_only", "1"), Role::Reader, Reason::ReadOnly),
        (
            ("read_only", "NO_LOCK_NO_ADMIN"),
            Role::Reader,
            Reason::ReadOnly,
        ),
        (
            ("super_read_only", "ON"),
            Role::Reader,
            Reason::SuperReadOnly,
        ),
        (("wsrep_on", "OFF"), Role::Unready, Reason::NotReplicating),
        (
            ("wsrep_provider", "none"),
            Role::Unready,
            Reason::NotReplicating,
        ),
    ] {
        let judged = judge(&rows(&[change]));
        assert_eq!(
            (judged.role, judged.reason),
            (role, Some(reason)),
            "{change:?}"
        );
    }
}

#[test]
fn a_donor_that_nothing_blocks_is_a_last_resort() {
    for (changes, last_resort) in [
        (&[][..], false),
        (&[("wsrep_sst_method", "mysqldump")], false),
        (&[("wsrep_sst_method", "mariabackup")], true),
        (&[("wsrep_sst_method", "xtrabackup-v2")], true),
        (&[("wsrep_desync", "ON")], true),
        // What takes no writes is none, donor or not.
        (&[("wsrep_desync", "ON"), ("read_only", "ON")], false),
        (&[("wsrep_desync", "ON"), ("wsrep_ready", "OFF")], false),
        (
            &[
                ("wsrep_desync", "ON"),
                ("wsrep_cluster_status", "non-Primary"),
            ],
            false,
        ),
    ] {
        let mut all = vec![("wsrep_local_state", "2")];
        all.extend_from_slice(changes);
        let judged = judge(&rows(&all));
        assert_ne!(judged.role, Role::Writer);
        assert_eq!(judged.last_resort, last_resort, "{changes:?}");
    }
}

#[test]
fn a_node_that_came_up_without_its_provider_is_not_ready() {
    let alone = variables::rows(&[
        ("wsrep_cluster_status", "Disconnected"),
        ("wsrep_ready", "OFF"),
    ]);
    assert_eq!(judge(&alone).role, Role::Unready);
}

#[test]
fn a_server_without_galera_takes_no_writes_of_a_cluster() {
    let plain = judge(&variables::rows(&[("read_only", "OFF")]));
    assert_eq!(
        (plain.role, plain.reason),
        (Role::Unready, Some(Reason::NotReplicating))
    );
}

#[test]
fn an_answer_that_misses_something_says_nothing_about_the_role() {
    let nothing = judge(&[]);
    assert_eq!(
        (nothing.role, nothing.reason),
        (Role::Unknown, Some(Reason::Unintelligible))
    );
    let odd = judge(&rows(&[("wsrep_local_state", "x")]));
    assert_eq!(odd.reason, Some(Reason::Unintelligible));
}

#[test]
fn the_view_names_members_by_their_incoming_addresses() {
    let view = seen("10.0.0.1:3306,10.0.0.2:3307,[2001:db8::3]:3306", "3", "1");
    assert!(view.authoritative);
    assert_eq!(view.own.as_deref(), Some("10.0.0.2:3307"));
    assert_eq!(
        hosts(&view),
        [
            (Some("10.0.0.1"), Some(3306)),
            (Some("10.0.0.2"), Some(3307)),
            (Some("2001:db8::3"), Some(3306)),
        ]
    );
    assert_eq!(view.sees("10.0.0.1:3306"), Some(true));
    assert_eq!(view.sees("10.0.0.9:3306"), Some(false));
}

#[test]
fn members_without_an_address_are_told_from_nobody() {
    // An arbitrator has an empty entry, which still has its index.
    let view = seen(",10.0.0.1:3306,10.0.0.2:3306", "3", "1");
    assert_eq!(view.own.as_deref(), Some("10.0.0.1:3306"));
    assert_eq!(view.members.len(), 2);
    let view = seen("AUTO,10.0.0.1:3306,AUTO", "3", "1");
    assert_eq!(view.sees("AUTO"), None);
    assert_eq!(hosts(&view)[0], (None, None));
    // A node that is one of several of its name is no witness.
    let view = seen("AUTO,10.0.0.1:3306,AUTO", "3", "0");
    assert_eq!(view.sees("10.0.0.9:3306"), None);
    for text in ["unspecified", "0.0.0.0:3306", "[::]:3306", "[::1", "h:x"] {
        assert_eq!(address(text), (None, None), "{text}");
    }
    assert_eq!(address("db-1"), (Some("db-1".to_owned()), None));
    assert_eq!(address("db-1:0"), (Some("db-1".to_owned()), None));
    assert_eq!(address("::1"), (Some("::1".to_owned()), None));
    assert_eq!(address("[::1]"), (Some("::1".to_owned()), None));
}

#[test]
fn who_cannot_find_itself_or_is_cut_off_is_no_witness() {
    let view = seen("10.0.0.1:3306,10.0.0.2:3306", "3", "1");
    assert_eq!((view.authoritative, view.own), (false, None));
    let view = seen("10.0.0.1:3306", "1", "18446744073709551615");
    assert_eq!(view.own, None);
    for change in [
        ("wsrep_cluster_status", "non-Primary"),
        ("wsrep_ready", "OFF"),
        ("wsrep_local_state", "3"),
    ] {
        let judged = judge(&rows(&[
            ("wsrep_incoming_addresses", "10.0.0.1:3306,10.0.0.2:3306"),
            ("wsrep_cluster_size", "2"),
            change,
        ]));
        assert!(!judged.view.unwrap().authoritative, "{change:?}");
    }
}

proptest! {
    #[test]
    fn rows_of_any_shape_are_judged(
        rows in proptest::collection::vec(
            proptest::collection::vec(proptest::option::of("(wsrep_[a-z_]{4,18}|[ -~]{0,8})"), 0..4),
            0..8,
        )
    ) {
        let _ = judge(&rows);
    }

    #[test]
    fn addresses_of_any_shape_are_read(list in "[ -~]{0,40}", size in "[0-9]{0,2}", index in "[0-9]{0,2}") {
        let view = seen(&list, &size, &index);
        prop_assert!(view.members.iter().all(|m| !m.name.is_empty()));
    }
}
