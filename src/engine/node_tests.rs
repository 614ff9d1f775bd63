use super::*;
use crate::shm::Mapping;

fn with_node(test: impl FnOnce(&NodeSlot)) {
    let mapping = Mapping::private().unwrap();
    test(&mapping.region().clusters[0].nodes[0]);
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
