use super::*;
use amm_core::breaker::Event;
use amm_core::config::Value;
use amm_core::node::Role;
use amm_core::probe::{Member, Presence, View, name_hash};

use crate::testing::{cluster, spread};

/// Three nodes with a member's name each.
struct Stage {
    cluster: Cluster,
    evidence: Evidence,
    now: u64,
}

const NAMES: [&str; 3] = ["one", "two", "three"];

fn stage(more: &[(&'static str, Value)]) -> Stage {
    let mut keys = spread();
    keys.retain(|(key, _)| !more.iter().any(|(other, _)| other == key));
    keys.extend_from_slice(more);
    let cluster = cluster(&["a", "b", "c"], &keys);
    for (index, name) in NAMES.iter().enumerate() {
        let member = &cluster.node(index).member;
        member.store(name_hash(name), Ordering::Relaxed);
    }
    Stage {
        evidence: Evidence::default(),
        cluster,
        now: 10_000,
    }
}

impl Stage {
    fn answers(&self, index: usize, sees: &[usize]) {
        let node = self.cluster.node(index);
        let policy = &self.cluster.definition.policy;
        node.apply(Event::ProbeAnswered(Role::Writer), true, policy, self.now);
        node.record_probe(self.now, ProbeOutcome::Answered, None);
        let member = |i: &usize| Member {
            name: NAMES[*i].to_owned(),
            host: None,
            port: None,
            presence: Presence::Present,
            role: None,
            lag_ms: None,
        };
        let view = View {
            authoritative: true,
            own: Some(NAMES[index].to_owned()),
            members: sees.iter().map(member).collect(),
        };
        let identity = self.cluster.definition.nodes[index].identity;
        self.cluster.views.hear(identity, self.now, &view);
    }

    fn fails(&self, index: usize, outcome: ProbeOutcome) {
        let node = self.cluster.node(index);
        let policy = &self.cluster.definition.policy;
        node.apply(Event::ProbeFailed { fatal: true }, true, policy, self.now);
        node.record_probe(self.now, outcome, None);
    }

    /// Beats for `ms`, the given nodes answering every 100 ms.
    fn pass(&mut self, ms: u64, answering: &[(usize, &[usize])]) {
        for _ in 0..ms / 100 {
            self.now += 100;
            for (index, sees) in answering {
                self.answers(*index, sees);
            }
            self.evidence.weigh(&self.cluster, false, self.now);
        }
    }

    fn cuts(&self) -> [u32; 3] {
        [0, 1, 2].map(|i| self.cluster.node(i).cuts.load(Ordering::Relaxed))
    }
}

const ALL: &[usize] = &[0, 1, 2];
const LEFT: &[usize] = &[0, 1];

#[test]
fn a_hung_node_that_its_peers_miss_is_cut_again_and_again_until_it_answers() {
    let mut stage = stage(&[]);
    stage.pass(500, &[(0, ALL), (1, ALL), (2, ALL)]);
    stage.fails(2, ProbeOutcome::Silent);
    stage.pass(1_900, &[(0, LEFT), (1, LEFT)]);
    assert_eq!(stage.cuts(), [0, 0, 0], "not for cut_after yet");
    stage.pass(300, &[(0, LEFT), (1, LEFT)]);
    assert_eq!(stage.cuts(), [0, 0, 1]);
    assert!(stage.cluster.cut_age_ms(2, stage.now).is_some());
    stage.pass(4_000, &[(0, LEFT), (1, LEFT)]);
    assert_eq!(stage.cuts(), [0, 0, 3]);
    stage.pass(100, &[(0, ALL), (1, ALL), (2, ALL)]);
    assert_eq!(stage.cluster.cut_age_ms(2, stage.now), None);
    stage.pass(4_000, &[(0, ALL), (1, ALL), (2, ALL)]);
    assert_eq!(stage.cuts(), [0, 0, 3]);
}

#[test]
fn a_node_that_greets_nobody_but_is_still_listed_is_spared() {
    let mut stage = stage(&[]);
    stage.fails(2, ProbeOutcome::Silent);
    stage.pass(60_000, &[(0, ALL), (1, ALL)]);
    assert_eq!(stage.cuts(), [0, 0, 0]);
}

#[test]
fn a_node_that_refuses_is_spared() {
    let mut stage = stage(&[]);
    stage.fails(2, ProbeOutcome::Failed);
    stage.pass(60_000, &[(0, LEFT), (1, LEFT)]);
    assert_eq!(stage.cuts(), [0, 0, 0]);
}

#[test]
fn when_all_fail_none_is_cut_and_the_clock_starts_anew_afterwards() {
    for mode in ["witnessed", "always"] {
        let mut stage = stage(&[("cut", mode.into())]);
        for index in 0..3 {
            stage.fails(index, ProbeOutcome::Silent);
        }
        stage.pass(30_000, &[]);
        assert_eq!(stage.cuts(), [0, 0, 0], "{mode}");
        stage.pass(1_900, &[(0, LEFT), (1, LEFT)]);
        assert_eq!(stage.cuts(), [0, 0, 0], "{mode}");
        stage.pass(300, &[(0, LEFT), (1, LEFT)]);
        assert_eq!(stage.cuts(), [0, 0, 1], "{mode}");
    }
}

#[test]
fn a_prober_that_was_held_up_starts_anew() {
    let mut stage = stage(&[]);
    stage.fails(2, ProbeOutcome::Silent);
    stage.pass(1_900, &[(0, LEFT), (1, LEFT)]);
    stage.now += 10_000;
    stage.evidence.weigh(&stage.cluster, true, stage.now);
    assert_eq!(stage.cuts(), [0, 0, 0]);
    stage.pass(1_900, &[(0, LEFT), (1, LEFT)]);
    assert_eq!(stage.cuts(), [0, 0, 0]);
    stage.pass(300, &[(0, LEFT), (1, LEFT)]);
    assert_eq!(stage.cuts(), [0, 0, 1]);
}

#[test]
fn never_is_never_and_always_needs_no_witness() {
    for (mode, ms, cuts) in [("never", 60_000, 0), ("always", 2_200, 1)] {
        let mut stage = stage(&[("cut", mode.into())]);
        // Nobody knows it by name.
        stage.cluster.node(2).member.store(0, Ordering::Relaxed);
        stage.fails(2, ProbeOutcome::Silent);
        stage.pass(ms, &[(0, LEFT), (1, LEFT)]);
        assert_eq!(stage.cuts(), [0, 0, cuts], "{mode}");
    }
}

#[test]
fn where_no_witness_can_exist_it_is_cut_after_the_longer_time() {
    let mut stage = stage(&[
        ("flavour", "read_only".into()),
        ("writers", "single".into()),
        ("cut_unwitnessed_after", "5s".into()),
    ]);
    stage.cluster.node(2).member.store(0, Ordering::Relaxed);
    stage.fails(2, ProbeOutcome::Silent);
    stage.pass(4_900, &[(0, &[]), (1, &[])]);
    assert_eq!(stage.cuts(), [0, 0, 0]);
    stage.pass(300, &[(0, &[]), (1, &[])]);
    assert_eq!(stage.cuts(), [0, 0, 1]);
}

#[test]
fn while_a_node_is_silent_the_others_are_asked_at_once() {
    let mut stage = stage(&[("probe_interval", "60s".into())]);
    let urgent = |stage: &Stage, index: usize| {
        stage.cluster.node(index).urgent.swap(0, Ordering::Relaxed) == 1
    };
    stage.pass(100, &[(0, ALL), (1, ALL)]);
    stage.fails(2, ProbeOutcome::Silent);
    stage.pass(100, &[]);
    assert!(urgent(&stage, 0) && urgent(&stage, 1));
    stage.pass(1_900, &[]);
    assert!(!urgent(&stage, 0), "not all the time");
    stage.pass(200, &[]);
    assert!(urgent(&stage, 0));
}

#[test]
fn a_time_from_before_a_reboot_does_not_hold_an_order_up() {
    let mut stage = stage(&[]);
    stage
        .cluster
        .node(2)
        .cut_ms
        .store(u64::MAX, Ordering::Relaxed);
    stage.fails(2, ProbeOutcome::Silent);
    stage.pass(2_200, &[(0, LEFT), (1, LEFT)]);
    assert_eq!(stage.cuts(), [0, 0, 1]);
}

#[test]
fn a_group_that_lost_its_quorum_is_its_own_witness() {
    let mut stage = stage(&[]);
    let lost = amm_core::probe::Reason::NoQuorum;
    for _ in 0..22 {
        stage.now += 100;
        for index in [0, 1] {
            stage.fails(index, ProbeOutcome::Silent);
        }
        let node = stage.cluster.node(2);
        node.record_probe(stage.now, ProbeOutcome::Answered, Some(lost));
        stage.evidence.weigh(&stage.cluster, false, stage.now);
    }
    assert_eq!(stage.cuts(), [0, 0, 1]);
}
