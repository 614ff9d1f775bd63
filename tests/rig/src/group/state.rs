//! A node as it describes itself and its group.

use anyhow::{Context, Result};
use mysql::prelude::Queryable;

use super::Node;

/// One row of `performance_schema.replication_group_members`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its server's UUID.
    pub uuid: String,
    /// `host:port`.
    pub id: String,
    /// `ONLINE`, `RECOVERING`, `OFFLINE`, `ERROR` or `UNREACHABLE`.
    pub state: String,
    /// `PRIMARY`, `SECONDARY`, or nothing while it is not in the group.
    pub role: String,
}

/// A node as it describes itself and its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its own UUID.
    pub uuid: String,
    /// All members it knows of, itself included.
    pub members: Vec<Member>,
    /// `@@read_only`.
    pub read_only: bool,
    /// `@@super_read_only`.
    pub super_read_only: bool,
    /// `@@offline_mode`.
    pub offline_mode: bool,
}

impl State {
    /// Its own row.
    pub fn own(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.uuid == self.uuid)
    }

    /// Its own state, `OFFLINE` if it has none.
    pub fn own_state(&self) -> &str {
        self.own().map_or("OFFLINE", |member| member.state.as_str())
    }

    /// Whether it is a member whose group has a majority.
    pub fn is_online(&self) -> bool {
        self.own_state() == "ONLINE" && self.reachable() * 2 > self.members.len()
    }

    /// Whether it takes the application's writes.
    pub fn is_writer(&self) -> bool {
        self.is_online() && self.is_primary() && !self.read_only && !self.offline_mode
    }

    /// Whether the group has it as a primary.
    pub fn is_primary(&self) -> bool {
        self.own().is_some_and(|member| member.role == "PRIMARY")
    }

    /// What it says of another member's state, if it knows that member.
    pub fn state_of(&self, id: &str) -> Option<&str> {
        let member = self.members.iter().find(|member| member.id == id)?;
        Some(&member.state)
    }

    /// Members that are there, itself included.
    pub fn reachable(&self) -> usize {
        let there = |member: &&Member| matches!(member.state.as_str(), "ONLINE" | "RECOVERING");
        self.members.iter().filter(there).count()
    }
}

impl Node {
    /// What it says of itself, read as root through its socket.
    pub fn state(&self) -> Result<State> {
        let mut root = self.root()?;
        let (uuid, read_only, super_read_only, offline_mode) = root
            .query_first(
                "SELECT @@server_uuid, @@global.read_only, @@global.super_read_only, \
                 @@global.offline_mode",
            )?
            .with_context(|| format!("{} says nothing", self.id()))?;
        let members = root.query_map(
            "SELECT MEMBER_ID, CONCAT(MEMBER_HOST, ':', MEMBER_PORT), MEMBER_STATE, MEMBER_ROLE \
             FROM performance_schema.replication_group_members",
            |(uuid, id, state, role): (String, Option<String>, String, String)| Member {
                uuid,
                id: id.unwrap_or_default(),
                state,
                role,
            },
        )?;
        Ok(State {
            uuid,
            members,
            read_only,
            super_read_only,
            offline_mode,
        })
    }
}
