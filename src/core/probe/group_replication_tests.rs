use super::*;
use crate::probe::variables;
use proptest::prelude::*;

const A: &str = "aaaaaaaa-0000-11ef-8000-000000000001";
const B: &str = "bbbbbbbb-0000-11ef-8000-000000000002";
const C: &str = "cccccccc-0000-11ef-8000-000000000003";

fn variables(changes: &[(&str, &str)]) -> Vec<Row> {
    let mut all = vec![
        ("server_uuid", A),
        ("read_only", "OFF"),
        ("super_read_only", "OFF"),
        ("offline_mode", "OFF"),
        ("group_replication_group_name", "99999999-0000-11ef-8000-0"),
        ("group_replication_single_primary_mode", "ON"),
    ];
    for (name, value) in changes {
        all.retain(|(n, _)| n != name);
        all.push((name, value));
    }
    variables::rows(&all)
}

fn members(all: &[(&str, &str, &str)]) -> Vec<Row> {
    let text = |s: &str| Some(s.to_owned());
    all.iter()
        .map(|(id, state, role)| {
            let host = format!("{}.db", id.get(..1).unwrap_or_default());
            vec![text(id), Some(host), text("3306"), text(state), text(role)]
        })
        .collect()
}

fn judged(changes: &[(&str, &str)], all: &[(&str, &str, &str)]) -> Judgement {
    judge(&variables(changes), Ok(&members(all)))
}

const HEALTHY: [(&str, &str, &str); 3] = [
    (A, "ONLINE", "PRIMARY"),
    (B, "ONLINE", "SECONDARY"),
    (C, "ONLINE", "SECONDARY"),
];

#[test]
fn the_primary_of_a_majority_is_the_writer_of_lowest_rank() {
    let primary = judged(&[], &HEALTHY);
    assert_eq!((primary.role, primary.rank), (Role::Writer, Some(0)));
    assert!(!primary.several_writers);
    let view = primary.view.unwrap();
    assert!(view.authoritative);
    assert_eq!(view.own.as_deref(), Some(A));
    assert_eq!(view.members[1].host.as_deref(), Some("b.db"));
    assert_eq!(view.members[1].port, Some(3306));
    assert_eq!(view.members[1].role, Some(Role::Reader));

    let secondary = judged(&[("server_uuid", B), ("super_read_only", "ON")], &HEALTHY);
    assert_eq!(
        (secondary.role, secondary.reason),
        (Role::Reader, Some(Reason::Secondary))
    );
}

#[test]
fn every_online_member_of_a_multi_primary_group_is_a_writer() {
    let all = HEALTHY.map(|(id, state, _)| (id, state, "PRIMARY"));
    for own in [A, B, C] {
        let several = [
            ("server_uuid", own),
            ("group_replication_single_primary_mode", "OFF"),
        ];
        let judged = judged(&several, &all);
        assert_eq!((judged.role, judged.rank), (Role::Writer, None));
        assert!(judged.several_writers);
    }
}

#[test]
fn a_member_that_sees_no_majority_is_unready_whatever_it_says_of_itself() {
    for (others, writer) in [
        (&[][..], true),
        (&[(B, "UNREACHABLE", "SECONDARY")], false),
        (&[(B, "ONLINE", "SECONDARY")], true),
        (&[(B, "UNREACHABLE", ""), (C, "ONLINE", "SECONDARY")], true),
        (&[(B, "UNREACHABLE", ""), (C, "UNREACHABLE", "")], false),
        // Those that recover vote.
        (
            &[
                (B, "RECOVERING", "SECONDARY"),
                (C, "RECOVERING", "SECONDARY"),
            ],
            true,
        ),
        (
            &[(B, "RECOVERING", "SECONDARY"), (C, "UNREACHABLE", "")],
            true,
        ),
    ] {
        let mut all = vec![(A, "ONLINE", "PRIMARY")];
        all.extend_from_slice(others);
        let judged = judged(&[], &all);
        let view = judged.view.as_ref().unwrap();
        assert_eq!(judged.role == Role::Writer, writer, "{others:?}");
        assert_eq!(view.authoritative, writer, "{others:?}");
        if !writer {
            assert_eq!(
                (judged.role, judged.reason),
                (Role::Unready, Some(Reason::NoQuorum))
            );
            assert_eq!(view.sees(B), None, "a cut-off member is no witness");
        }
    }
}

