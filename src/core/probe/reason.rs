//! Why a node that answers is not a writer.

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
    /// Its writes are not replicated: `wsrep_on` is off, or no provider is loaded.
    NotReplicating = 9,
    /// Not, or no longer, a member of its group.
    NotMember = 10,
    /// Member that still receives what it missed.
    Recovering = 11,
    /// Member in state ERROR: expelled, or it could not apply something.
    MemberError = 12,
    /// It sees no majority of its group: its commits would block.
    NoQuorum = 13,
    /// Secondary of its group.
    Secondary = 14,
    /// `offline_mode` is on.
    OfflineMode = 15,
    /// `innodb_read_only` is on: an Aurora reader.
    InnodbReadOnly = 16,
    /// It says it is the writer, and the topology says that another is.
    FailoverInProgress = 17,
    /// The probes' account may not read what tells the role.
    NoPrivilege = 18,
    /// A replica whose replication is stopped.
    ReplicationStopped = 19,
    /// A server of another kind than the cluster's.
    NotAurora = 20,
}

impl Reason {
    /// All reasons, for decoding.
    pub(super) const ALL: [Reason; 20] = [
        Reason::ReadOnly,
        Reason::SuperReadOnly,
        Reason::NonPrimary,
        Reason::NotReady,
        Reason::Joining,
        Reason::Donor,
        Reason::RejectsQueries,
        Reason::Unintelligible,
        Reason::NotReplicating,
        Reason::NotMember,
        Reason::Recovering,
        Reason::MemberError,
        Reason::NoQuorum,
        Reason::Secondary,
        Reason::OfflineMode,
        Reason::InnodbReadOnly,
        Reason::FailoverInProgress,
        Reason::NoPrivilege,
        Reason::ReplicationStopped,
        Reason::NotAurora,
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
            Reason::NotReplicating => "its writes are not replicated: wsrep is off",
            Reason::NotMember => "not a member of its group",
            Reason::Recovering => "recovering",
            Reason::MemberError => "member in state ERROR",
            Reason::NoQuorum => "sees no majority of its group",
            Reason::Secondary => "secondary of its group",
            Reason::OfflineMode => "offline_mode is on",
            Reason::InnodbReadOnly => "innodb_read_only is on",
            Reason::FailoverInProgress => "failover in progress: the topology names another writer",
            Reason::NoPrivilege => {
                "the probes' account may not read what tells its role (SELECT on \
                 performance_schema.replication_group_members)"
            }
            Reason::ReplicationStopped => "its replication is stopped",
            Reason::NotAurora => "not an Aurora server",
        }
    }

    /// What it says of a role that a question was refused with this MySQL error
    /// number; `None` where the refusal is the connection's or the server's,
    /// not the question's.
    pub fn of_refused_question(errno: u16) -> Option<Self> {
        match errno {
            // Access to a database, a table, a column; a missing privilege.
            1044 | 1142 | 1143 | 1227 => Some(Reason::NoPrivilege),
            // No such database, column, table, syntax, variable: not the server
            // it was taken for.
            1049 | 1054 | 1064 | 1109 | 1146 | 1193 | 1235 => Some(Reason::Unintelligible),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_survive_their_numbers() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason as u8), Some(reason));
        }
        assert_eq!(Reason::from_code(0), None);
        assert_eq!(Reason::from_code(21), None);
    }

    #[test]
    fn only_what_concerns_the_question_is_an_answer() {
        assert_eq!(Reason::of_refused_question(1142), Some(Reason::NoPrivilege));
        assert_eq!(
            Reason::of_refused_question(1146),
            Some(Reason::Unintelligible)
        );
        // Shutdown, offline mode, WSREP not ready.
        for errno in [1053, 6400, 1047] {
            assert_eq!(Reason::of_refused_question(errno), None);
        }
    }
}
