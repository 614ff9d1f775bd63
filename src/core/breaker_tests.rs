use super::*;
use crate::admission::{Admission, Purpose, Refusal, Seen, admit, hold_ms, settle_ms};
use proptest::prelude::*;

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

fn run(start: NodeState, watched: bool, events: &[Event]) -> NodeState {
    events
        .iter()
        .fold(start, |state, event| step(state, *event, watched, &POLICY))
}

fn writer() -> NodeState {
    NodeState {
        role: Role::Writer,
        ..NodeState::default()
    }
}

fn admitted(state: NodeState, elapsed: u64, watched: bool) -> Admission {
    let seen = Seen {
        state,
        since_ms: 5_000,
        now_ms: 5_000 + elapsed,
        seen_ms: 5_000 + elapsed,
        watched,
        askable: watched,
        dice: 0,
    };
    admit(Purpose::Write, &seen, &POLICY)
}

#[test]
fn a_failed_dial_opens_at_once_and_moves_the_epoch() {
    let open = run(writer(), true, &[Event::DialFailed { trial: false }]);
    assert_eq!(
        (open.phase, open.health, open.passive),
        (Phase::Open, Health::Suspect, true)
    );
    assert_eq!(open.epoch, 1);
    assert_eq!(
        admitted(open, 60_000, true),
        Admission::Refused(Refusal::Open)
    );
}

#[test]
fn dials_that_were_under_way_change_nothing_more() {
    let open = run(writer(), false, &[Event::DialFailed { trial: false }]);
    assert_eq!(
        run(open, false, &[Event::DialFailed { trial: false }]),
        open
    );
}

#[test]
fn a_lone_report_is_refuted_by_a_login_without_hold_down() {
    let back = run(
        writer(),
        true,
        &[
            Event::DialFailed { trial: false },
            Event::ProbeAnswered(Role::Writer),
        ],
    );
    assert_eq!(
        (back.phase, back.scar, back.streak),
        (Phase::Closed, false, 0)
    );
    assert_eq!(admitted(back, 0, true), Admission::Open);
}

#[test]
fn a_confirmed_failure_is_held_down_then_tried_once_then_ramped() {
    let down = run(
        writer(),
        true,
        &[
            Event::DialFailed { trial: false },
            Event::ProbeFailed { fatal: true },
        ],
    );
    assert_eq!((down.health, down.passive), (Health::Down, false));
    let seen_well = run(down, true, &[Event::ProbeAnswered(Role::Writer)]);
    assert_eq!(seen_well.phase, Phase::Recovering);
    assert_eq!(
        admitted(seen_well, 1_999, true),
        Admission::Refused(Refusal::HeldDown)
    );
    assert_eq!(admitted(seen_well, 2_000, true), Admission::Trial);
    let back = run(seen_well, true, &[Event::DialSucceeded { trial: true }]);
    assert_eq!(admitted(back, 0, true), Admission::Ramp(0));
    assert_eq!(admitted(back, 5_000, true), Admission::Ramp(0x8000));
    assert_eq!(admitted(back, 10_000, true), Admission::Open);
    assert_eq!(back.epoch, 2);
}

#[test]
fn only_the_trial_closes_an_open_breaker() {
    let open = run(writer(), true, &[Event::DialFailed { trial: false }]);
    assert_eq!(
        run(open, true, &[Event::DialSucceeded { trial: false }]),
        open
    );
}

#[test]
fn without_a_monitor_the_backoff_alone_admits_a_trial_and_doubles() {
    let open = run(writer(), false, &[Event::DialFailed { trial: false }]);
    assert_eq!(
        admitted(open, 999, false),
        Admission::Refused(Refusal::Open)
    );
    assert_eq!(admitted(open, 1_000, false), Admission::Trial);
    let again = run(open, false, &[Event::DialFailed { trial: true }]);
    assert_ne!(again.seq, open.seq, "time starts anew");
    assert_eq!(
        admitted(again, 1_999, false),
        Admission::Refused(Refusal::Open)
    );
    assert_eq!(admitted(again, 2_000, false), Admission::Trial);
}

#[test]
fn a_node_that_flaps_waits_longer_each_time() {
    let flap = [
        Event::ProbeFailed { fatal: true },
        Event::ProbeAnswered(Role::Writer),
        Event::DialSucceeded { trial: true },
    ];
    let mut state = writer();
    let mut holds = Vec::new();
    for _ in 0..5 {
        state = run(state, true, &flap[..2]);
        holds.push(hold_ms(state, 0, &POLICY));
        state = run(state, true, &flap[2..]);
    }
    assert_eq!(holds, [2_000, 2_000, 4_000, 8_000, 16_000]);
    assert_eq!(run(state, true, &[Event::Settled]).streak, 0);
}

