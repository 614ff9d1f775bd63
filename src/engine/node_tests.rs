use super::*;
use crate::shm::Mapping;
use amm_core::backoff::Backoff;
use amm_core::node::Phase;

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
fn one_claim_at_a_time_and_a_dead_holders_ends() {
    with_node(|node| {
        let (a, b) = (Token::new(1), Token::new(2));
        assert!(node.claim_trial(a, 1_000, 3_000));
        assert!(!node.claim_trial(b, 2_999, 5_000));
        assert!(!node.release_trial(b));
        assert!(node.claim_trial(b, 3_000, 5_000));
        assert!(!node.release_trial(a) && node.release_trial(b));
        assert!(!node.trial_is_taken(3_001));
    });
}

#[test]
fn errors_and_probes_are_remembered() {
    with_node(|node| {
        assert_eq!(node.last_error(), None);
        node.record_error(Verdict::Down, Some(2002));
        let last = node.last_error().unwrap();
        assert_eq!((last.verdict, last.errno), (Verdict::Down, 2002));
        node.record_probe(5_000, ProbeOutcome::Answered, Some(Reason::ReadOnly));
        assert!(node.is_watched(6_000, 2_000) && !node.is_watched(8_000, 2_000));
        node.record_probe(5_000, ProbeOutcome::NoLogin, None);
        assert!(!node.is_watched(5_001, 2_000));
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
