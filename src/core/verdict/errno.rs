//! Numbers of servers and client libraries, and what each means.

use super::RoleAfter;

/// What a number means, before the moment is considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nobody could connect.
    Unreachable,
    /// A connection broke.
    Broken,
    /// A write was refused, by a node in this role.
    Refused(RoleAfter),
    /// No room on the node.
    Full,
    /// No room for one more connection; after that the statement's own.
    NoRoomToEnter,
    /// Lost against another transaction.
    Collided,
    /// The caller's own.
    Callers,
}

/// The meaning of a number. The message is looked at only for numbers with
/// several meanings; an empty one leaves the number's first meaning.
pub(super) fn meaning(errno: u32, message: &str) -> Meaning {
    match errno {
        2002 | 2003 | 2005 | 2070 => Meaning::Unreachable,
        4031 if message.contains("Referenced trigger") => Meaning::Callers,
        2006 | 2012 | 2013 | 2027 | 2055 => Meaning::Broken,
        1053 | 1077..=1080 | 3168 => Meaning::Broken,
        1152 | 1154..=1161 | 1184 => Meaning::Broken,
        1927 | 3169 | 4031 => Meaning::Broken,
        1290 if names_other_option(message) => Meaning::Callers,
        1290 | 1792 | 1836 | 1874 | 3100 => Meaning::Refused(RoleAfter::Reader),
        1047 if message.contains("Unknown command") && !message.contains("WSREP") => {
            Meaning::Callers
        }
        1047 | 3032 | 6400 => Meaning::Refused(RoleAfter::Unready),
        3092 | 3094 | 3096 | 3097 => Meaning::Refused(RoleAfter::Unready),
        3781..=3783 | 3796 | 3799 => Meaning::Refused(RoleAfter::Unready),
        1040 | 1042 | 1129 | 1203 | 1226 | 1637 => Meaning::Full,
        1041 | 1135 => Meaning::NoRoomToEnter,
        1020 | 1180 | 1205 | 1213 | 1614 | 3101 | 3572 => Meaning::Collided,
        _ => Meaning::Callers,
    }
}

/// Whether a 1290 ("The server is running with the %s option …") is about an
/// option that has nothing to do with roles, such as `--secure-file-priv` or
/// `--skip-grant-tables`. The option is the same in every language, and comes
/// before any SQL that a framework appends.
fn names_other_option(message: &str) -> bool {
    let (option, rest) = match message.split_once("running with the ") {
        Some((_, rest)) => (rest.split_once(" option").map(|(option, _)| option), rest),
        None => (None, message),
    };
    let option = option.or_else(|| {
        let (_, after) = rest.split_once("--")?;
        after
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
            .next()
    });
    option.is_some_and(|option| {
        !option
            .to_ascii_lowercase()
            .replace('_', "-")
            .contains("read-only")
    })
}
