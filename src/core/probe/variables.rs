//! The first question of every probe: the server's variables.
//!
//! One round trip tells the flavour and most of the judgement, on servers of
//! every kind: a variable that a server does not have is simply not listed,
//! where `SELECT @@name` would be an error. No table is read, so that servers
//! answer that serve nothing else.

use super::Row;

/// Everything that some flavour wants to know, as name and value pairs.
pub const SQL: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN \
    ('read_only', 'super_read_only', 'innodb_read_only', 'offline_mode', \
     'wsrep_on', 'wsrep_provider', 'wsrep_reject_queries', 'wsrep_desync', 'wsrep_sst_method', \
     'server_uuid', 'group_replication_group_name', 'group_replication_single_primary_mode', \
     'aurora_version', 'aurora_server_id')";

/// Rows of name and value, to be asked by name. Rows of another shape are
/// passed over; of several with one name the first counts.
#[derive(Clone, Copy)]
pub(super) struct Variables<'a>(pub(super) &'a [Row]);

impl<'a> Variables<'a> {
    /// The value, if the server has the variable.
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        self.0.iter().find_map(|row| match row.as_slice() {
            [Some(key), Some(value)] if key.eq_ignore_ascii_case(name) => Some(value.as_str()),
            _ => None,
        })
    }

    /// The value as a number, if it is one.
    pub(super) fn number<N: std::str::FromStr>(self, name: &str) -> Option<N> {
        self.get(name)?.parse().ok()
    }

    /// Whether a switch is on, if the server has it and it is one.
    pub(super) fn switch(self, name: &str) -> Option<bool> {
        self.get(name).and_then(switch)
    }

    /// Whether it is there and on.
    pub(super) fn on(self, name: &str) -> bool {
        self.switch(name) == Some(true)
    }

    /// Whether it is there and off.
    pub(super) fn off(self, name: &str) -> bool {
        self.switch(name) == Some(false)
    }

    /// Whether it is there with a text that is neither empty nor `none`.
    pub(super) fn named(self, name: &str) -> Option<&'a str> {
        self.get(name)
            .filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case("none"))
    }
}

/// Whether a server variable's text means on, off, or neither.
pub(super) fn switch(text: &str) -> Option<bool> {
    if text == "1" || text.eq_ignore_ascii_case("on") {
        Some(true)
    } else if text == "0" || text.eq_ignore_ascii_case("off") {
        Some(false)
    } else {
        None
    }
}

/// Rows of name and value, for tests.
#[cfg(test)]
pub(super) fn rows(pairs: &[(&str, &str)]) -> Vec<Row> {
    pairs
        .iter()
        .map(|(name, value)| vec![Some((*name).to_owned()), Some((*value).to_owned())])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_name_whatever_its_case() {
        let rows = rows(&[("Read_Only", "OFF"), ("wsrep_provider", "none"), ("n", "7")]);
        let all = Variables(&rows);
        assert_eq!(all.get("read_only"), Some("OFF"));
        assert!(all.off("read_only") && !all.on("read_only"));
        assert_eq!(all.named("wsrep_provider"), None);
        assert_eq!(all.number::<u8>("n"), Some(7));
        assert_eq!(all.switch("n"), None);
        assert!(!all.on("absent") && !all.off("absent"));
    }

    #[test]
    fn rows_of_another_shape_are_passed_over() {
        let odd: Vec<Row> = vec![
            vec![],
            vec![None, None],
            vec![Some("a".to_owned())],
            vec![Some("a".to_owned()), None],
            vec![Some("a".to_owned()), Some("1".to_owned()), None],
        ];
        assert_eq!(Variables(&odd).get("a"), None);
    }
}
