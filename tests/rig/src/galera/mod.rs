//! A real MariaDB Galera cluster on loopback: every node with its own address
//! and the same port, as servers of their own would have them.
//!
//! The nodes start from copies of one data folder, so that those who join need
//! only the few events since then and no full transfer.

mod node;
mod options;
mod server;
mod state;
mod template;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mysql::prelude::Queryable;

pub use crate::accounts::{APP, Credentials, DATABASE, PROBE, ROOT_PASSWORD};
pub use node::Node;
pub use options::Options;
pub use state::State;

use crate::address::Block;
use crate::cluster::{self, Cluster};
use crate::run_dir::RunDir;

/// A running cluster. Dropping it kills its servers.
#[derive(Debug)]
pub struct Galera {
    nodes: Vec<Node>,
    block: Block,
    run: Arc<RunDir>,
}

impl Galera {
    /// Starts a cluster in a run folder of its own and waits until all nodes
    /// are synced.
    pub fn start(options: Options) -> Result<Self> {
        Self::start_in(RunDir::create()?, options)
    }

    /// Starts a cluster in `run`, next to whatever else belongs to that run.
    pub fn start_in(run: Arc<RunDir>, options: Options) -> Result<Self> {
        let block = Block::take()?;
        let template = template::prepare(&run, &block)?;
        let mut nodes = Vec::new();
        for index in 0..options.nodes {
            // A run may hold several clusters: the address keeps them apart.
            let folder = block.address(index as u8 + 1).to_string();
            let node = Node::create(&run, &block, &options, index, &folder)?;
            template::copy(&run, &template, &node)?;
            node.set_root_password(ROOT_PASSWORD);
            nodes.push(node);
        }
        let cluster = Self { nodes, block, run };
        cluster.node(0).bootstrap()?;
        cluster.node(0).wait_synced(options.start_timeout)?;
        // One by one: nodes that join together keep interrupting each other.
        for node in &cluster.nodes[1..] {
            node.join()?;
            node.wait_synced(options.start_timeout)?;
        }
        cluster.wait_size(options.nodes, options.start_timeout)?;
        Ok(cluster)
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

    /// The node with this `host:port`.
    pub fn by_id(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id() == id)
    }

    /// The loopback addresses this cluster holds, for what is to run beside it.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// The run folder it lives in.
    pub fn run(&self) -> &Arc<RunDir> {
        &self.run
    }

    /// Waits until every node that answers sees `size` members.
    pub fn wait_size(&self, size: usize, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let seen: Vec<usize> = self
                .nodes
                .iter()
                .filter_map(|node| node.state().ok())
                .map(|state| state.cluster_size)
                .collect();
            if !seen.is_empty() && seen.iter().all(|members| *members == size) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "the cluster did not reach {size} members in {timeout:?}, nodes see {seen:?}"
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts all nodes again after all of them were killed, and waits until
    /// the cluster has formed again. The node that was furthest ahead leads.
    pub fn restart_all(&self, timeout: Duration) -> Result<()> {
        if let Some(alive) = self.nodes.iter().find(|node| node.is_running()) {
            bail!("{} is still running", alive.id());
        }
        let positions = self
            .nodes
            .iter()
            .map(|node| node.recover())
            .collect::<Result<Vec<_>>>()
            .context("cannot find out where the nodes stopped")?;
        let ahead = positions
            .iter()
            .enumerate()
            .max_by_key(|(_, position)| position.sequence())
            .map_or(0, |(index, _)| index);
        self.nodes[ahead].bootstrap_from(&positions[ahead])?;
        for (index, node) in self.nodes.iter().enumerate() {
            if index != ahead {
                node.join_from(&positions[index])?;
            }
        }
        for node in &self.nodes {
            node.wait_synced(timeout)?;
        }
        self.wait_size(self.nodes.len(), timeout)
    }

    /// Runs statements as root on the first node that is synced; Galera brings
    /// them to the others.
    pub fn execute(&self, statements: &[&str]) -> Result<()> {
        let node = self
            .nodes
            .iter()
            .find(|node| node.state().is_ok_and(|state| state.is_synced()))
            .context("no node is synced")?;
        let mut root = node.root()?;
        for statement in statements {
            root.query_drop(statement)
                .with_context(|| format!("on {}: {statement}", node.id()))?;
        }
        Ok(())
    }
}

impl Cluster for Galera {
    fn flavour(&self) -> &'static str {
        "galera"
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
        self.wait_size(size, timeout)
    }

    fn restart_all(&self, timeout: Duration) -> Result<()> {
        self.restart_all(timeout)
    }
}
