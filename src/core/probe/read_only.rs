//! Any topology whose replicas say `read_only`: asynchronous and semi-synchronous
//! replication, with or without a manager that moves the flag.

use super::variables::Variables;
use super::{Judgement, Reason, Row};
use crate::node::Role;

/// What a replica says of its replication, oldest servers last. Needs
/// REPLICATION CLIENT, on MariaDB REPLICA MONITOR.
pub const LAG_SQL: [&str; 2] = ["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"];

/// Judges the rows of [`super::variables::SQL`].
pub fn judge(rows: &[Row]) -> Judgement {
    let all = Variables(rows);
    for (name, reason) in [
        ("super_read_only", Reason::SuperReadOnly),
        ("innodb_read_only", Reason::ReadOnly),
        ("read_only", Reason::ReadOnly),
    ] {
        // MariaDB 12 has more than two settings of read_only; none but off writes.
        if all.get(name).is_some() && !all.off(name) {
            return Judgement::not_writer(Role::Reader, None, reason);
        }
    }
    match all.get("read_only") {
        Some(_) => Judgement::writer(None),
        None => Judgement::unintelligible(),
    }
}

/// What [`LAG_SQL`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// No replica, or nothing is known.
    Unknown,
    /// So far behind, ms (the server tells whole seconds).
    Behind(u32),
    /// Some channel does not run: it falls behind for as long as that lasts.
    Stopped,
}

/// Reads the answer to [`LAG_SQL`] by the names of its columns. A server with
/// several sources is as far behind as the worst of them.
pub fn lag(columns: &[String], rows: &[Row]) -> Lag {
    let behind = columns.iter().position(|name| {
        ["seconds_behind_source", "seconds_behind_master"]
            .iter()
            .any(|wanted| name.eq_ignore_ascii_case(wanted))
    });
    let Some(behind) = behind else {
        return Lag::Unknown;
    };
    let mut worst = Lag::Unknown;
    for row in rows {
        let seconds = match row.get(behind) {
            Some(Some(text)) => match text.parse::<u64>() {
                Ok(seconds) => seconds,
                Err(_) => return Lag::Unknown,
            },
            Some(None) => return Lag::Stopped,
            None => return Lag::Unknown,
        };
        let ms = u32::try_from(seconds.saturating_mul(1_000)).unwrap_or(u32::MAX);
        worst = match worst {
            Lag::Behind(other) => Lag::Behind(other.max(ms)),
            _ => Lag::Behind(ms),
        };
    }
    worst
}

/// A reader's judgement with its lag.
pub fn with_lag(judged: Judgement, lag: Lag) -> Judgement {
    match lag {
        Lag::Unknown => judged,
        Lag::Behind(ms) => Judgement {
            lag_ms: Some(ms),
            ..judged
        },
        Lag::Stopped => Judgement {
            lag_ms: Some(u32::MAX),
            reason: match judged.role {
                Role::Reader => Some(Reason::ReplicationStopped),
                _ => judged.reason,
            },
            ..judged
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::variables::rows;
    use proptest::prelude::*;

    fn judged(pairs: &[(&str, &str)]) -> Judgement {
        judge(&rows(pairs))
    }

    #[test]
    fn off_is_a_writer_and_anything_else_a_reader() {
        assert_eq!(judged(&[("read_only", "OFF")]).role, Role::Writer);
        assert_eq!(
            judged(&[("read_only", "OFF"), ("super_read_only", "OFF")]).role,
            Role::Writer
        );
        assert_eq!(judged(&[("read_only", "ON")]).role, Role::Reader);
        assert_eq!(
            judged(&[("read_only", "NO_LOCK_NO_ADMIN")]).role,
            Role::Reader
        );
        assert_eq!(
            judged(&[("read_only", "OFF"), ("super_read_only", "ON")]).role,
            Role::Reader
        );
        assert_eq!(
            judged(&[("innodb_read_only", "ON"), ("read_only", "OFF")]).role,
            Role::Reader
        );
    }

    #[test]
    fn an_answer_without_the_variable_says_nothing() {
        assert_eq!(judged(&[]), Judgement::unintelligible());
        assert_eq!(
            judge(&[vec![None, None], vec![]]),
            Judgement::unintelligible()
        );
    }

    fn told(column: &str, values: &[Option<&str>]) -> Lag {
        let columns = ["Channel".to_owned(), column.to_owned()];
        let rows: Vec<Row> = values
            .iter()
            .map(|v| vec![Some("c".to_owned()), v.map(str::to_owned)])
            .collect();
        lag(&columns, &rows)
    }

    #[test]
    fn lag_is_that_of_the_worst_source() {
        for (column, values, expected) in [
            (
                "Seconds_Behind_Source",
                &[Some("3")][..],
                Lag::Behind(3_000),
            ),
            ("Seconds_Behind_Master", &[Some("0")], Lag::Behind(0)),
            (
                "Seconds_Behind_Master",
                &[Some("1"), Some("7"), Some("2")],
                Lag::Behind(7_000),
            ),
            ("Seconds_Behind_Source", &[Some("1"), None], Lag::Stopped),
            (
                "Seconds_Behind_Source",
                &[Some("18446744073709551615")],
                Lag::Behind(u32::MAX),
            ),
            ("Seconds_Behind_Source", &[], Lag::Unknown),
            ("Seconds_Behind_Source", &[Some("soon")], Lag::Unknown),
            ("Something_Else", &[Some("3")], Lag::Unknown),
        ] {
            assert_eq!(told(column, values), expected, "{column} {values:?}");
        }
    }

    #[test]
    fn a_replica_that_does_not_replicate_is_behind_any_limit() {
        let reader = judged(&[("read_only", "ON")]);
        let stopped = with_lag(reader.clone(), Lag::Stopped);
        assert_eq!(stopped.lag_ms, Some(u32::MAX));
        assert_eq!(stopped.reason, Some(Reason::ReplicationStopped));
        assert_eq!(with_lag(reader.clone(), Lag::Unknown), reader);
        assert_eq!(with_lag(reader, Lag::Behind(9)).lag_ms, Some(9));
    }

    proptest! {
        #[test]
        fn answers_of_any_shape_are_judged(
            columns in proptest::collection::vec("(Seconds_Behind_Source|[ -~]{0,6})", 0..4),
            rows in proptest::collection::vec(
                proptest::collection::vec(proptest::option::of("(read_only|ON|OFF|[0-9]{0,22})"), 0..4),
                0..5,
            ),
        ) {
            let _ = (judge(&rows), lag(&columns, &rows));
        }
    }
}
