//! A cluster of scripted servers that answer as synced Galera nodes: light
//! enough to be taken down, hung and brought back many times a second.

use std::net::SocketAddrV4;

use amm_rig::address::Block;
use amm_rig::faulty::{Address, Answers, Fault, Faulty, Script, Step, Table};
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The servers. Each has an address of its own, and all have the same port.
pub struct Doubles {
    block: Block,
    nodes: Vec<Option<Faulty>>,
    accepted: Vec<usize>,
}

/// What a node says of itself.
fn answers(read_only: bool) -> Answers {
    let names = ["Variable_name", "Value"];
    let variables: [&[&str]; 4] = [
        &["read_only", if read_only { "ON" } else { "OFF" }],
        &["wsrep_on", "ON"],
        &["wsrep_provider", "/usr/lib/galera/libgalera_smm.so"],
        &["wsrep_reject_queries", "NONE"],
    ];
    let status: [&[&str]; 3] = [
        &["wsrep_ready", "ON"],
        &["wsrep_cluster_status", "Primary"],
        &["wsrep_local_state", "4"],
    ];
    Answers(vec![
        ("global variables".into(), Table::new(&names, &variables)),
        ("global status".into(), Table::new(&names, &status)),
        ("@@".into(), Table::new(&["@@"], &[&["16777216"]])),
    ])
}

impl Doubles {
    /// Starts so many writers.
    pub fn start(count: usize) -> Result<Self> {
        let mut doubles = Self {
            block: Block::take()?,
            nodes: (0..count).map(|_| None).collect(),
            accepted: vec![0; count],
        };
        for index in 0..count {
            doubles.up(index)?;
        }
        Ok(doubles)
    }

    /// The block of addresses they are on.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// `host:port` of a node.
    pub fn id(&self, index: usize) -> String {
        self.address(index).to_string()
    }

    /// All ids.
    pub fn ids(&self) -> Vec<String> {
        (0..self.nodes.len()).map(|index| self.id(index)).collect()
    }

    /// All of them as a cluster with spread writers, with more keys on top.
    pub fn config(&self, more: Value) -> Value {
        let mut config = json!({
            "flavour": "galera",
            "writers": "spread",
            "nodes": self.ids(),
            "username": "amm",
        });
        if let (Some(all), Some(more)) = (config.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        config
    }

    /// Ends a node: connections are closed, new ones refused.
    pub fn down(&mut self, index: usize) {
        if let Some(node) = self.nodes[index].take() {
            self.accepted[index] += node.accepted();
        }
    }

    /// Starts a node that is down, as a writer.
    pub fn up(&mut self, index: usize) -> Result<()> {
        let server = Faulty::start(&Address::Tcp(self.address(index).into()), Script::healthy())?;
        server.answer(answers(false));
        self.nodes[index] = Some(server);
        Ok(())
    }

    /// Has a node accept connections and say nothing, those it has included.
    pub fn hang(&self, index: usize) -> Result<()> {
        let node = self.node(index)?;
        node.set(Script::new(Step::Greeting, Fault::Silence));
        node.hang_up();
        Ok(())
    }

    /// Has a node that hangs serve again.
    pub fn wake(&self, index: usize) -> Result<()> {
        let node = self.node(index)?;
        node.set(Script::healthy());
        node.hang_up();
        Ok(())
    }

    /// Has a node refuse writes, or take them again.
    pub fn set_read_only(&self, index: usize, read_only: bool) -> Result<()> {
        self.node(index)?.answer(answers(read_only));
        Ok(())
    }

    /// Connections that a node has accepted so far.
    pub fn accepted(&self, index: usize) -> usize {
        self.accepted[index] + self.nodes[index].as_ref().map_or(0, Faulty::accepted)
    }

    /// Connections to a node that neither side has closed.
    pub fn open(&self, index: usize) -> usize {
        self.nodes[index].as_ref().map_or(0, Faulty::open)
    }

    fn node(&self, index: usize) -> Result<&Faulty> {
        self.nodes[index].as_ref().context("the node is down")
    }

    fn address(&self, index: usize) -> SocketAddrV4 {
        let host = self.block.address(index as u8 + 1);
        SocketAddrV4::new(host, self.block.mysql_port())
    }
}
