//! What can be done to a node, and undone. A new fault is one more entry here.

use anyhow::{Context, Result, bail};

use crate::clock::Moment;
use crate::cluster::{Cluster, Node};
use crate::connects::Connects;

/// How a fault looks to clients, which decides whose failures are excused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The node does not answer any more: what was on it at that moment is lost.
    Gone,
    /// The node answers and refuses writes with one of these numbers: what
    /// reached it before the first refusal was reported is refused.
    Refusing(&'static [u32]),
    /// The node leaves the cluster, and for a moment still passes for a member
    /// whose commits fail with one of these numbers: probes may contradict the
    /// first refusals, so it is known to be gone once it stays out.
    Leaving(&'static [u32]),
    /// The node goes on serving what it has, or others serve it: nobody's
    /// request may fail.
    Harmless,
}

/// A fault by its name.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// As given on the command line and in the summary.
    pub name: &'static str,
    /// What happens, for people.
    pub what: &'static str,
    /// How it looks.
    pub kind: Kind,
    inject: fn(&dyn Node) -> Result<()>,
    heal: fn(&dyn Node) -> Result<()>,
}

/// All there are.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "kill9",
        what: "SIGKILL",
        kind: Kind::Gone,
        inject: |node| node.server().kill9(),
        heal: |node| node.start(),
    },
    Fault {
        name: "read_only",
        what: "SET GLOBAL read_only = 1",
        kind: Kind::Refusing(&[1290, 1836]),
        inject: |node| node.set_read_only(true),
        heal: |node| node.set_read_only(false),
    },
    Fault {
        name: "hang",
        what: "SIGSTOP",
        kind: Kind::Gone,
        inject: |node| node.server().stop(),
        heal: |node| node.server().cont(),
    },
    Fault {
        name: "isolate",
        what: "cut off from the group, or out of it (gmcast.isolate, STOP GROUP_REPLICATION)",
        kind: Kind::Leaving(&[1047, 1180, 1205, 1213, 1290, 3100, 3101]),
        inject: |node| node.detach(true),
        heal: |node| node.detach(false),
    },
    Fault {
        name: "desync",
        what: "SET GLOBAL wsrep_desync = ON, as a donor is",
        kind: Kind::Harmless,
        inject: |node| node.desync(true),
        heal: |node| node.desync(false),
    },
    Fault {
        name: "full",
        what: "max_connections reached",
        kind: Kind::Harmless,
        inject: |node| node.server().fill(),
        heal: |node| node.server().empty(),
    },
];

impl Fault {
    /// The fault of this name.
    pub fn named(name: &str) -> Result<Self> {
        match FAULTS.iter().find(|fault| fault.name == name) {
            Some(fault) => Ok(*fault),
            None => {
                let names: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
                bail!("there is no fault {name:?}; there are {}", names.join(", "))
            }
        }
    }

    /// Does it to a node of the cluster.
    pub fn inject(self, cluster: &dyn Cluster, index: usize) -> Result<Injected> {
        let node = member(cluster, index)?;
        let incarnation = node.server().incarnation();
        let began = Moment::now();
        (self.inject)(node)?;
        let effective = Moment::now();
        // Of a node that is gone this is the last it will have written.
        let connects = node.connects(incarnation)?;
        Ok(Injected {
            fault: self,
            index,
            victim: node.server().id(),
            began,
            effective,
            connects,
            healed: None,
            back: None,
        })
    }
}

fn member(cluster: &dyn Cluster, index: usize) -> Result<&dyn Node> {
    let members = cluster.members();
    members.get(index).copied().context("no such node")
}

/// A fault that was done to a node.
#[derive(Clone, Debug)]
pub struct Injected {
    /// Which.
    pub fault: Fault,
    /// To which node.
    pub index: usize,
    /// To which node, as `host:port`.
    pub victim: String,
    /// Just before it was done.
    pub began: Moment,
    /// Once it was surely in effect.
    pub effective: Moment,
    /// The victim's own record of its connections at that moment.
    pub connects: Connects,
    /// Just before it was undone.
    pub healed: Option<Moment>,
    /// When the node had answered a request again.
    pub back: Option<Moment>,
}

impl Injected {
    /// Undoes it, and waits until the node is a synced member again.
    pub fn heal(&mut self, cluster: &dyn Cluster) -> Result<()> {
        self.healed = Some(Moment::now());
        let node = member(cluster, self.index)?;
        (self.fault.heal)(node)?;
        node.wait_serving(std::time::Duration::from_secs(60))
    }
}
