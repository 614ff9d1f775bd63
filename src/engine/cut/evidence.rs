//! What a cluster's leader knows for and against cutting its nodes.

use std::sync::atomic::Ordering;

use amm_core::config::Flavour;
use amm_core::cut::{Round, Rule, Sign, Standing, Why, Word, decide};
use amm_core::node::Health;

use crate::cluster::Cluster;
use crate::definition::millis;
use crate::node::ProbeOutcome;

/// A time further ahead than this is garbage, ms.
const SKEW_MS: u64 = 2_000;

/// The standing of every node, kept from beat to beat.
#[derive(Debug, Default)]
pub(crate) struct Evidence(Vec<Watch>);

#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    /// The node's identity.
    node: u64,
    standing: Standing,
    /// When the others were last asked at once for its sake, ms.
    asked_ms: u64,
}

impl Evidence {
    /// Looks at all nodes, and orders, repeats and withdraws what follows.
    pub(crate) fn weigh(&mut self, cluster: &Cluster, held_up: bool, now_ms: u64) {
        self.follow(cluster);
        let rule = rule(cluster);
        let nodes = 0..cluster.definition.nodes.len();
        let signs: Vec<Sign> = nodes.map(|index| sign(cluster, index)).collect();
        let round = Round::of(signs.iter().copied(), held_up);
        for (index, (sign, watch)) in signs.iter().zip(self.0.iter_mut()).enumerate() {
            watch.standing = watch.standing.step(*sign, round, now_ms);
            if *sign == Sign::Answers {
                cluster.withdraw_cut(index);
            }
            if watch.standing == Standing::Well {
                continue;
            }
            let words = words(cluster, index);
            match decide(&rule, watch.standing, &words, round, now_ms) {
                Some(why) => order(cluster, index, why, rule.after_ms, now_ms),
                None => watch.ask_others(cluster, index, rule.after_ms, now_ms),
            }
        }
    }
}

impl Evidence {
    /// Goes by the cluster's present nodes; those that stay keep their standing.
    fn follow(&mut self, cluster: &Cluster) {
        let nodes = cluster.definition.nodes.iter();
        if nodes
            .clone()
            .map(|n| n.identity)
            .eq(self.0.iter().map(|w| w.node))
        {
            return;
        }
        let before = std::mem::take(&mut self.0);
        let kept = |node| before.iter().find(|w| w.node == node).copied();
        self.0 = nodes
            .map(|n| {
                kept(n.identity).unwrap_or(Watch {
                    node: n.identity,
                    ..Watch::default()
                })
            })
            .collect();
    }
}

impl Watch {
    /// While a node is silent the others are asked at once what they see, and
    /// again every `every_ms`, however rarely they are probed otherwise.
    fn ask_others(&mut self, cluster: &Cluster, index: usize, every_ms: u64, now_ms: u64) {
        let silent = matches!(self.standing, Standing::Silent(_));
        if !silent || (self.asked_ms != 0 && now_ms.saturating_sub(self.asked_ms) < every_ms) {
            return;
        }
        self.asked_ms = now_ms;
        for other in (0..cluster.definition.nodes.len()).filter(|other| *other != index) {
            let node = cluster.node(other);
            if node.load().health == Health::Up {
                node.urgent.store(1, Ordering::Release);
            }
        }
    }
}

fn order(cluster: &Cluster, index: usize, why: Why, every_ms: u64, now_ms: u64) {
    let given = cluster.node(index).cut_ms.load(Ordering::Acquire);
    let stands = given != 0
        && given <= now_ms.saturating_add(SKEW_MS)
        && now_ms.saturating_sub(given) < every_ms;
    if !stands {
        cluster.order_cut(index, now_ms);
        log::warn!(
            "sockets to node {} are shut: {}",
            cluster.node_id(index),
            why.as_str()
        );
    }
}

fn rule(cluster: &Cluster) -> Rule {
    let settings = &cluster.definition.settings;
    Rule {
        mode: settings.cut,
        after_ms: millis(settings.cut_after),
        unwitnessed_after_ms: millis(settings.cut_unwitnessed_after),
        witnesses: cluster.flavour() != Flavour::ReadOnly,
        fresh_ms: cluster.definition.fresh_ms(),
    }
}

fn sign(cluster: &Cluster, index: usize) -> Sign {
    let node = cluster.node(index);
    let last = node.last_probe();
    let down = node.load().health == Health::Down;
    match last.outcome {
        ProbeOutcome::Answered if last.has_no_quorum() => Sign::NoQuorum,
        ProbeOutcome::Answered | ProbeOutcome::NoLogin | ProbeOutcome::Untold => Sign::Answers,
        ProbeOutcome::Silent if down => Sign::Silent,
        ProbeOutcome::Failed if down => Sign::Fails,
        ProbeOutcome::Silent
        | ProbeOutcome::Failed
        | ProbeOutcome::Inconclusive
        | ProbeOutcome::Unable
        | ProbeOutcome::None => Sign::Unknown,
    }
}

/// Whether such a probe shows that the node is there.
fn answers(outcome: ProbeOutcome) -> bool {
    matches!(
        outcome,
        ProbeOutcome::Answered | ProbeOutcome::NoLogin | ProbeOutcome::Untold
    )
}

/// What the other nodes said last, and when they last answered at all.
fn words(cluster: &Cluster, index: usize) -> Vec<Word> {
    let member = cluster.node(index).member.load(Ordering::Acquire);
    let configured = &cluster.definition.nodes;
    let mut words: Vec<Word> = (0..configured.len())
        .filter(|other| *other != index)
        .map(|other| cluster.node(other).last_probe())
        .filter(|last| answers(last.outcome))
        .map(|last| Word {
            asked_ms: last.at_ms,
            sees: None,
        })
        .collect();
    let itself = configured.get(index).map(|n| n.identity);
    let heard = cluster.views.since(0);
    words.extend(
        heard
            .iter()
            .filter(|h| Some(h.node) != itself && configured.iter().any(|n| n.identity == h.node))
            .map(|heard| Word {
                asked_ms: heard.at_ms,
                sees: (member != 0)
                    .then(|| heard.view.sees_hash(member))
                    .flatten(),
            }),
    );
    words
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
