//! What must hold, whatever happens: the guarantees, as far as they are about
//! decisions. Each is checked against what was true, and against what was seen
//! independently of the code that decides.

mod agreement;
mod dials;
mod handles;
mod health;
mod posts;
mod requests;
mod routes;

use std::collections::HashMap;
use std::fmt;

use amm_core::node::{NodeState, Phase, Role};
use amm_core::probe::Judgement;
use amm_engine::cluster::Cluster;
use amm_engine::node::ProbeOutcome;
use amm_engine::probe::{Finding, ProbeResult};

use crate::plan::START_MS;
use crate::world::World;

pub(crate) use dials::{dial_begins, dial_ends, waits};
pub(crate) use handles::{executed, handle_made, is_current, refused};
pub(crate) use posts::disturbed;
pub(crate) use requests::{Ended, request_ends};

/// A guarantee that did not hold.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Which.
    pub rule: &'static str,
    /// When, ms since the run began.
    pub at_ms: u64,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" at {} ms: {}", self.rule, self.at_ms, self.what)
    }
}

/// What was seen so far.
pub(crate) struct Watch {
    pub(crate) broken: Option<Broken>,
    pub(crate) hosts: Vec<HostBook>,
    /// When last no server at all was well, ms.
    pub(crate) blackout_ms: Option<u64>,
    /// Times each write was carried out.
    pub(crate) executed: HashMap<u64, u32>,
}

/// What was seen of a host.
pub(crate) struct HostBook {
    pub(crate) nodes: Vec<NodeBook>,
    /// When last something befell its monitors, ms.
    pub(crate) disturbed_ms: u64,
    /// When last a request began there after that, ms.
    pub(crate) vacant_since: Option<u64>,
    /// Where keys went when it was last looked at.
    pub(crate) routes: Option<routes::Routes>,
}

/// What was seen of a node, as a host has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeBook {
    pub(crate) last: NodeState,
    /// Changes of writability so far.
    pub(crate) changes: u64,
    /// The server cannot be reached, and since when the host knows.
    pub(crate) gone: bool,
    pub(crate) known_gone_ms: Option<u64>,
    /// Since when a probe has found it down while it flaps, ms.
    pub(crate) flaps_out_ms: Option<u64>,
    /// It refused a write or told a probe that it takes none, and nothing newer
    /// says otherwise.
    pub(crate) demoted: bool,
    /// Nothing has happened to the server since the host took it in full.
    pub(crate) clean: bool,
    pub(crate) banned_ms: Option<u64>,
    /// Trials under way: process and beginning.
    pub(crate) trials: Vec<(usize, u64)>,
    pub(crate) trial_failed_ms: u64,
}

impl Watch {
    pub(crate) fn new(hosts: usize, nodes: usize) -> Self {
        let host = || HostBook {
            nodes: vec![NodeBook::default(); nodes],
            disturbed_ms: START_MS,
            vacant_since: None,
            routes: None,
        };
        Self {
            broken: None,
            hosts: (0..hosts).map(|_| host()).collect(),
            blackout_ms: None,
            executed: HashMap::new(),
        }
    }

    pub(crate) fn breaks(&mut self, rule: &'static str, now: u64, what: String) {
        self.broken.get_or_insert(Broken {
            rule,
            at_ms: now - START_MS,
            what,
        });
    }

    pub(crate) fn server_changed(&mut self, server: usize, gone: bool) {
        for host in &mut self.hosts {
            let book = &mut host.nodes[server];
            book.clean = false;
            book.banned_ms = None;
            if book.gone != gone {
                book.gone = gone;
                book.known_gone_ms = None;
            }
        }
    }

    /// A probe ended; if its result was published, it is the last word on the role.
    pub(crate) fn probed(
        &mut self,
        cluster: &Cluster,
        host: usize,
        node: usize,
        result: &ProbeResult,
        now: u64,
    ) {
        let last = cluster.node(node).last_probe();
        let published = last.at_ms == now && last.outcome == ProbeOutcome::Answered;
        if let Finding::Answered(Judgement { role, .. }) = &result.finding
            && published
        {
            self.hosts[host].nodes[node].demoted = *role != Role::Writer;
        }
    }
}

/// After every step.
pub(crate) fn observe(world: &mut World, host: usize) {
    let now = world.now;
    for node in 0..world.servers.len() {
        let state = world.hosts[host].cluster.node(node).load();
        let book = &mut world.watch.hosts[host].nodes[node];
        let before = std::mem::replace(&mut book.last, state);
        if book.gone && state.phase == Phase::Open {
            book.known_gone_ms.get_or_insert(now);
        }
        if before == state {
            continue;
        }
        if world.servers[node].flaps_until < now {
            book.flaps_out_ms = None;
        } else if state.phase == Phase::Open && !state.passive {
            book.flaps_out_ms.get_or_insert(now);
        }
        let changed = before.is_writable() != state.is_writable();
        book.changes += u64::from(changed);
        if changed == (before.epoch == state.epoch) {
            let what = format!("s{node} on h{host}: {before:?} became {state:?}");
            world
                .watch
                .breaks("the epoch moves exactly when writability does", now, what);
            return;
        }
        health::changed(world, host, node);
        if world.watch.broken.is_some() {
            return;
        }
        world.note(|_| {
            format!(
                "h{host} s{node} {:?} {:?} {:?} scar {} passive {} streak {} epoch {}",
                state.role,
                state.health,
                state.phase,
                state.scar,
                state.passive,
                state.streak,
                state.epoch
            )
        });
    }
}

/// Every 50 ms.
pub(crate) fn look(world: &mut World) {
    for host in 0..world.hosts.len() {
        posts::look(world, host);
        health::look(world, host);
        handles::look(world, host);
        routes::look(world, host);
    }
    agreement::look(world);
}

/// When the run is over, long after everyone was well again.
pub(crate) fn at_the_end(world: &mut World) {
    health::at_the_end(world);
    agreement::at_the_end(world);
}
