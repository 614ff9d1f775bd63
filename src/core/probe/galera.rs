//! Galera and Percona XtraDB Cluster.
//!
//! A non-primary node still accepts connections and answers `SELECT`s without
//! tables, so only its status variables tell. A donor is left to itself: with
//! the usual state transfers it is busy or blocked, and its peers can write.

use super::{Judgement, Reason, Row, switch};
use crate::node::Role;

/// Name and value pairs; no table is read, so a non-primary node answers too.
pub const SQL: &str = "SHOW STATUS WHERE Variable_name IN \
    ('wsrep_ready', 'wsrep_cluster_status', 'wsrep_local_state', 'wsrep_local_index')";

/// The variables that are not status counters.
pub const SQL_VARIABLES: &str = "SHOW VARIABLES WHERE Variable_name IN \
    ('read_only', 'super_read_only', 'wsrep_reject_queries')";

const DONOR: u32 = 2;
const SYNCED: u32 = 4;

/// Judges the rows of [`SQL`] followed by those of [`SQL_VARIABLES`].
pub fn judge(rows: &[Row]) -> Judgement {
    let value = |name: &str| {
        rows.iter().find_map(|row| match row.as_slice() {
            [Some(key), Some(value)] if key.eq_ignore_ascii_case(name) => Some(value.as_str()),
            _ => None,
        })
    };
    let Some(status) = value("wsrep_cluster_status") else {
        return Judgement::unintelligible();
    };
    let rank = value("wsrep_local_index").and_then(|v| v.parse::<u16>().ok());
    let on = |name| value(name).and_then(switch) == Some(true);
    let unready = |reason| Judgement::not_writer(Role::Unready, rank, reason);

    if !status.eq_ignore_ascii_case("Primary") {
        return unready(Reason::NonPrimary);
    }
    let (Some(ready), Some(state)) = (
        value("wsrep_ready").and_then(switch),
        value("wsrep_local_state").and_then(|v| v.parse::<u32>().ok()),
    ) else {
        return Judgement::unintelligible();
    };
    if state == DONOR {
        unready(Reason::Donor)
    } else if state != SYNCED {
        unready(Reason::Joining)
    } else if !ready {
        unready(Reason::NotReady)
    } else if value("wsrep_reject_queries").is_some_and(|v| !v.eq_ignore_ascii_case("NONE")) {
        unready(Reason::RejectsQueries)
    } else if on("super_read_only") {
        Judgement::not_writer(Role::Reader, rank, Reason::SuperReadOnly)
    } else if on("read_only") {
        Judgement::not_writer(Role::Reader, rank, Reason::ReadOnly)
    } else {
        Judgement::writer(rank)
    }
}

/// Whether the rows of [`SQL`] come from a server that runs as part of a Galera
/// cluster. One whose provider is not loaded has the variables too, but no
/// local state.
pub fn is_member(rows: &[Row]) -> bool {
    rows.iter().any(|row| {
        matches!(row.as_slice(), [Some(name), Some(state)]
            if name.eq_ignore_ascii_case("wsrep_local_state") && !state.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(changes: &[(&str, &str)]) -> Vec<Row> {
        let mut all = vec![
            ("wsrep_ready", "ON"),
            ("wsrep_cluster_status", "Primary"),
            ("wsrep_local_state", "4"),
            ("wsrep_local_index", "1"),
            ("read_only", "OFF"),
            ("wsrep_reject_queries", "NONE"),
        ];
        for (name, value) in changes {
            all.retain(|(n, _)| n != name);
            all.push((name, value));
        }
        all.into_iter()
            .map(|(n, v)| vec![Some(n.to_owned()), Some(v.to_owned())])
            .collect()
    }

    #[test]
    fn a_synced_member_of_the_primary_component_is_a_writer() {
        assert_eq!(judge(&rows(&[])), Judgement::writer(Some(1)));
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
                ("super_read_only", "ON"),
                Role::Reader,
                Reason::SuperReadOnly,
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
    fn a_node_that_came_up_without_its_provider_is_not_ready() {
        let pairs = [
            ("wsrep_cluster_status", "Disconnected"),
            ("wsrep_ready", "OFF"),
        ];
        let alone: Vec<Row> = pairs
            .iter()
            .map(|(n, v)| vec![Some((*n).to_owned()), Some((*v).to_owned())])
            .collect();
        assert_eq!(judge(&alone).role, Role::Unready);
        assert!(!is_member(&alone) && is_member(&rows(&[])));
    }

    #[test]
    fn a_server_without_galera_says_nothing_about_its_role() {
        let plain = vec![vec![Some("read_only".to_owned()), Some("OFF".to_owned())]];
        assert_eq!(judge(&plain), Judgement::unintelligible());
        assert_eq!(
            judge(&rows(&[("wsrep_local_state", "x")])),
            Judgement::unintelligible()
        );
    }

    proptest! {
        #[test]
        fn rows_of_any_shape_are_judged(
            rows in proptest::collection::vec(
                proptest::collection::vec(proptest::option::of("(wsrep_[a-z_]{4,14}|[ -~]{0,8})"), 0..4),
                0..8,
            )
        ) {
            let _ = judge(&rows);
        }
    }
}
