//! The application's own record of where it dialled: one JSON line before each
//! dial and one after it, with the connection's number on that server.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::clock::Moment;

/// One attempt to reach a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// The request that dialled.
    pub token: String,
    /// Where to, as `host:port`.
    pub node: String,
    /// Just before it.
    pub at: Moment,
    /// Once connected: when, and the connection's number on the server.
    pub connected: Option<(Moment, u64)>,
    /// The process that dialled.
    pub pid: i32,
}

/// All dials of a run.
#[derive(Clone, Debug, Default)]
pub struct Dials {
    /// In the order they began.
    pub all: Vec<Dial>,
    by_token: HashMap<String, Vec<usize>>,
}

impl Dials {
    /// Reads the log; one that was never written is empty.
    pub fn read(path: &Path) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => {
                parse(&text).with_context(|| format!("cannot understand {}", path.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// A log made of these dials, in the order they began.
    pub fn from_list(all: Vec<Dial>) -> Self {
        let mut dials = Self::default();
        for dial in all {
            dials.push(dial);
        }
        dials
    }

    /// A request's dials in order.
    pub fn of(&self, token: &str) -> impl DoubleEndedIterator<Item = &Dial> {
        self.by_token
            .get(token)
            .into_iter()
            .flatten()
            .map(|index| &self.all[*index])
    }

    fn push(&mut self, dial: Dial) {
        self.by_token
            .entry(dial.token.clone())
            .or_default()
            .push(self.all.len());
        self.all.push(dial);
    }

    /// When a dial that led nowhere was over, as far as the log tells: when its
    /// request dialled next.
    pub fn next_of(&self, dial: &Dial) -> Option<&Dial> {
        self.of(&dial.token).find(|other| other.at > dial.at)
    }
}

#[derive(Deserialize)]
struct Line {
    at: Moment,
    event: String,
    token: String,
    node: String,
    connection: Option<u64>,
    pid: i32,
}

fn parse(text: &str) -> Result<Dials> {
    let mut lines = Vec::new();
    for line in text.lines() {
        lines.push(serde_json::from_str::<Line>(line).with_context(|| line.to_owned())?);
    }
    lines.sort_by_key(|line| line.at);
    let mut dials = Dials::default();
    for line in lines {
        if line.event == "dialing" {
            dials.push(Dial {
                token: line.token,
                node: line.node,
                at: line.at,
                connected: None,
                pid: line.pid,
            });
        } else if let Some(connection) = line.connection {
            let known = dials.by_token.get(&line.token).into_iter().flatten().rev();
            let dialling = known.copied().find(|index| {
                let dial = &dials.all[*index];
                dial.node == line.node && dial.pid == line.pid && dial.connected.is_none()
            });
            if let Some(index) = dialling {
                dials.all[index].connected = Some((line.at, connection));
            }
        }
    }
    Ok(dials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dial_is_paired_with_its_connection() -> Result<()> {
        let dials = parse(
            r#"{"at":10,"event":"dialing","token":"t","node":"a:1","connection":null,"pid":7}
               {"at":20,"event":"dialing","token":"t","node":"b:1","connection":null,"pid":7}
               {"at":30,"event":"dialed","token":"t","node":"b:1","connection":4,"pid":7}"#,
        )?;
        let seen: Vec<_> = dials.of("t").map(|dial| dial.connected).collect();
        assert_eq!(seen, [None, Some((Moment(30), 4))]);
        assert_eq!(
            dials.next_of(&dials.all[0]).map(|dial| dial.at),
            Some(Moment(20))
        );
        Ok(())
    }
}
