//! A server's own record of who connected to it: MariaDB's audit plugin, whose
//! log holds one line for every login, failed login and end of a connection.
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

/// Reads such a log; an absent one is empty.
pub fn connects(path: &Path) -> Result<Connects> {
    match fs::read(path) {
        Ok(text) => Ok(parse(&String::from_utf8_lossy(&text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Connects::default()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// `time,server,user,host,connection,query,operation,database,object,code`
fn parse(text: &str) -> Connects {
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
        let seen = parse(
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
}
