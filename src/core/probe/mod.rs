//! What a node says of itself: per flavour the SQL to ask and a pure judgement
//! of the rows that come back, whatever their shape.

pub mod galera;
pub mod read_only;
pub mod view;

use crate::node::Role;
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
}

/// Why a node that answers is not a writer. A closed set, since it travels
/// through shared memory as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// `read_only` is on.
    ReadOnly = 1,
    /// `super_read_only` is on.
    SuperReadOnly = 2,
    /// Not part of the primary component.
    NonPrimary = 3,
    /// `wsrep_ready` is off.
    NotReady = 4,
    /// Joining, or joined and catching up.
    Joining = 5,
    /// Donor whose state transfer blocks it, or desynced by an operator.
    Donor = 6,
    /// `wsrep_reject_queries` is on.
    RejectsQueries = 7,
    /// The answer is not of the shape the flavour promises.
    Unintelligible = 8,
}

impl Reason {
    /// All reasons, for decoding.
    const ALL: [Reason; 8] = [
        Reason::ReadOnly,
        Reason::SuperReadOnly,
        Reason::NonPrimary,
        Reason::NotReady,
        Reason::Joining,
        Reason::Donor,
        Reason::RejectsQueries,
        Reason::Unintelligible,
    ];

    /// The reason with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|r| *r as u8 == code)
    }

    /// The words for status and errors.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::ReadOnly => "read_only is on",
            Reason::SuperReadOnly => "super_read_only is on",
            Reason::NonPrimary => "not in the primary component",
            Reason::NotReady => "wsrep_ready is off",
            Reason::Joining => "joining the cluster",
            Reason::Donor => "donor or desynced",
            Reason::RejectsQueries => "wsrep_reject_queries is on",
            Reason::Unintelligible => "its answer cannot be understood",
        }
    }
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

/// Whether a server variable's text means on, off, or neither.
pub(crate) fn switch(text: &str) -> Option<bool> {
    if text == "1" || text.eq_ignore_ascii_case("on") {
        Some(true)
    } else if text == "0" || text.eq_ignore_ascii_case("off") {
        Some(false)
    } else {
        None
    }
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

    #[test]
    fn reasons_survive_their_numbers() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason as u8), Some(reason));
        }
        assert_eq!(Reason::from_code(0), None);
    }
}
