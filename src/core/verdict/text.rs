//! Errors without a number.
//!
//! A number gets lost when an exception is wrapped, or was never there: PHP's
//! stream layer and mysqlnd's warnings, turned into exceptions by a framework,
//! carry text alone. Each text here stands for the number that comes with it
//! elsewhere, so that there is one table of meanings and not two.
//!
//! The texts are PHP's own, in English whatever the server speaks; a server's
//! messages come with a number.

use super::Phase;

/// Lower-case parts of messages, and the number each stands for.
const TEXTS: [(&str, u32); 25] = [
    ("php_network_getaddresses", 2002),
    ("name or service not known", 2002),
    ("temporary failure in name resolution", 2002),
    ("connection refused", 2002),
    ("no route to host", 2002),
    ("network is unreachable", 2002),
    ("host is down", 2002),
    ("server has gone away", 2006),
    ("lost connection to mysql server", 2013),
    ("lost connection to server", 2013),
    ("error while reading greeting packet", 2013),
    ("error reading result set's header", 2013),
    ("packets out of order", 2013),
    ("premature end of data (mysqlnd", 2013),
    ("connection timed out", 2013),
    ("connection reset by peer", 2013),
    ("broken pipe", 2013),
    ("connection was killed", 1927),
    ("server shutdown in progress", 1053),
    ("disconnected by the server because of inactivity", 4031),
    ("too many connections", 1040),
    ("deadlock found when trying to get lock", 1213),
    ("lock wait timeout exceeded", 1205),
    ("read-only option so it cannot execute", 1290),
    ("wsrep has not yet prepared node", 1047),
];

/// The number that PDO wrote into a message: `SQLSTATE[HY000] [2002] …` when
/// dialling, `SQLSTATE[HY000]: General error: 1290 …` in use.
pub(super) fn spelled_out(message: &str) -> Option<u32> {
    let (_, rest) = message.split_once("SQLSTATE[")?;
    let (_, rest) = rest.split_once(']')?;
    let rest = match rest.strip_prefix(" [") {
        Some(rest) => rest,
        None => rest.strip_prefix(": ")?.split_once(": ")?.1,
    };
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .and_then(|end| rest.get(..end))?;
    // 2000 is "unknown error": no better than none.
    digits
        .parse()
        .ok()
        .filter(|number| *number >= 1000 && *number != 2000)
}

/// The number that a SQLSTATE stands for: class 08 is the connection (but
/// 08004 is a refusal for many reasons), class 40 a rollback by the server.
pub(super) fn of_sqlstate(sqlstate: &str) -> Option<u32> {
    match sqlstate.get(..2)? {
        "08" if sqlstate != "08004" => Some(2013),
        "40" => Some(1213),
        _ => None,
    }
}

/// The number that a message stands for.
pub(super) fn of_message(message: &str, phase: Phase) -> Option<u32> {
    let message = message.to_ascii_lowercase();
    let found = TEXTS
        .iter()
        .find(|(text, _)| message.contains(text))
        .map(|(_, number)| *number);
    found.or_else(|| {
        let sending = message.contains("error while sending") && message.contains(" packet");
        // A socket that is not there; in use it is some other file.
        let no_socket = phase == Phase::Dial && message.contains("no such file or directory");
        if sending {
            Some(2006)
        } else if no_socket {
            Some(2002)
        } else {
            None
        }
    })
}
