//! What an error says about the node it came from.
//!
//! Every error that a PHP application can see falls into one of seven
//! verdicts, and everything that happens next (try another node, open a
//! breaker, count a conflict, nothing) follows from the verdict alone. The
//! number decides. Text is read in two cases only: where there is no number,
//! it is traced back to the number it comes with elsewhere; and
//! where one number means several things, it picks one of them.
//!
//! An error lost between the two ends of a connection says different things
//! by its moment, hence the [`Phase`]: nobody got in while dialling, so the
//! node is down for all that is known and nothing was sent; in use, one
//! connection broke and what it had been sent is in doubt.
//!
//! | numbers | verdict | why |
//! | --- | --- | --- |
//! | 2002, 2003, 2005, 2070 | Down | refused, no route, timeout, name not found: nobody connected, whenever it is reported |
//! | 2006, 2013, 2055, 2012, 2027 | Down dialling, Lost in use | the peer closed, fell silent, or sent what is no protocol; mysqlnd gives 2006 for a greeting that never comes |
//! | 1053, 1077 to 1080, 3168 | likewise | the server is shutting down or not up yet |
//! | 1152, 1154 to 1161, 1184 | likewise | the server's side of the same broken connection |
//! | 1927, 3169, 4031 | likewise | the session was killed or idle for too long (4031 on MariaDB is a missing trigger: Client) |
//! | 1290, 1836, 1874, 1792, 3100 | NotWritable, reader | read_only, super_read_only, InnoDB read-only as on Aurora readers, a group that lets this member write no more; refused, so nothing happened (1290 naming another option is the caller's: Client) |
//! | 1047 | NotWritable, unready | Galera before or after its quorum; "Unknown command" is the same number for a protocol mistake: Client |
//! | 3032, 6400 | NotWritable, unready | offline mode |
//! | 3092, 3094, 3096, 3097 | NotWritable, unready | no active member of its group |
//! | 3781, 3782, 3783, 3796, 3799 | NotWritable, unready | a new primary still applying its backlog, a member leaving or in error, that held or refused a statement |
//! | 1040, 1203, 1226 | Overloaded | no connection left, for all or for this user |
//! | 1041, 1135 | Overloaded dialling | no memory or no thread for one more connection (in use 1041 is one statement's: Client) |
//! | 1042, 1129 | Overloaded | this host is turned away before it is asked who it is; another node may well let it in, and no probe from here can tell more |
//! | 1637 | Overloaded | no room for one more writing transaction |
//! | 1205, 1213, 1614, 3572 | Conflict | a lock not had, or a deadlock |
//! | 3101, 1180 | Conflict | the group certified another transaction first |
//! | 1020 | Conflict | MariaDB's snapshot isolation: the row has changed |
//! | 1044, 1045, 1049, 1130, 1251, 1275, 1698, 1820, 1862, 3118, 3159, 3955, 4151, 2026, 2049, 2054, 2058, 2059, 2061 | Client | account, password, plugin or TLS: the same on every node, and nodes that share their users share the refusal |
//! | 1153, 2020, 2008, 2014, 2001, 2004, 1317, 1969, 3024 | Client | packet too large, calls out of order, no memory or descriptor in this process, a statement killed or over its own limit |
//! | any other number | Client | syntax, constraints, privileges: the statement's own |
//! | none, and no known text | Unknown | nothing to go by; blames nobody |
//!
//! Sources: MySQL's `messages_to_clients.txt` and `errmsg.h`, MariaDB's
//! `errmsg-utf8.txt`, mysqlnd's `mysqlnd_libmysql_compat.h`.

mod errno;
mod text;

#[cfg(test)]
mod tests;

use errno::Meaning;

