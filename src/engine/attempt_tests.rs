use super::*;
use crate::testing::{cluster, spread};
use amm_core::breaker::Event;
use amm_core::config::Value;
use amm_core::probe::{Judgement, Reason};
use amm_core::verdict::{ErrorSeen, Phase as When};
use std::sync::atomic::AtomicUsize;

fn fail(cluster: &Cluster, index: usize, me: Token) {
    let epoch = cluster.node(index).load().epoch;
    let seen = ErrorSeen {
        errno: Some(2002),
        ..ErrorSeen::default()
    };
    cluster.report(index, epoch, &seen, When::Dial, me, now_ms());
}

#[test]
fn no_node_is_offered_twice_and_the_end_names_none_left() {
    let cluster = cluster(&["10.0.0.1", "10.0.0.2", "10.0.0.3"], &spread());
    let me = Token::new(1);
    let mut attempt = Attempt::new(&cluster, Purpose::Write, 7, me, now_ms());
    let mut offered = Vec::new();
    while let Next::Dial(chosen, ms) = attempt.advance() {
        assert!(ms <= 1_000);
        offered.push(chosen.index);
        fail(&cluster, chosen.index, me);
    }
    offered.sort_unstable();
    assert_eq!(offered, [0, 1, 2]);
}

#[test]
fn the_deadline_ends_a_call() {
    let keys = [
        ("connect_timeout", Value::from("20ms")),
        ("connect_deadline", "30ms".into()),
    ];
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &keys);
    let mut attempt = Attempt::new(&cluster, Purpose::Write, 7, Token::new(1), now_ms());
    let Next::Dial(_, ms) = attempt.advance() else {
        panic!()
    };
    assert!(ms <= 20);
    let began = now_ms();
    while now_ms() < began + 31 {
        std::thread::park_timeout(std::time::Duration::from_millis(1));
    }
    assert!(matches!(attempt.advance(), Next::DeadlineExceeded));
}

/// Two hundred workers find the only node down. Each moment one dials; a few
/// wait for it; the rest are told at once.
#[test]
fn a_pool_of_workers_does_not_stand_still_for_a_cluster_that_is_gone() {
    let keys = [
        ("flavour", Value::from("galera")),
        ("connect_deadline", "1s".into()),
    ];
    let cluster = cluster(&["10.0.0.1"], &keys);
    fail(&cluster, 0, Token::new(1));
    let (dialling, most, told) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    let waited = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 0..200u64 {
            let (cluster, dialling, most, told, waited) =
                (&cluster, &dialling, &most, &told, &waited);
            scope.spawn(move || {
                let me = Token::new(1_000 + worker);
                let began = now_ms();
                let mut attempt = Attempt::new(cluster, Purpose::Write, worker, me, now_ms());
                match attempt.advance() {
                    Next::Dial(chosen, _) => {
                        most.fetch_max(
                            dialling.fetch_add(1, Ordering::SeqCst) + 1,
                            Ordering::SeqCst,
                        );
                        let dial_began = now_ms();
                        while now_ms() < dial_began + 50 {
                            std::thread::park_timeout(std::time::Duration::from_millis(1));
                        }
                        dialling.fetch_sub(1, Ordering::SeqCst);
                        fail(cluster, chosen.index, me);
                    }
                    Next::NoWriter(_) if now_ms() - began < 100 => {
                        told.fetch_add(1, Ordering::SeqCst);
                    }
                    _ => {
                        waited.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 1, "one dialler at a time");
    assert!(
        told.load(Ordering::SeqCst) > 100,
        "most are told at once: {told:?}, {waited:?}"
    );
}

#[test]
fn those_who_wait_go_on_when_the_trial_succeeds() {
    let cluster = cluster(&["10.0.0.1"], &spread());
    let (first, second) = (Token::new(1), Token::new(2));
    fail(&cluster, 0, first);
    let mut trial = Attempt::new(&cluster, Purpose::Write, 7, first, now_ms());
    let Next::Dial(chosen, _) = trial.advance() else {
        panic!()
    };
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut attempt = Attempt::new(&cluster, Purpose::Write, 7, second, now_ms());
            matches!(attempt.advance(), Next::Dial(c, _) if !c.trial)
        });
        let began = now_ms();
        while now_ms() < began + 50 {
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
        cluster.succeeded(0, chosen.epoch, first, now_ms());
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn a_node_that_was_asked_in_vain_is_told_by_what_it_said() {
    for (role, refusal) in [
        (Role::Unready, Refusal::Unready),
        (Role::Reader, Refusal::Reader),
    ] {
        let keys = [
            ("flavour", Value::from("galera")),
            ("username", "probe".into()),
        ];
        let cluster = cluster(&["10.0.0.1"], &keys);
        let no_quorum = ProbeResult::of(Finding::Answered(Judgement::not_writer(
            role,
            None,
            Reason::NoQuorum,
        )));
        let word = cluster.node(0).state.load(Ordering::Acquire);
        probe::publish(&cluster, 0, word, &no_quorum, now_ms()).unwrap();
        // Long enough ago to be asked again.
        let later = now_ms() + 5_000;
        let mut attempt = Attempt::new(&cluster, Purpose::Write, 7, Token::new(1), later);
        let Step::Ask(chosen, _) = attempt.step(later) else {
            panic!("not asked");
        };
        let word = cluster.node(0).state.load(Ordering::Acquire);
        attempt.asked(chosen, word, &no_quorum, later);
        let Step::Done(Next::NoWriter(refusals)) = attempt.step(later) else {
            panic!("dialled");
        };
        assert_eq!(refusals, [(0, refusal)]);
    }
}

/// The node that was asked in the midst of a call, since it is known not to be
/// a writer, answers that it is a donor.
#[test]
fn a_donor_that_is_asked_because_nobody_else_is_left_gets_the_write() {
    for (last_resort, offered) in [(true, true), (false, false)] {
        let keys = [
            ("flavour", Value::from("galera")),
            ("username", "probe".into()),
        ];
        let cluster = cluster(&["10.0.0.1"], &keys);
        let donor = Judgement {
            last_resort,
            ..Judgement::not_writer(Role::Unready, None, Reason::Donor)
        };
        let policy = &cluster.definition.policy;
        let node = cluster.node(0);
        node.apply(Event::ProbeAnswered(Role::Unready), true, policy, now_ms());
        let mut attempt = Attempt::new(&cluster, Purpose::Write, 7, Token::new(1), now_ms());
        let Step::Ask(chosen, _) = attempt.step(now_ms()) else {
            panic!()
        };
        let word = node.state.load(Ordering::Acquire);
        let answer = ProbeResult::of(Finding::Answered(donor));
        attempt.asked(chosen, word, &answer, now_ms());
        let next = attempt.step(now_ms());
        assert_eq!(
            matches!(next, Step::Done(Next::Dial(..))),
            offered,
            "{next:?}"
        );
    }
}
