use std::sync::atomic::Ordering;

use amm_core::backoff::Backoff;
use amm_core::breaker::{Event, Policy};
use amm_core::node::Phase;

use crate::shm::{Mapping, NodeSlot};
use crate::state::since_word;

const POLICY: Policy = Policy {
    failures_to_open: 2,
    backoff: Backoff {
        base_ms: 1_000,
        max_ms: 30_000,
        jitter: 0.0,
    },
    hold_down_ms: 2_000,
    slow_start_ms: 10_000,
};

fn with_node(test: impl FnOnce(&NodeSlot)) {
    let mapping = Mapping::private().unwrap();
    test(&mapping.region().clusters[0].nodes[0]);
}

#[test]
fn a_change_of_phase_carries_its_time() {
    with_node(|node| {
        let change = node.apply(Event::DialFailed { trial: false }, false, &POLICY, 1_234);
        assert_eq!(change.after.phase, Phase::Open);
        assert_eq!(node.since_ms(node.load(), 9_000), 1_234);
    });
}

#[test]
fn a_writer_killed_before_the_time_leaves_a_state_that_repairs_itself() {
    with_node(|node| {
        node.apply(Event::DialFailed { trial: false }, false, &POLICY, 1_000);
        let opened = node.load();
        node.since.store(
            since_word(opened.seq.wrapping_sub(1), 10),
            Ordering::Release,
        );
        assert_eq!(node.since_ms(opened, 5_000), 5_000);
        assert_eq!(node.since_ms(opened, 7_000), 5_000);
    });
}

#[test]
fn a_time_from_before_a_reboot_is_long_past() {
    with_node(|node| {
        node.since
            .store(since_word(0, 99_000_000), Ordering::Release);
        assert_eq!(node.since_ms(node.load(), 5_000), 0);
    });
}

#[test]
fn a_probe_result_from_before_a_change_is_dropped() {
    with_node(|node| {
        let began = node.state.load(Ordering::Acquire);
        node.apply(Event::DialFailed { trial: false }, true, &POLICY, 1_000);
        let late = Event::ProbeAnswered(amm_core::node::Role::Writer);
        assert!(node.exchange(began, late, true, &POLICY, 1_100).is_err());
        assert_eq!(node.load().phase, Phase::Open);
    });
}

#[test]
fn many_threads_open_one_breaker_once() {
    with_node(|node| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| node.apply(Event::DialFailed { trial: false }, false, &POLICY, 5));
            }
        });
        assert_eq!((node.load().epoch, node.load().seq), (1, 1));
    });
}
