//! A real MySQL group on loopback, by Group Replication: every node with its
//! own address and the same port, as servers of their own would have them.
//!
//! No released Debian has this MySQL; `tests/sid.sh` unpacks it beside the
//! machine's own packages.

mod node;
mod options;
mod server;
mod sid;
mod state;
mod template;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mysql::prelude::Queryable;

pub use node::Node;
pub use options::Options;
pub use sid::Sid;
pub use state::{Member, State};

use crate::address::Block;
use crate::cluster::{self, Cluster};
use crate::run_dir::RunDir;

/// A running group. Dropping it kills its servers.
#[derive(Debug)]
pub struct Group {
    nodes: Vec<Node>,
    block: Block,
    run: Arc<RunDir>,
}

impl Group {
    /// Starts a group in a run folder of its own and waits until all nodes are
    /// online.
    pub fn start(options: Options) -> Result<Self> {
        Self::start_in(RunDir::create()?, options)
    }

    /// Starts a group in `run`, next to whatever else belongs to that run. The
    /// first node is the primary, if there is only one.
    pub fn start_in(run: Arc<RunDir>, options: Options) -> Result<Self> {
        let sid = Sid::find()?;
        let block = Block::take()?;
        let template = template::prepare(&sid, &run, &block)?;
        let mut nodes = Vec::new();
        for index in 0..options.nodes {
            let node = Node::create(&sid, &run, &block, &options, index)?;
            template::copy(&run, &template, &node)?;
            node.set_root_password(crate::accounts::ROOT_PASSWORD);
            nodes.push(node);
        }
        let group = Self { nodes, block, run };
        group.start_servers(options.start_timeout)?;
        for node in &group.nodes {
            node.set_recovery_account()?;
        }
        group.form(0, options.start_timeout)?;
        Ok(group)
    }

    /// The node with this index, counted from 0.
    ///
    /// # Panics
    /// If there is none.
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The index of the group's primary, as a node that answers has it; with
    /// several primaries the first of them.
    pub fn primary(&self) -> Result<usize> {
        let is_primary = |node: &Node| {
            let state = node.state();
            state.is_ok_and(|state| state.is_online() && state.is_primary())
        };
        self.nodes
            .iter()
            .position(is_primary)
            .context("the group has no primary")
    }

    /// Has the group make this node its primary, as an operator would.
    pub fn set_primary(&self, index: usize) -> Result<()> {
        let uuid = self.node(index).state()?.uuid;
        self.node(index)
            .root_waiting(Duration::from_secs(60))?
            .query_drop(format!("SELECT group_replication_set_as_primary('{uuid}')"))
            .with_context(|| format!("{} does not become primary", self.node(index).id()))
    }

    /// Makes all members primaries, for as long as any of them lives.
    pub fn switch_to_multi_primary(&self) -> Result<()> {
        self.node(self.primary()?)
            .root_waiting(Duration::from_secs(60))?
            .query_drop("SELECT group_replication_switch_to_multi_primary_mode()")?;
        for node in &self.nodes {
            node.expect_multi_primary();
        }
        Ok(())
    }

    /// Stops this node and waits until the others have thrown it out of the
    /// group. It stays stopped. Gives how long that took.
    pub fn expel(&self, index: usize, timeout: Duration) -> Result<Duration> {
        let began = Instant::now();
        let victim = self.node(index);
        victim.stop()?;
        let id = victim.id();
        for node in self.others(index) {
            node.wait_for(timeout, "has not expelled it", |state| {
                state.state_of(&id).is_none()
            })?;
        }
        Ok(began.elapsed())
    }

    /// Kills all nodes but this one at the same moment, so that it has no
    /// majority, and waits until it has noticed: before that its writes wait
    /// as well. Gives how long that took.
    pub fn kill_all_but(&self, survivor: usize, timeout: Duration) -> Result<Duration> {
        // Stopped first: a node that sees another one die is told to go on.
        for node in self.others(survivor) {
            node.stop()?;
        }
        let began = Instant::now();
        for node in self.others(survivor) {
            node.kill9()?;
        }
        self.node(survivor)
            .wait_for(timeout, "has a majority", |state| {
                state.own_state() == "ONLINE" && !state.is_online()
            })?;
        Ok(began.elapsed())
    }

    fn others(&self, index: usize) -> impl Iterator<Item = &Node> {
        let kept = move |(other, _): &(usize, &Node)| *other != index;
        self.nodes
            .iter()
            .enumerate()
            .filter(kept)
            .map(|(_, node)| node)
    }

    /// Starts all servers at once.
    fn start_servers(&self, timeout: Duration) -> Result<()> {
        for node in &self.nodes {
            node.launch_server()?;
        }
        for node in &self.nodes {
            template::wait_answering(node, timeout)?;
        }
        Ok(())
    }

    /// Has `first` form a group and the others join it.
    fn form(&self, first: usize, timeout: Duration) -> Result<()> {
        self.node(first).bootstrap()?;
        self.node(first).wait_online(timeout)?;
        for node in self.others(first) {
            node.join()?;
            node.wait_online(timeout)?;
        }
        self.wait_size(self.nodes.len(), timeout)
    }

    /// The node that has everything that any other has.
    fn furthest(&self) -> Result<usize> {
        let mut seen = Vec::new();
        for node in &self.nodes {
            let known: Option<String> = node.root()?.query_first(
                "SELECT CONCAT_WS(',', @@global.gtid_executed, \
                 (SELECT NULLIF(RECEIVED_TRANSACTION_SET, '') \
                  FROM performance_schema.replication_connection_status \
                  WHERE CHANNEL_NAME = 'group_replication_applier'))",
            )?;
            seen.push(known.unwrap_or_default());
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let mut root = node.root()?;
            let mut has_all = true;
            for other in &seen {
                let subset: Option<u8> =
                    root.exec_first("SELECT GTID_SUBSET(?, ?)", (other, &seen[index]))?;
                has_all &= subset == Some(1);
            }
            if has_all {
                return Ok(index);
            }
        }
        bail!("no node has everything: {seen:?}")
    }
}

impl Cluster for Group {
    fn flavour(&self) -> &'static str {
        "group_replication"
    }

    fn members(&self) -> Vec<&dyn cluster::Node> {
        self.nodes.iter().map(|node| node as _).collect()
    }

    fn block(&self) -> &Block {
        &self.block
    }

    fn run(&self) -> &Arc<RunDir> {
        &self.run
    }

    fn wait_size(&self, size: usize, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let seen: Vec<(usize, usize)> = self
                .nodes
                .iter()
                .filter_map(|node| node.state().ok())
                .filter(|state| state.own_state() != "OFFLINE")
                .map(|state| (state.members.len(), state.reachable()))
                .collect();
            if !seen.is_empty() && seen.iter().all(|seen| *seen == (size, size)) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "the group did not reach {size} members in {timeout:?}, nodes know of, and reach: {seen:?}"
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn restart_all(&self, timeout: Duration) -> Result<()> {
        if let Some(alive) = self.nodes.iter().find(|node| node.is_running()) {
            bail!("{} is still running", alive.id());
        }
        self.start_servers(timeout)?;
        self.form(self.furthest()?, timeout)
    }
}
