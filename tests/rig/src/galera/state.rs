//! A node as it describes itself, and the settings that change that.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use mysql::prelude::Queryable;

use super::Node;

/// A node as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `wsrep_ready`.
    pub ready: bool,
    /// `wsrep_cluster_status` is `Primary`.
    pub primary: bool,
    /// `wsrep_local_state`: 4 is synced.
    pub local_state: u32,
    /// `wsrep_cluster_size`.
    pub cluster_size: usize,
    /// `@@read_only`.
    pub read_only: bool,
}

impl State {
    /// Whether the node is a full member that takes queries.
    pub fn is_synced(&self) -> bool {
        self.ready && self.primary && self.local_state == 4
    }
}

impl Node {
    /// What it says of itself, read as root through its socket.
    pub fn state(&self) -> Result<State> {
        let mut root = self.root()?;
        let rows: Vec<(String, String)> = root.query(
            "SHOW GLOBAL STATUS WHERE Variable_name IN \
             ('wsrep_ready','wsrep_cluster_status','wsrep_local_state','wsrep_cluster_size')",
        )?;
        let value = |name: &str| {
            rows.iter()
                .find(|(variable, _)| variable == name)
                .map(|(_, value)| value.as_str())
                .with_context(|| format!("{} has no {name}", self.id()))
        };
        Ok(State {
            ready: value("wsrep_ready")? == "ON",
            primary: value("wsrep_cluster_status")? == "Primary",
            local_state: value("wsrep_local_state")?.parse()?,
            cluster_size: value("wsrep_cluster_size")?.parse()?,
            read_only: root.query_first::<u8, _>("SELECT @@global.read_only")? == Some(1),
        })
    }

    /// Waits until it is a synced member of a primary component.
    pub fn wait_synced(&self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let state = self.state();
            if state.as_ref().is_ok_and(State::is_synced) {
                return Ok(());
            }
            if !self.is_running() {
                bail!("{} ended while starting:\n{}", self.id(), self.last_words());
            }
            if Instant::now() > deadline {
                return Err(match state {
                    Ok(state) => anyhow!("{} is not synced in {timeout:?}: {state:?}", self.id()),
                    Err(error) => error.context(format!("{} does not answer", self.id())),
                })
                .with_context(|| self.last_words());
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// `SET GLOBAL read_only`. Turning it on waits for running statements.
    pub fn set_read_only(&self, on: bool) -> Result<()> {
        self.set_global(&format!("read_only = {}", u8::from(on)))
    }

    /// Cuts the node off from the group's communication, or undoes that: it
    /// becomes non-primary and answers 1047 to anything that touches a table.
    pub fn isolate(&self, on: bool) -> Result<()> {
        self.set_global(&format!(
            "wsrep_provider_options = 'gmcast.isolate={}'",
            u8::from(on)
        ))
    }

    /// `SET GLOBAL wsrep_desync`: state 2, as a donor's.
    pub fn desync(&self, on: bool) -> Result<()> {
        self.set_global(&format!("wsrep_desync = {}", if on { "ON" } else { "OFF" }))
    }
}
