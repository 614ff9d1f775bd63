//! What the holder of a cluster's lease does: has each node probed when it is
//! due, and calls late what does not end in time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use amm_core::admission::{Seen, due};
use amm_core::node::{Health, NodeState, Phase, Role};

use super::follower::Follower;
use super::prober::{NodeProber, Progress, StartProber};
use crate::cluster::Cluster;
use crate::cut::evidence::Evidence;
use crate::definition::millis;
use crate::node::ProbeOutcome;
use crate::probe::{self, Finding, ProbeResult};

/// Two probes of a node that is wanted at once are at least this far apart, ms.
const SHORTEST_GAP_MS: u64 = 20;
/// A leader that is this late, ms, was held up itself: what it then finds late
/// says nothing about the nodes.
const HELD_UP_MS: u64 = 300;
/// A process that could not even make this many probes of a node in a row should
/// not lead.
const UNABLE_PROBES: u32 = 2;
/// A probe that is over this long after its deadline, ms, is stuck; one that
/// merely took all its time tells that itself, and why.
const GRACE_MS: u64 = 20;
/// Between attempts to start a prober, ms.
const RESTART_MS: u64 = 1_000;

pub(super) struct Leader {
    cluster: Arc<Cluster>,
    start: StartProber,
    nodes: Vec<NodeWatch>,
    follower: Follower,
    evidence: Evidence,
    tended_ms: u64,
    planned_ms: u64,
}

struct NodeWatch {
    /// The node's identity.
    node: u64,
    prober: Option<Box<dyn NodeProber>>,
    due_ms: u64,
    /// A late result was published for the probe under way.
    late: bool,
    /// Attempts in a row to start its prober that failed.
    unstarted: u32,
}

impl NodeWatch {
    fn new(node: u64, now: u64) -> Self {
        Self {
            node,
            prober: None,
            due_ms: now,
            late: false,
            unstarted: 0,
        }
    }
}

impl Leader {
    pub(super) fn new(cluster: Arc<Cluster>, start: StartProber, now: u64) -> Self {
        let nodes = cluster.definition.nodes.iter();
        Self {
            nodes: nodes.map(|n| NodeWatch::new(n.identity, now)).collect(),
            follower: Follower::new(&cluster, now),
            cluster,
            start,
            evidence: Evidence::default(),
            tended_ms: now,
            planned_ms: now,
        }
    }

    /// Does what is due; gives the milliseconds until something is due again.
    pub(super) fn tend(&mut self, now: u64) -> u64 {
        let held_up = now.saturating_sub(self.planned_ms) > HELD_UP_MS;
        self.tended_ms = now;
        if !self.cluster.definition.can_probe() {
            return u64::MAX;
        }
        if let Some(renewed) = self.follower.tend(&self.cluster, now) {
            self.adopt(renewed, now);
        }
        let mut next = u64::MAX;
        for index in 0..self.nodes.len() {
            let until = self.tend_node(index, now, held_up);
            next = next.min(until.saturating_sub(now));
        }
        self.evidence.weigh(&self.cluster, held_up, now);
        self.planned_ms = now.saturating_add(next.min(crate::lease::BEAT_MS));
        next
    }

    /// The cluster with the nodes it has now.
    pub(super) fn into_cluster(self) -> Arc<Cluster> {
        self.cluster
    }

    /// Goes on with other nodes. Those that stay keep their probers, which know
    /// them by the places of the cluster as it was: these are the same.
    fn adopt(&mut self, renewed: Cluster, now: u64) {
        let mut before = std::mem::take(&mut self.nodes);
        for node in &renewed.definition.nodes {
            let kept = before.iter().position(|w| w.node == node.identity);
            self.nodes.push(match kept {
                Some(at) => before.swap_remove(at),
                None => NodeWatch::new(node.identity, now),
            });
        }
        renewed
            .views
            .keep(|node| renewed.definition.index_of(node).is_some());
        self.cluster = Arc::new(renewed);
    }

    /// Whether this process itself is what keeps a node from being probed.
    pub(super) fn is_unable(&self) -> bool {
        self.nodes.iter().any(|watch| {
            let unable = watch.prober.as_ref().map_or(0, |prober| prober.unable());
            unable.max(watch.unstarted) >= UNABLE_PROBES
        })
    }