#[test]
fn a_node_that_flaps_waits_longer_without_a_slow_start_too() {
    let policy = Policy {
        slow_start_ms: 0,
        ..POLICY
    };
    let back = [
        Event::ProbeFailed { fatal: true },
        Event::ProbeAnswered(Role::Writer),
        Event::DialSucceeded { trial: true },
    ];
    let once = run(writer(), true, &back);
    assert_eq!(settle_ms(once, 0, &policy), 2_000);
    let thrice = run(once, true, &[back, back].concat());
    assert_eq!(settle_ms(thrice, 0, &policy), 4_000);
}

#[test]
fn a_half_open_node_was_seen_well_for_its_hold_down_up_to_its_last_probe() {
    let state = run(
        writer(),
        true,
        &[
            Event::ProbeFailed { fatal: true },
            Event::ProbeAnswered(Role::Writer),
        ],
    );
    let seen = |seen_ms| Seen {
        state,
        since_ms: 0,
        now_ms: 2_400,
        seen_ms,
        watched: true,
        askable: true,
        dice: 0,
    };
    // It may have hung since.
    assert_eq!(
        admit(Purpose::Write, &seen(1_900), &POLICY),
        Admission::Refused(Refusal::HeldDown)
    );
    assert_eq!(
        admit(Purpose::Write, &seen(2_000), &POLICY),
        Admission::Trial
    );
}

#[test]
fn late_probes_open_only_in_a_row() {
    let late = Event::ProbeFailed { fatal: false };
    let once = run(writer(), true, &[late]);
    assert_eq!((once.phase, once.health), (Phase::Closed, Health::Suspect));
    let good = run(once, true, &[Event::ProbeAnswered(Role::Writer), late]);
    assert_eq!(good.phase, Phase::Closed);
    assert_eq!(run(good, true, &[late]).phase, Phase::Open);
}

#[test]
fn lost_connections_ban_nobody() {
    for watched in [true, false] {
        let state = run(writer(), watched, &[Event::ConnectionLost; 40]);
        assert_eq!(
            (state.phase, state.health),
            (Phase::Closed, Health::Suspect)
        );
    }
}

#[test]
fn a_sick_process_that_fails_its_trials_too_is_refuted_all_the_same() {
    let mut state = writer();
    for _ in 0..20 {
        state = run(
            state,
            true,
            &[
                Event::DialFailed { trial: false },
                Event::DialFailed { trial: true },
                Event::ProbeAnswered(Role::Writer),
            ],
        );
        assert_eq!(admitted(state, 0, true), Admission::Open);
    }
}

#[test]
fn a_failed_trial_of_a_node_seen_well_waits_for_the_next_probe() {
    let seen_well = run(
        writer(),
        true,
        &[
            Event::ProbeFailed { fatal: true },
            Event::ProbeAnswered(Role::Writer),
        ],
    );
    let failed = run(seen_well, true, &[Event::DialFailed { trial: true }]);
    assert_eq!(
        (failed.phase, failed.passive, failed.streak),
        (Phase::Open, true, 0)
    );
    assert!(run(failed, true, &[Event::ProbeAnswered(Role::Writer)]).is_writable());
}

#[test]
fn a_standby_that_nobody_tries_is_taken_back() {
    let seen_well = run(
        writer(),
        true,
        &[
            Event::ProbeFailed { fatal: true },
            Event::ProbeAnswered(Role::Writer),
        ],
    );
    assert!(run(seen_well, true, &[Event::Untried]).is_writable());
}

/// As a Galera node restarts where nobody can probe: refused, refused again,
/// then not ready. It must come back by time alone.
#[test]
fn where_nobody_can_ask_no_role_lasts_for_ever() {
    let restarted = run(
        writer(),
        false,
        &[
            Event::DialFailed { trial: false },
            Event::DialFailed { trial: true },
            Event::WriteRefused(Role::Unready),
        ],
    );
    assert_eq!(admitted(restarted, 60_000, false), Admission::Trial);
    let tried = run(restarted, false, &[Event::DialSucceeded { trial: true }]);
    assert!(tried.is_writable());
}

#[test]
fn overload_opens_only_if_it_persists() {
    let full = Event::Overloaded { trial: false };
    assert_eq!(run(writer(), true, &[full; 7]).phase, Phase::Closed);
    assert_eq!(run(writer(), true, &[full; 8]).phase, Phase::Open);
    let mut broken_up = vec![full; 7];
    broken_up.push(Event::DialSucceeded { trial: false });
    broken_up.extend([full; 7]);
    assert_eq!(run(writer(), true, &broken_up).phase, Phase::Closed);
}

