//! One node of the cluster: a server, and what Galera adds to it.

use std::ops::Deref;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mysql::Conn;
use mysql::prelude::Queryable;

use super::options::Options;
use super::server::{Identity, connect_log};
use super::state::State;
use crate::address::Block;
use crate::cluster;
use crate::connects::{self, Connects};
use crate::process;
use crate::run_dir::RunDir;
use crate::server::Server;

/// Where a stopped node's data stand, as `uuid:sequence number`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position(String);

impl Position {
    pub(super) fn sequence(&self) -> i64 {
        self.0
            .rsplit_once(':')
            .and_then(|(_, number)| number.parse().ok())
            .unwrap_or(-1)
    }
}

/// A node: its [`Server`], and what only Galera's servers have.
#[derive(Debug)]
pub struct Node {
    server: Server,
    identity: Identity,
    options: Options,
}

impl Deref for Node {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Node {
    /// A node without data, in `folder` of the run.
    pub(super) fn create(
        run: &Arc<RunDir>,
        block: &Block,
        options: &Options,
        index: usize,
        folder: &str,
    ) -> Result<Self> {
        let members: Vec<String> = (1..=options.nodes)
            .map(|number| format!("{}:4567", block.address(number as u8)))
            .collect();
        Ok(Self {
            server: Server::create(run, block, index as u8 + 1, folder, options.max_connections)?,
            identity: Identity {
                name: format!("node{}", index + 1),
                members: members.join(","),
            },
            options: options.clone(),
        })
    }

    /// Who connected since its `incarnation`th start, in its own words.
    pub fn connects(&self, incarnation: u32) -> Result<Connects> {
        connects::audited(&connect_log(&self.server, incarnation))
    }

    /// Starts it after a kill or a shutdown and waits until it is synced. It
    /// recovers its position first, as systemd's unit does, so that it needs
    /// only what it missed.
    pub fn start(&self) -> Result<()> {
        let position = self.recover()?;
        self.join_from(&position)?;
        self.wait_synced(self.options.start_timeout)
    }

    /// Starts the process as the first of a new cluster.
    pub(super) fn bootstrap(&self) -> Result<()> {
        self.run_server(&["--wsrep-new-cluster".into()])
    }

    /// Starts it as the first of a cluster that was wholly down.
    pub(super) fn bootstrap_from(&self, position: &Position) -> Result<()> {
        let state = self.data().join("grastate.dat");
        let text = std::fs::read_to_string(&state)?;
        std::fs::write(
            &state,
            text.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"),
        )?;
        self.run_server(&[
            "--wsrep-new-cluster".into(),
            format!("--wsrep-start-position={}", position.0),
        ])
    }

    /// Starts the process as a further member; does not wait.
    pub(super) fn join(&self) -> Result<()> {
        self.run_server(&[])
    }

    pub(super) fn join_from(&self, position: &Position) -> Result<()> {
        self.run_server(&[format!("--wsrep-start-position={}", position.0)])
    }

    /// Lets InnoDB recover and reads where it stands.
    pub(super) fn recover(&self) -> Result<Position> {
        if self.is_running() {
            bail!("{} is still running", self.id());
        }
        let log = self.base().join("recover.log");
        let _ = std::fs::remove_file(&log);
        let mut command: Command = self.identity.command(&self.server, &self.options)?;
        command
            .arg("--wsrep-recover")
            .arg(format!("--log-error={}", log.display()));
        process::output(self.run(), &format!("recovering {}", self.id()), command)?;
        let said = std::fs::read_to_string(&log)?;
        let position = said
            .lines()
            .rev()
            .find_map(|line| line.split_once("Recovered position: "))
            .with_context(|| format!("{} does not say its position:\n{said}", self.id()))?;
        Ok(Position(position.1.trim().into()))
    }

    fn run_server(&self, arguments: &[String]) -> Result<()> {
        self.launch(|incarnation| {
            let mut command = self.identity.command(&self.server, &self.options)?;
            command
                .args([
                    "--plugin-load-add=server_audit",
                    "--server-audit-logging=ON",
                ])
                .args([
                    "--server-audit-events=CONNECT",
                    "--server-audit-file-rotate-size=1000000000",
                ])
                .arg(format!(
                    "--server-audit-file-path={}",
                    connect_log(&self.server, incarnation).display()
                ))
                .args(arguments);
            Ok(command)
        })
    }
}

impl cluster::Node for Node {
    fn server(&self) -> &Server {
        &self.server
    }

    fn start(&self) -> Result<()> {
        self.start()
    }

    fn serves(&self) -> Result<bool> {
        self.state().map(|state| State::is_synced(&state))
    }

    fn wait_serving(&self, timeout: Duration) -> Result<()> {
        self.wait_synced(timeout)
    }

    fn set_read_only(&self, on: bool) -> Result<()> {
        self.set_read_only(on)
    }

    fn detach(&self, on: bool) -> Result<()> {
        self.isolate(on)
    }

    fn desync(&self, on: bool) -> Result<()> {
        self.desync(on)
    }

    fn connects(&self, incarnation: u32) -> Result<Connects> {
        self.connects(incarnation)
    }

    fn members_seen(&self, root: &mut Conn) -> Result<usize> {
        let size: Option<(String, String)> =
            root.query_first("SHOW STATUS LIKE 'wsrep_cluster_size'")?;
        Ok(size.context("no wsrep_cluster_size")?.1.parse()?)
    }
}
