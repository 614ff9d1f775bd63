//! Any topology whose replicas say `read_only`: asynchronous and semi-synchronous
//! replication, with or without a manager that moves the flag.

use super::{Judgement, Reason, Row, switch};
use crate::node::Role;

/// `super_read_only` exists on MySQL only, so both come from `SHOW VARIABLES`.
pub const SQL: &str =
    "SHOW VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', 'innodb_read_only')";

/// Judges the rows of [`SQL`].
pub fn judge(rows: &[Row]) -> Judgement {
    let mut seen = None;
    for row in rows {
        let [Some(name), Some(value)] = row.as_slice() else {
            continue;
        };
        // MariaDB 12 has more than two settings of read_only; none but off writes.
        let on = switch(value).unwrap_or(true);
        let reason = match name.to_ascii_lowercase().as_str() {
            "super_read_only" => Reason::SuperReadOnly,
            "read_only" | "innodb_read_only" => Reason::ReadOnly,
            _ => continue,
        };
        if on {
            return Judgement::not_writer(Role::Reader, None, reason);
        }
        if name.eq_ignore_ascii_case("read_only") {
            seen = Some(Judgement::writer(None));
        }
    }
    seen.unwrap_or_else(Judgement::unintelligible)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pairs: &[(&str, &str)]) -> Judgement {
        let rows: Vec<Row> = pairs
            .iter()
            .map(|(n, v)| vec![Some((*n).to_owned()), Some((*v).to_owned())])
            .collect();
        judge(&rows)
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
}