#[test]
fn a_trial_that_finds_the_node_still_full_makes_the_next_one_wait() {
    let full = run(writer(), false, &[Event::Overloaded { trial: false }; 8]);
    assert_eq!(admitted(full, 1_000, false), Admission::Trial);
    let tried = run(full, false, &[Event::Overloaded { trial: true }]);
    assert_eq!((tried.phase, tried.streak), (Phase::Open, 1));
    assert_ne!(tried.seq, full.seq, "its time starts anew");
    assert_eq!(
        admitted(tried, 1_000, false),
        Admission::Refused(Refusal::Open)
    );
    let seen_well = run(tried, true, &[Event::ProbeAnswered(Role::Writer)]);
    let again = run(seen_well, true, &[Event::Overloaded { trial: true }]);
    assert_eq!((again.phase, again.streak), (Phase::Open, 2));
}

#[test]
fn a_refused_write_takes_the_role_until_a_probe_says_otherwise() {
    let demoted = run(writer(), true, &[Event::WriteRefused(Role::Reader)]);
    assert_eq!((demoted.role, demoted.epoch), (Role::Reader, 1));
    assert_eq!(
        admitted(demoted, 60_000, true),
        Admission::Refused(Refusal::Reader)
    );
    let confirmed = run(demoted, true, &[Event::ProbeAnswered(Role::Reader)]);
    assert!(confirmed.scar && !confirmed.passive);
    let restored = run(confirmed, true, &[Event::ProbeAnswered(Role::Writer)]);
    assert_eq!(restored.phase, Phase::Recovering);
    let refuted = run(demoted, true, &[Event::ProbeAnswered(Role::Writer)]);
    assert_eq!(admitted(refuted, 0, true), Admission::Open);
}

#[test]
fn where_nobody_probes_a_refused_write_is_forgotten_in_time() {
    let demoted = run(writer(), false, &[Event::WriteRefused(Role::Reader)]);
    assert_eq!(
        admitted(demoted, 999, false),
        Admission::Refused(Refusal::Reader)
    );
    assert_eq!(admitted(demoted, 1_000, false), Admission::Trial);
    let tried = run(demoted, false, &[Event::DialSucceeded { trial: true }]);
    assert_eq!(tried.role, Role::Unknown);
    let again = run(tried, false, &[Event::WriteRefused(Role::Reader)]);
    assert_eq!(
        admitted(again, 1_999, false),
        Admission::Refused(Refusal::Reader)
    );
}

#[test]
fn a_reader_is_good_for_reads() {
    let state = NodeState {
        role: Role::Reader,
        ..NodeState::default()
    };
    let seen = Seen {
        state,
        since_ms: 0,
        now_ms: 9,
        seen_ms: 9,
        watched: true,
        askable: true,
        dice: 0,
    };
    assert_eq!(admit(Purpose::Read, &seen, &POLICY), Admission::Open);
    let unready = Seen {
        state: NodeState {
            role: Role::Unready,
            ..state
        },
        ..seen
    };
    assert_eq!(
        admit(Purpose::Read, &unready, &POLICY),
        Admission::Refused(Refusal::Unready)
    );
}

#[test]
fn a_node_promoted_for_the_first_time_is_wanted_at_once() {
    let replica = run(
        NodeState::default(),
        true,
        &[Event::ProbeAnswered(Role::Reader)],
    );
    assert_eq!(replica.epoch, 1);
    let promoted = run(replica, true, &[Event::ProbeAnswered(Role::Writer)]);
    assert_eq!(admitted(promoted, 0, true), Admission::Open);
}

#[test]
fn a_cold_start_serves_at_once_and_learning_the_role_moves_no_epoch() {
    assert_eq!(admitted(NodeState::default(), 0, false), Admission::Open);
    let seen = run(
        NodeState::default(),
        true,
        &[Event::ProbeAnswered(Role::Writer)],
    );
    assert_eq!((seen.epoch, seen.scar), (0, false));
}

#[test]
fn a_failure_while_recovering_starts_over() {
    let seen_well = run(
        writer(),
        true,
        &[
            Event::ProbeFailed { fatal: true },
            Event::ProbeAnswered(Role::Writer),
        ],
    );
    let again = run(seen_well, true, &[Event::ProbeFailed { fatal: false }]);
    assert_eq!((again.phase, again.streak), (Phase::Open, 1));
}

