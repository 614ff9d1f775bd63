use super::*;
use crate::probe::variables;
use proptest::prelude::*;

fn variables(own: &str, reads: &str) -> Vec<Row> {
    variables::rows(&[
        ("innodb_read_only", reads),
        ("read_only", "OFF"),
        ("aurora_server_id", own),
        ("aurora_version", "3.08.0"),
    ])
}

/// Id, whether it is the writer, lag, age of the row.
type Line<'a> = (&'a str, bool, Option<&'a str>, Option<&'a str>);

fn topology(lines: &[Line<'_>]) -> Vec<Row> {
    let text = |s: &str| s.to_owned();
    lines
        .iter()
        .map(|(id, writer, lag, age)| {
            let writer = if *writer { "1" } else { "0" };
            vec![
                Some(text(id)),
                Some(text(writer)),
                lag.map(text),
                age.map(text),
            ]
        })
        .collect()
}

fn judged(own: &str, reads: &str, lines: &[Line<'_>]) -> Judgement {
    judge(&variables(own, reads), Ok(&topology(lines)))
}

const HEALTHY: [Line<'static>; 3] = [
    ("db-1", true, Some("0"), Some("40")),
    ("db-2", false, Some("18.5"), Some("60")),
    ("db-3", false, Some("2400"), Some("80")),
];

#[test]
fn each_instance_is_what_it_says_of_itself() {
    let writer = judged("db-1", "OFF", &HEALTHY);
    assert_eq!((writer.role, writer.rank), (Role::Writer, Some(0)));
    assert!(!writer.several_writers);
    for (own, lag_ms) in [("db-2", 18), ("db-3", 2_400)] {
        let reader = judged(own, "ON", &HEALTHY);
        assert_eq!(
            (reader.role, reader.reason, reader.lag_ms),
            (Role::Reader, Some(Reason::InnodbReadOnly), Some(lag_ms))
        );
        let view = reader.view.unwrap();
        assert!(view.authoritative);
        assert_eq!(view.own.as_deref(), Some(own));
        assert_eq!(view.members[0].role, Some(Role::Writer));
        assert_eq!(view.members[2].lag_ms, Some(2_400));
        assert_eq!(view.sees("db-9"), Some(false));
    }
}

#[test]
fn a_topology_that_is_behind_makes_nobody_a_writer() {
    // The table of a reader says that it is the writer; it refuses writes.
    let behind = judged("db-1", "ON", &HEALTHY);
    assert_eq!(behind.role, Role::Reader);
}

#[test]
fn two_that_claim_to_be_the_writer_are_told_apart_by_their_rows() {
    for (mine, other, role) in [
        // Only the other is named, and its row lives.
        (None, Some("40"), Role::Unready),
        (None, Some("10000"), Role::Unready),
        // A row that nobody updates any more.
        (None, Some("10001"), Role::Writer),
        (None, Some("250000"), Role::Writer),
        (None, None, Role::Writer),
        // Both are named: the last one updated.
        (Some("40"), Some("900"), Role::Writer),
        (Some("900"), Some("40"), Role::Unready),
        (Some("40"), Some("40"), Role::Writer),
    ] {
        let lines = [
            ("db-1", mine.is_some(), Some("0"), mine.or(Some("50"))),
            ("db-2", true, Some("0"), other),
        ];
        let judged = judged("db-1", "OFF", &lines);
        assert_eq!(judged.role, role, "{mine:?} {other:?}");
        if role == Role::Unready {
            assert_eq!(judged.reason, Some(Reason::FailoverInProgress));
        }
    }
}

#[test]
fn without_a_topology_the_nodes_own_word_counts() {
    for topology in [
        Err(Reason::NoPrivilege),
        Err(Reason::Unintelligible),
        Ok(&[][..]),
    ] {
        let judged = judge(&variables("db-1", "OFF"), topology);
        assert_eq!((judged.role, judged.view), (Role::Writer, None));
        let judged = judge(&variables("db-1", "ON"), topology);
        assert_eq!((judged.role, judged.lag_ms), (Role::Reader, None));
    }
    // Readers alone: a failover, of which this one knows that it won it.
    let none = [("db-1", false, None, Some("40"))];
    assert_eq!(judged("db-1", "OFF", &none).role, Role::Writer);
}

#[test]
fn who_lists_no_writer_or_two_or_not_itself_is_no_witness() {
    let two = [("db-1", true, None, None), ("db-2", true, None, None)];
    let none = [("db-1", false, None, None), ("db-2", false, None, None)];
    for lines in [&two[..], &none[..], &HEALTHY[1..]] {
        let view = judged("db-1", "ON", lines).view.unwrap();
        assert_eq!(view.sees("db-2"), None);
    }
    // Its row is gone: Aurora has removed it.
    let view = judged("db-1", "OFF", &HEALTHY[..2]).view.unwrap();
    assert_eq!(view.sees("db-3"), Some(false));
}

#[test]
fn a_server_of_another_kind_is_shown_as_that() {
    let plain = variables::rows(&[("innodb_read_only", "OFF"), ("read_only", "OFF")]);
    let judged = judge(&plain, Err(Reason::Unintelligible));
    assert_eq!(
        (judged.role, judged.reason),
        (Role::Unready, Some(Reason::NotAurora))
    );
    for reads in ["", "maybe"] {
        let odd = judge(&variables("db-1", reads), Ok(&[]));
        assert_eq!(odd, Judgement::unintelligible());
    }
    let read_only = variables::rows(&[
        ("innodb_read_only", "OFF"),
        ("read_only", "ON"),
        ("aurora_server_id", "db-1"),
    ]);
    assert_eq!(judge(&read_only, Ok(&[])).role, Role::Reader);
}

proptest! {
    #[test]
    fn rows_of_any_shape_are_judged(
        variables in proptest::collection::vec(
            proptest::collection::vec(
                proptest::option::of("(innodb_read_only|aurora_server_id|db-[12]|ON|OFF)"), 0..4),
            0..6,
        ),
        topology in proptest::collection::vec(
            proptest::collection::vec(
                proptest::option::of("(db-[12]|[01]|NaN|inf|-?[0-9]{0,30}|[ -~]{0,6})"), 0..6),
            0..6,
        ),
    ) {
        let _ = judge(&variables, Ok(&topology));
    }
}
