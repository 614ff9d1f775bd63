use super::*;
use amm_core::breaker::Event;

use crate::clock::now_ms;
use crate::node::ProbeOutcome;
use crate::testing::{cluster, spread};

const NONE: [usize; 0] = [];

#[test]
fn an_order_is_obeyed_once_and_only_while_the_nodes_state_bears_it_out() {
    let cluster = cluster(&["a", "b"], &spread());
    let mut obeyed = Obeyed::all(&cluster);
    let policy = &cluster.definition.policy;
    let fail = |index| {
        cluster
            .node(index)
            .apply(Event::ProbeFailed { fatal: true }, true, policy, now_ms())
    };
    assert_eq!(obeyed.next(&cluster), NONE);
    cluster.order_cut(1, 5);
    assert_eq!(obeyed.next(&cluster), NONE, "the node is up");
    fail(1);
    assert_eq!(obeyed.next(&cluster), NONE, "that order is past");
    cluster.order_cut(1, 6);
    assert_eq!(obeyed.next(&cluster), [1]);
    assert_eq!(obeyed.next(&cluster), NONE);
    assert_eq!(
        Obeyed::all(&cluster).next(&cluster),
        NONE,
        "who comes later holds nothing"
    );
    cluster.order_cut(1, 7);
    cluster.withdraw_cut(1);
    assert_eq!(obeyed.next(&cluster), NONE, "withdrawn");
    assert_eq!(cluster.node(1).cuts.load(Ordering::Relaxed), 3);
}

#[test]
fn a_node_without_quorum_answers_and_is_cut_all_the_same() {
    let cluster = cluster(&["a"], &spread());
    let mut obeyed = Obeyed::all(&cluster);
    let node = cluster.node(0);
    let policy = &cluster.definition.policy;
    node.apply(Event::ProbeAnswered(Role::Unready), true, policy, 10);
    node.record_probe(
        10,
        ProbeOutcome::Answered,
        Some(amm_core::probe::Reason::NonPrimary),
    );
    cluster.order_cut(0, 11);
    assert_eq!(obeyed.next(&cluster), NONE, "unready for another reason");
    node.record_probe(
        12,
        ProbeOutcome::Answered,
        Some(amm_core::probe::Reason::NoQuorum),
    );
    cluster.order_cut(0, 12);
    assert_eq!(obeyed.next(&cluster), [0]);
}