fn events() -> impl Strategy<Value = Event> {
    let role = prop_oneof![Just(Role::Writer), Just(Role::Reader), Just(Role::Unready)];
    prop_oneof![
        any::<bool>().prop_map(|trial| Event::DialFailed { trial }),
        Just(Event::ConnectionLost),
        any::<bool>().prop_map(|trial| Event::Overloaded { trial }),
        role.clone().prop_map(Event::WriteRefused),
        any::<bool>().prop_map(|trial| Event::DialSucceeded { trial }),
        role.prop_map(Event::ProbeAnswered),
        any::<bool>().prop_map(|fatal| Event::ProbeFailed { fatal }),
        Just(Event::Settled),
        Just(Event::Untried),
        Just(Event::LeaseTaken),
        Just(Event::Admin(AdminOverride::Disabled)),
        Just(Event::Admin(AdminOverride::Enabled)),
    ]
}

proptest! {
    /// From any word at all: two good probes and a trial bring a node back.
    #[test]
    fn no_state_is_a_trap(word: u64, watched: bool) {
        let good = Event::ProbeAnswered(Role::Writer);
        let state = run(
            NodeState::unpack(word),
            watched,
            &[Event::Admin(AdminOverride::Enabled), good, good, Event::DialSucceeded { trial: true }],
        );
        prop_assert!(state.is_writable());
    }

    #[test]
    fn writability_never_changes_under_an_unchanged_epoch(
        word: u64,
        watched: bool,
        sequence in proptest::collection::vec(events(), 1..60),
    ) {
        let mut state = NodeState::unpack(word);
        for event in sequence {
            let next = step(state, event, watched, &POLICY);
            prop_assert_eq!(next.is_writable() == state.is_writable(), next.epoch == state.epoch);
            prop_assert_eq!(NodeState::unpack(next.pack()), next);
            if next.phase != state.phase {
                prop_assert_ne!(next.seq, state.seq);
            }
            state = next;
        }
    }

    #[test]
    fn conflicts_aside_nothing_a_single_process_says_survives_a_good_probe(
        sequence in proptest::collection::vec(prop_oneof![
            any::<bool>().prop_map(|trial| Event::DialFailed { trial }),
            Just(Event::ConnectionLost),
            Just(Event::WriteRefused(Role::Reader)),
            Just(Event::WriteRefused(Role::Unready)),
        ], 1..20),
    ) {
        let state = run(run(writer(), true, &sequence), true, &[Event::ProbeAnswered(Role::Writer)]);
        prop_assert_eq!(admitted(state, 0, true), Admission::Open);
    }
}

#[test]
fn a_listed_node_gets_nothing_until_it_was_seen_to_be_a_writer() {
    let fresh = NodeState::default();
    let listed = step(fresh, Event::Listed { held: false }, true, &POLICY);
    assert!(!listed.is_writable());
    assert_ne!(
        listed.epoch, fresh.epoch,
        "whoever took it for a writer chooses anew"
    );
    let seen = step(listed, Event::ProbeAnswered(Role::Writer), true, &POLICY);
    assert_eq!((seen.phase, seen.is_writable()), (Phase::Closed, true));
    // Of one that is known already a list says nothing new.
    assert_eq!(
        step(seen, Event::Listed { held: true }, true, &POLICY),
        seen
    );
}

#[test]
fn one_that_joins_a_running_cluster_is_held_down_and_ramped() {
    let listed = step(
        NodeState::default(),
        Event::Listed { held: true },
        true,
        &POLICY,
    );
    let seen = step(listed, Event::ProbeAnswered(Role::Writer), true, &POLICY);
    assert_eq!((seen.phase, seen.scar), (Phase::Recovering, true));
}

#[test]
fn a_retired_node_takes_nothing_and_its_return_is_held_down() {
    for phase in [Phase::Closed, Phase::Open, Phase::Recovering] {
        for role in [Role::Writer, Role::Reader, Role::Unready, Role::Unknown] {
            let state = NodeState {
                phase,
                role,
                ..NodeState::default()
            };
            let retired = step(state, Event::Retired, true, &POLICY);
            assert!(!retired.is_writable() && retired.phase == Phase::Open);
            assert_eq!(retired.epoch != state.epoch, state.is_writable());
            assert_eq!(step(retired, Event::Retired, true, &POLICY), retired);
            let back = step(retired, Event::ProbeAnswered(Role::Writer), true, &POLICY);
            assert_eq!((back.phase, back.scar), (Phase::Recovering, true));
        }
    }
}
