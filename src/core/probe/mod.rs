//! What a node says of itself: per flavour the SQL to ask and a pure judgement
//! of the rows that come back, whatever their shape.

pub mod aurora;
pub mod auto;
pub mod galera;
pub mod group_replication;
mod missed;
pub mod read_only;
mod reason;
pub mod variables;
pub mod view;

use crate::node::Role;
pub use missed::is_missed;
pub use reason::Reason;
pub use view::{Member, Presence, View, name_hash};

/// One row of an answer: its columns as text, `None` for NULL.
pub type Row = Vec<Option<String>>;

/// The judgement of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Judgement {
    /// What the node may do.
    pub role: Role,
    /// Its precedence as the database sees it (lower first), if it says.
    pub rank: Option<u16>,
    /// Why it is not a writer, for status; `None` for a writer.
    pub reason: Option<Reason>,
    /// How far it is behind the writers, ms, where the flavour tells.
    pub lag_ms: Option<u32>,
    /// What it says of its cluster's members, where the flavour tells.
    pub view: Option<View>,
    /// It takes writes, but is worse off than any other writer would be: it
    /// counts as a writer only where there is no other.
    pub last_resort: bool,
    /// Its cluster has several writers by design.
    pub several_writers: bool,
}

impl Judgement {
    /// A writer of this rank.
    pub fn writer(rank: Option<u16>) -> Self {
        Self {
            role: Role::Writer,
            rank,
            ..Self::default()
        }
    }

    /// Not a writer, and why.
    pub fn not_writer(role: Role, rank: Option<u16>, reason: Reason) -> Self {
        Self {
            role,
            rank,
            reason: Some(reason),
            ..Self::default()
        }
    }

    /// An answer nobody can read: says nothing about the role.
    pub fn unintelligible() -> Self {
        Self {
            reason: Some(Reason::Unintelligible),
            ..Self::default()
        }
    }
}

/// Whether a line of `SHOW GRANTS` lets its user write on a read-only server.
pub fn grants_write_through(grant: &str) -> bool {
    let grant = grant.to_ascii_uppercase();
    let Some((privileges, scope)) = grant.split_once(" ON ") else {
        return false;
    };
    let global = scope.trim_start().starts_with("*.*");
    global
        && privileges
            .trim_start_matches("GRANT ")
            .split(',')
            .any(|privilege| {
                matches!(
                    privilege.trim(),
                    "SUPER"
                        | "ALL PRIVILEGES"
                        | "READ ONLY ADMIN"
                        | "READ_ONLY ADMIN"
                        | "CONNECTION_ADMIN"
                )
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_that_override_read_only_are_recognised() {
        for (grant, expected) in [
            ("GRANT USAGE ON *.* TO `app`@`%`", false),
            ("GRANT SELECT, INSERT ON `shop`.* TO `app`@`%`", false),
            ("GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`", false),
            (
                "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
                true,
            ),
            (
                "GRANT SELECT, SUPER ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*X'",
                true,
            ),
            ("GRANT READ ONLY ADMIN ON *.* TO `app`@`%`", true),
            ("GRANT CONNECTION_ADMIN ON *.* TO `app`@`%`", true),
            ("GRANT `role` TO `app`@`%`", false),
        ] {
            assert_eq!(grants_write_through(grant), expected, "{grant}");
        }
    }
}
