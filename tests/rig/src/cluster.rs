//! What all kinds of cluster have in common, so that a fault or a test can be
//! written once for them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mysql::Conn;
use mysql::prelude::Queryable;

use crate::address::Block;
use crate::connects::Connects;
use crate::run_dir::RunDir;
use crate::server::Server;

/// A server of a cluster: [`Server`] is what it shares with those of any other
/// kind, and the rest is how its kind does these things.
pub trait Node: Sync {
    /// Its process and its connections.
    fn server(&self) -> &Server;

    /// Starts it after it was killed or shut down, and waits until it serves.
    fn start(&self) -> Result<()>;

    /// Whether it is a full member of a cluster that takes queries.
    fn serves(&self) -> Result<bool>;

    /// Waits until [`Self::serves`].
    fn wait_serving(&self, timeout: Duration) -> Result<()>;

    /// Demotes it as an operator would, so that the application's writes are
    /// refused with 1290; or undoes that.
    fn set_read_only(&self, on: bool) -> Result<()>;

    /// Takes it out of the cluster while its server goes on running; or brings
    /// it back, without waiting until it serves.
    fn detach(&self, on: bool) -> Result<()>;

    /// Has it fall behind the others as a donor does, while it goes on taking
    /// writes; or undoes that. Only Galera has such a state.
    fn desync(&self, _on: bool) -> Result<()> {
        bail!("{} has no such state", self.server().id())
    }

    /// Who connected since its `incarnation`th start, in its own words.
    fn connects(&self, incarnation: u32) -> Result<Connects>;

    /// How many members it reaches, itself included, asked over its own `root`.
    fn members_seen(&self, root: &mut Conn) -> Result<usize>;
}

/// A cluster of any kind.
pub trait Cluster {
    /// Its flavour, as in amm's configuration.
    fn flavour(&self) -> &'static str;

    /// Its nodes, in the order of their addresses.
    fn members(&self) -> Vec<&dyn Node>;

    /// The loopback addresses it holds.
    fn block(&self) -> &Block;

    /// The run it belongs to.
    fn run(&self) -> &Arc<RunDir>;

    /// Waits until every node that answers counts `size` members.
    fn wait_size(&self, size: usize, timeout: Duration) -> Result<()>;

    /// Starts all nodes again after all of them were killed, and waits until
    /// the cluster has formed again.
    fn restart_all(&self, timeout: Duration) -> Result<()>;

    /// `host:port` of all nodes.
    fn ids(&self) -> Vec<String> {
        self.members()
            .iter()
            .map(|node| node.server().id())
            .collect()
    }

    /// The first node that serves and may write.
    fn writer(&self) -> Result<&dyn Node> {
        self.members()
            .into_iter()
            .find(|node| node.serves().unwrap_or(false) && may_write(node.server()))
            .context("no node serves")
    }

    /// Runs statements as root on a node that may write; replication brings
    /// them to the others.
    fn execute(&self, statements: &[&str]) -> Result<()> {
        let node = self.writer()?.server();
        let mut root = node.root()?;
        for statement in statements {
            root.query_drop(statement)
                .with_context(|| format!("on {}: {statement}", node.id()))?;
        }
        Ok(())
    }
}

fn may_write(server: &Server) -> bool {
    let asked = server
        .root()
        .and_then(|mut root| Ok(root.query_first::<u8, _>("SELECT @@global.read_only")?));
    matches!(asked, Ok(Some(0)))
}
