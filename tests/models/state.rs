//! A node's word: what a leader learnt before it was overtaken is never
//! published, and every change is a whole one.

use amm_core::backoff::Backoff;
use amm_core::breaker::{Event, Policy};
use amm_core::node::{NodeState, Phase, Role};
use amm_models::every_interleaving;
use amm_models::shm::NodeSlot;
use amm_models::sync::{Ordering, killed_at};
use loom::sync::Arc;
use loom::thread;

const LONG: usize = 8;
const POLICY: Policy = Policy {
    failures_to_open: 2,
    backoff: Backoff {
        base_ms: 1_000,
        max_ms: 30_000,
        jitter: 0.5,
    },
    hold_down_ms: 2_000,
    slow_start_ms: 10_000,
};

fn word_of(node: &NodeSlot) -> u64 {
    node.state.load(Ordering::Acquire)
}

#[test]
fn what_an_overtaken_leader_learnt_is_not_published() {
    every_interleaving(|| {
        let node = Arc::new(NodeSlot::default());
        // Its probe began under its own lease.
        let began = word_of(&node);
        let (his, hers) = (Arc::clone(&node), Arc::clone(&node));
        let stopped = thread::spawn(move || {
            let learnt = Event::ProbeAnswered(Role::Writer);
            his.exchange(began, learnt, true, &POLICY, 10).is_ok()
        });
        let successor = thread::spawn(move || {
            let taken = hers.apply(Event::LeaseTaken, true, &POLICY, 20);
            let word = word_of(&hers);
            let learnt = Event::ProbeAnswered(Role::Reader);
            let published = hers.exchange(word, learnt, true, &POLICY, 30).is_ok();
            (taken, published)
        });
        let published_late = stopped.join().unwrap();
        let (taken, published) = successor.join().unwrap();
        // Nobody else is left: the successor's word counts.
        assert!(published);
        assert_eq!(node.load().role, Role::Reader, "the past was published");
        // It published before the lease changed hands, or not at all.
        assert_eq!(published_late, taken.before.role == Role::Writer);
    });
}

#[test]
fn a_result_that_changes_nothing_is_fenced_as_well() {
    every_interleaving(|| {
        let node = Arc::new(NodeSlot::default());
        node.apply(Event::ProbeAnswered(Role::Writer), true, &POLICY, 0);
        let began = word_of(&node);
        let its = Arc::clone(&node);
        let taker = thread::spawn(move || its.apply(Event::LeaseTaken, true, &POLICY, 20));
        taker.join().unwrap();
        let learnt = Event::ProbeAnswered(Role::Writer);
        assert!(node.exchange(began, learnt, true, &POLICY, 30).is_err());
    });
}

#[test]
fn changes_of_two_processes_are_both_made() {
    every_interleaving(|| {
        let node = Arc::new(NodeSlot::default());
        let its = Arc::clone(&node);
        let one = thread::spawn(move || {
            its.apply(Event::WriteRefused(Role::Reader), false, &POLICY, 10);
        });
        node.apply(Event::DialFailed { trial: false }, false, &POLICY, 20);
        one.join().unwrap();
        let state = node.load();
        assert_eq!((state.role, state.phase), (Role::Reader, Phase::Open));
        assert_ne!(state.epoch, NodeState::default().epoch);
    });
}

#[test]
fn the_epoch_moves_with_what_it_guards() {
    every_interleaving(|| {
        let node = Arc::new(NodeSlot::default());
        let its = Arc::clone(&node);
        let demoting = thread::spawn(move || {
            its.apply(Event::WriteRefused(Role::Reader), false, &POLICY, 10);
        });
        let seen = node.load();
        assert_eq!(seen.is_writable(), seen.epoch == 0);
        demoting.join().unwrap();
        assert!(!node.load().is_writable());
    });
}

#[test]
fn a_change_killed_anywhere_is_made_or_not_and_its_time_is_known() {
    for at in 0..LONG {
        every_interleaving(move || {
            let node = Arc::new(NodeSlot::default());
            let its = Arc::clone(&node);
            let killed = thread::spawn(move || {
                let failed = Event::DialFailed { trial: false };
                killed_at(at, || its.apply(failed, false, &POLICY, 1_000)).is_none()
            });
            // Somebody looks meanwhile.
            let early = node.load();
            node.since_ms(early, 1_005);
            let killed = killed.join().unwrap();
            let state = node.load();
            let opened = state.phase == Phase::Open;
            assert!(opened || state == NodeState::default());
            assert!(killed || opened);
            let since = node.since_ms(state, 1_010);
            assert_eq!(node.since_ms(state, 9_000), since, "it goes on moving");
            if opened {
                assert!([1_000, 1_005, 1_010].contains(&since), "{since}");
                assert!(killed || since == 1_000, "set anew: {since}");
            }
        });
    }
}

#[test]
fn an_older_change_does_not_set_the_time_of_a_newer_one() {
    every_interleaving(|| {
        let node = Arc::new(NodeSlot::default());
        let its = Arc::clone(&node);
        let opening = thread::spawn(move || {
            its.apply(Event::DialFailed { trial: false }, false, &POLICY, 1_000);
        });
        // It may be stopped between its two words while this goes on.
        let mut word = word_of(&node);
        if NodeState::unpack(word).phase == Phase::Open {
            let learnt = Event::ProbeAnswered(Role::Reader);
            while let Err(now) = node.exchange(word, learnt, true, &POLICY, 2_000) {
                word = now;
            }
            opening.join().unwrap();
            let state = node.load();
            assert_eq!(node.since_ms(state, 9_000), 2_000);
        } else {
            opening.join().unwrap();
        }
    });
}