    /// Gives the time at which the node wants attention again.
    fn tend_node(&mut self, index: usize, now: u64, held_up: bool) -> u64 {
        let interval = self.interval_ms(index);
        let timeout = millis(self.cluster.definition.settings.probe_timeout);
        self.settle(index, now);
        let cluster = &self.cluster;
        let Some(watch) = self.nodes.get_mut(index) else {
            return u64::MAX;
        };
        let prober = match &mut watch.prober {
            Some(prober) if prober.is_alive() => prober,
            _ if watch.unstarted > 0 && now < watch.due_ms => return watch.due_ms,
            slot => match (self.start)(Arc::clone(cluster), index) {
                Ok(prober) => {
                    watch.unstarted = 0;
                    slot.insert(prober)
                }
                Err(error) => {
                    log::error!("cannot start a prober: {error}");
                    let unable = ProbeResult::of(Finding::Unable);
                    probe::publish(cluster, index, 0, &unable, now);
                    watch.unstarted = watch.unstarted.saturating_add(1);
                    watch.due_ms = now + RESTART_MS;
                    return watch.due_ms;
                }
            },
        };
        match prober.progress() {
            Progress::UnderWay {
                began_ms,
                began_state,
            } => {
                let limit = if watch.late {
                    watch.due_ms
                } else {
                    began_ms + timeout + GRACE_MS
                };
                if now < limit {
                    return limit;
                }
                prober.abandon();
                if !held_up {
                    let word = match watch.late {
                        false => began_state,
                        true => cluster.node(index).state.load(Ordering::Acquire),
                    };
                    probe::publish(cluster, index, word, &ProbeResult::late(), now);
                }
                watch.late = true;
                watch.due_ms = now + interval;
                watch.due_ms
            }
            Progress::Idle => {
                let urgent = cluster.node(index).urgent.load(Ordering::Acquire) != 0;
                let ended = cluster.node(index).last_probe().at_ms;
                if watch.late || urgent {
                    watch.due_ms = watch.due_ms.min(ended + SHORTEST_GAP_MS);
                    watch.late = false;
                } else {
                    watch.due_ms = watch.due_ms.min(now + interval);
                }
                if now < watch.due_ms {
                    return watch.due_ms;
                }
                cluster.node(index).urgent.store(0, Ordering::Release);
                let word = cluster.node(index).state.load(Ordering::Acquire);
                let state = NodeState::unpack(word);
                let calm = state.health == Health::Up && state.phase == Phase::Closed;
                prober.probe(now, word, urgent || state.passive || !calm);
                watch.due_ms = now + interval;
                (now + timeout + GRACE_MS).min(watch.due_ms)
            }
        }
    }

    /// How often the node is probed now, ms.
    fn interval_ms(&self, index: usize) -> u64 {
        let settings = &self.cluster.definition.settings;
        let wanted = u64::from(self.cluster.shared().interval_ms.load(Ordering::Relaxed));
        let normal = match wanted {
            0 => millis(settings.probe_interval),
            ms => ms.min(millis(settings.probe_interval)),
        };
        let state = self.cluster.node(index).load();
        let uncertain = state.health == Health::Suspect
            || state.passive
            || state.phase == Phase::Recovering
            || state.role == Role::Unknown;
        let interval = if uncertain {
            millis(settings.probe_interval_suspect)
        } else {
            normal
        };
        // A login that is refused is not asked for ten times a second.
        let last = self.cluster.node(index).last_probe().outcome;
        let silent = matches!(
            last,
            ProbeOutcome::NoLogin | ProbeOutcome::Inconclusive | ProbeOutcome::Untold
        );
        if silent { normal } else { interval.min(normal) }
    }

    /// Does what time alone brings about.
    fn settle(&self, index: usize, now: u64) {
        let node = self.cluster.node(index);
        let state = node.load();
        if !state.scar {
            return;
        }
        let policy = &self.cluster.definition.policy;
        let seen = Seen {
            state,
            since_ms: node.since_ms(state, now),
            now_ms: now,
            seen_ms: now,
            watched: self.seen_just_now(index, now),
            askable: true,
            dice: self.cluster.dice(index, state.seq),
        };
        if let Some(event) = due(&seen, policy) {
            node.apply(event, true, policy, now);
            self.cluster.announce_change();
        }
    }

    /// Whether the last probe due was answered.
    fn seen_just_now(&self, index: usize, now: u64) -> bool {
        let last = self.cluster.node(index).last_probe();
        let recent = 2 * millis(self.cluster.definition.settings.probe_interval_suspect);
        last.outcome == ProbeOutcome::Answered && now.saturating_sub(last.at_ms) <= recent
    }
}
