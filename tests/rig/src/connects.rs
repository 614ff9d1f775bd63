//! A server's own record of who connected to it: one line for every login and
//! every end of a connection, from MariaDB's audit plugin or from MySQL's general
//! log.
//!
//! This is the outside view an application's claims are checked against. A
//! connection with a login and no end, in the log of a server that was just
//! killed, was open at that moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// What happened to one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// The server's number for it.
    pub id: u64,
    /// Account.
    pub user: String,
    /// The server's local time, to the second, as it writes it.
    pub time: String,
}

/// All connections of one start of one server.
#[derive(Clone, Debug, Default)]
pub struct Connects {
    /// Every login, by connection id.
    pub logins: BTreeMap<u64, Connect>,
    /// Logins that have not ended.
    pub open: BTreeSet<u64>,
    /// Refused logins.
    pub refused: usize,
}

impl Connects {
    /// Logins of one account.
    pub fn of(&self, user: &str) -> usize {
        self.logins
            .values()
            .filter(|connect| connect.user == user)
            .count()
    }
}

/// Reads a log of the audit plugin; an absent one is empty.
pub fn audited(path: &Path) -> Result<Connects> {
    read(path).map(|text| parse_audit(&text))
}

/// Reads a general log; an absent one is empty. It cannot tell a login that was
/// refused from one that was not, so that none is counted as refused.
pub fn logged(path: &Path) -> Result<Connects> {
    read(path).map(|text| parse_general(&text))
}

fn read(path: &Path) -> Result<String> {
    match fs::read(path) {
        Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// `time<tab>id command<tab>argument`; only statements have more lines.
fn parse_general(text: &str) -> Connects {
    let mut seen = Connects::default();
    for line in text.lines() {
        let fields: Vec<&str> = line.splitn(3, '\t').collect();
        let [time, command, argument] = fields[..] else {
            continue;
        };
        let Some((id, command)) = command.trim().split_once(' ') else {
            continue;
        };
        let Ok(id) = id.parse::<u64>() else { continue };
        match command {
            "Connect" if argument.contains('@') && !argument.starts_with("Access denied") => {
                let user = argument.split('@').next().unwrap_or_default();
                let connect = Connect {
                    id,
                    user: user.into(),
                    time: time.into(),
                };
                seen.logins.insert(id, connect);
                seen.open.insert(id);
            }
            "Quit" => {
                seen.open.remove(&id);
            }
            _ => {}
        }
    }
    seen
}

/// `time,server,user,host,connection,query,operation,database,object,code`
fn parse_audit(text: &str) -> Connects {
    let mut seen = Connects::default();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let [time, _, user, _, id, _, operation, ..] = fields[..] else {
            continue;
        };
        let Ok(id) = id.parse::<u64>() else { continue };
        match operation {
            "CONNECT" => {
                let connect = Connect {
                    id,
                    user: user.into(),
                    time: time.into(),
                };
                seen.logins.insert(id, connect);
                seen.open.insert(id);
            }
            "DISCONNECT" => {
                seen.open.remove(&id);
            }
            "FAILED_CONNECT" => seen.refused += 1,
            _ => {}
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_without_an_end_is_open() {
        let seen = parse_audit(
            "20260101 10:00:00,h,app,127.0.0.1,5,0,CONNECT,shop,,0\n\
             20260101 10:00:00,h,app,127.0.0.1,6,0,CONNECT,shop,,0\n\
             20260101 10:00:01,h,bob,127.0.0.1,7,0,FAILED_CONNECT,,,1045\n\
             20260101 10:00:01,h,app,127.0.0.1,5,0,DISCONNECT,shop,,0\n\
             20260101 10:00:0",
        );
        assert_eq!(seen.logins.len(), 2);
        assert_eq!(seen.open, BTreeSet::from([6]));
        assert_eq!(seen.refused, 1);
        assert_eq!(seen.of("app"), 2);
    }

    #[test]
    fn a_general_log_tells_the_same() {
        let seen = parse_general(
            "mysqld, Version: 9.7.0. started with:\n\
             Time                 Id Command    Argument\n\
             2026-01-01T10:00:00.1Z\t    5 Connect\tapp@127.0.0.1 on shop using TCP/IP\n\
             2026-01-01T10:00:00.2Z\t    5 Query\tSELECT '\n\
             1\t9 Connect\tnobody'\n\
             2026-01-01T10:00:00.3Z\t    6 Connect\tapp@127.0.0.1 on shop using TCP/IP\n\
             2026-01-01T10:00:00.4Z\t    5 Quit\t\n",
        );
        assert_eq!(seen.logins.keys().collect::<Vec<_>>(), [&5, &6]);
        assert_eq!(seen.open, BTreeSet::from([6]));
    }
}