#[test]
fn a_majority_bears_witness_of_the_one_it_misses() {
    let all = [HEALTHY[0], HEALTHY[1], (C, "UNREACHABLE", "SECONDARY")];
    let view = judged(&[], &all).view.unwrap();
    assert_eq!(view.sees(C), Some(false));
    assert_eq!(view.sees(B), Some(true));
    let expelled = judged(&[], &HEALTHY[..2]).view.unwrap();
    assert_eq!(expelled.sees(C), Some(false));
}

#[test]
fn each_state_has_its_role_and_reason() {
    use Reason::*;
    for (state, member_role, changes, role, reason) in [
        (
            "RECOVERING",
            "SECONDARY",
            &[][..],
            Role::Unready,
            Recovering,
        ),
        (
            "ERROR",
            "",
            &[("super_read_only", "ON")],
            Role::Unready,
            MemberError,
        ),
        ("OFFLINE", "", &[], Role::Unready, NotMember),
        ("UNREACHABLE", "", &[], Role::Unready, NoQuorum),
        (
            "ONLINE",
            "PRIMARY",
            &[("super_read_only", "ON"), ("read_only", "ON")],
            Role::Reader,
            SuperReadOnly,
        ),
        (
            "ONLINE",
            "PRIMARY",
            &[("read_only", "ON")],
            Role::Reader,
            ReadOnly,
        ),
        (
            "ONLINE",
            "PRIMARY",
            &[("offline_mode", "ON")],
            Role::Unready,
            OfflineMode,
        ),
        ("PONDERING", "PRIMARY", &[], Role::Unknown, Unintelligible),
        ("ONLINE", "", &[], Role::Unknown, Unintelligible),
    ] {
        let all = [(A, state, member_role), HEALTHY[1], HEALTHY[2]];
        let judged = judged(changes, &all);
        assert_eq!(
            (judged.role, judged.reason),
            (role, Some(reason)),
            "{state}"
        );
    }
}

#[test]
fn a_server_that_is_no_member_is_shown_as_that() {
    // What the table holds before the first START GROUP_REPLICATION.
    let blank = judged(&[], &[("", "OFFLINE", "")]);
    for judged in [
        blank,
        judged(&[], &[]),
        judged(&[], &HEALTHY[1..]),
        // Two that call themselves the same.
        judged(&[], &[HEALTHY[0], HEALTHY[0], HEALTHY[1]]),
    ] {
        assert_eq!(
            (judged.role, judged.reason),
            (Role::Unready, Some(Reason::NotMember))
        );
        assert_eq!(judged.view, None);
    }
}

#[test]
fn members_that_may_not_be_seen_leave_the_role_unknown() {
    let denied = judge(&variables(&[]), Err(Reason::NoPrivilege));
    assert_eq!(
        (denied.role, denied.reason),
        (Role::Unknown, Some(Reason::NoPrivilege))
    );
    let read_only = [("super_read_only", "ON")];
    let certain = judge(&variables(&read_only), Err(Reason::NoPrivilege));
    assert_eq!(certain.role, Role::Reader);
    // MariaDB, or MySQL without the plugin, that was to be a member.
    let plain = variables::rows(&[("read_only", "OFF"), ("server_uuid", A)]);
    let plain = judge(&plain, Err(Reason::Unintelligible));
    assert_eq!(
        (plain.role, plain.reason),
        (Role::Unready, Some(Reason::NotMember))
    );
}

#[test]
fn lag_is_the_age_of_what_is_being_applied() {
    let one = |value: Option<&str>| vec![vec![value.map(str::to_owned)]];
    assert_eq!(lag_ms(&one(None)), Some(0));
    assert_eq!(lag_ms(&one(Some("2500000"))), Some(2_500));
    assert_eq!(lag_ms(&one(Some("-9000"))), Some(0));
    assert_eq!(lag_ms(&one(Some("9223372036854775807"))), Some(u32::MAX));
    for odd in [one(Some("")), one(Some("x")), vec![], vec![vec![]]] {
        assert_eq!(lag_ms(&odd), None);
    }
}

proptest! {
    #[test]
    fn rows_of_any_shape_are_judged(
        variables in proptest::collection::vec(
            proptest::collection::vec(proptest::option::of("(server_uuid|offline_mode|[a-c]|ON)"), 0..4),
            0..6,
        ),
        members in proptest::collection::vec(
            proptest::collection::vec(
                proptest::option::of("(ONLINE|RECOVERING|UNREACHABLE|PRIMARY|[a-c]|[ -~]{0,6})"),
                0..7,
            ),
            0..6,
        ),
    ) {
        let judged = judge(&variables, Ok(&members));
        let _ = lag_ms(&members);
        if judged.role == Role::Writer {
            prop_assert!(judged.view.is_some_and(|view| view.authoritative));
        }
    }
}