/// What an error says about the node it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The node cannot be reached or let nobody in.
    Down,
    /// The node refused a write that another node may take. Nothing happened.
    NotWritable,
    /// A connection in use broke. What it was sent may or may not have happened.
    Lost,
    /// The transaction lost against another one and was rolled back.
    Conflict,
    /// The node is well but has no room.
    Overloaded,
    /// The caller's own mistake; any node would answer the same.
    Client,
    /// Nothing recognisable.
    Unknown,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 7] = [
        Self::Down,
        Self::NotWritable,
        Self::Lost,
        Self::Conflict,
        Self::Overloaded,
        Self::Client,
        Self::Unknown,
    ];

    /// The word for it in status and PHP, such as `not_writable`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::NotWritable => "not_writable",
            Self::Lost => "lost",
            Self::Conflict => "conflict",
            Self::Overloaded => "overloaded",
            Self::Client => "client",
            Self::Unknown => "unknown",
        }
    }
}

/// When an error was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Before the connection was ready: name, network, handshake, login.
    Dial,
    /// On a connection that had been ready.
    InUse,
}

/// An error as the application saw it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ErrorSeen<'a> {
    /// Number of the server or client library; `None` or 0 where there is none.
    pub errno: Option<u32>,
    /// SQLSTATE of five characters, if known.
    pub sqlstate: Option<&'a str>,
    /// Message; may be empty.
    pub message: &'a str,
}

impl ErrorSeen<'_> {
    /// The number this error is judged by: its own, or else the one that its
    /// message spells out, or its text or else its SQLSTATE stands for.
    #[must_use]
    pub fn number(&self, phase: Phase) -> Option<u32> {
        // 2000 is the client library's own "unknown error".
        self.errno
            .filter(|errno| !matches!(errno, 0 | 2000))
            .or_else(|| text::spelled_out(self.message))
            .or_else(|| text::of_message(self.message, phase))
            .or_else(|| text::of_sqlstate(self.sqlstate.unwrap_or_default()))
    }
}

/// The role to assume of a node after a [`Verdict::NotWritable`], until a
/// probe has asked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoleAfter {
    /// It serves reads.
    Reader,
    /// It serves nothing to rely on.
    Unready,
}

/// The verdict on an error.
#[must_use]
pub fn classify(seen: &ErrorSeen<'_>, phase: Phase) -> Verdict {
    match seen.number(phase) {
        Some(number) => match errno::meaning(number, seen.message) {
            Meaning::Unreachable => Verdict::Down,
            Meaning::Broken => match phase {
                Phase::Dial => Verdict::Down,
                Phase::InUse => Verdict::Lost,
            },
            Meaning::Refused(_) => Verdict::NotWritable,
            Meaning::Full => Verdict::Overloaded,
            Meaning::NoRoomToEnter => match phase {
                Phase::Dial => Verdict::Overloaded,
                Phase::InUse => Verdict::Client,
            },
            Meaning::Collided => Verdict::Conflict,
            Meaning::Callers => Verdict::Client,
        },
        // A SQLSTATE that says more than "general error" comes from the driver
        // (HY093: a parameter is missing): no server was asked.
        None => match seen.sqlstate {
            None | Some("" | "00000" | "HY000") => Verdict::Unknown,
            Some(_) => Verdict::Client,
        },
    }
}

/// Whether the node is to be left alone by everyone. An overloaded one only if
/// it stays so, which is for the breaker to count.
#[must_use]
pub const fn excludes_node(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Down | Verdict::NotWritable)
}

/// Whether another node may be tried for what failed: only where nothing can
/// have happened. Of an error in use that holds for [`Verdict::NotWritable`]
/// alone as far as statements go, since a breaking connection is
/// [`Verdict::Lost`] there.
#[must_use]
pub const fn retry_elsewhere(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Down | Verdict::NotWritable | Verdict::Overloaded
    )
}

/// The role to assume after the number ([`ErrorSeen::number`]) of an error
/// whose verdict was [`Verdict::NotWritable`]; `None` for numbers that never
/// have that verdict.
#[must_use]
pub fn role_after(errno: u32) -> Option<RoleAfter> {
    match errno::meaning(errno, "") {
        Meaning::Refused(role) => Some(role),
        _ => None,
    }
}
