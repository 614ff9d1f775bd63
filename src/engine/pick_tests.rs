use super::*;
use crate::clock::now_ms;
use crate::testing::{cluster, spread};
use amm_core::breaker::Event;
use amm_core::config::Value;
use amm_core::node::AdminOverride;
use amm_core::verdict::{ErrorSeen, Phase as When};

const THREE: [&str; 3] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

fn me() -> Token {
    Token::new(77)
}

fn other() -> Token {
    Token::new(78)
}

fn chosen(cluster: &Cluster, key: u64) -> Chosen {
    match cluster.pick(Purpose::Write, key, NodeSet::default(), me(), now_ms()) {
        Pick::Chosen(chosen) => chosen,
        pick => panic!("{pick:?}"),
    }
}

fn fail(cluster: &Cluster, index: usize, errno: u32) {
    let epoch = cluster.node(index).load().epoch;
    let seen = ErrorSeen {
        errno: Some(errno),
        ..ErrorSeen::default()
    };
    cluster.report(index, epoch, &seen, When::Dial, me(), now_ms());
}

fn role(cluster: &Cluster, index: usize, role: Role) {
    let policy = &cluster.definition.policy;
    cluster
        .node(index)
        .apply(Event::ProbeAnswered(role), true, policy, now_ms());
}

#[test]
fn single_takes_priority_then_the_databases_rank_then_order() {
    let cluster = cluster(&THREE, &[("flavour", "galera".into())]);
    assert_eq!(chosen(&cluster, 1).index, 0);
    cluster.node(2).rank.store(1, Ordering::Relaxed);
    assert_eq!(chosen(&cluster, 1).index, 2);
    assert_eq!(cluster.incumbent(), Some(2));
}

#[test]
fn a_failed_node_is_passed_over_by_everyone_at_once() {
    let cluster = cluster(&THREE, &spread());
    let key = (0..).find(|k| chosen(&cluster, *k).index == 1).unwrap();
    fail(&cluster, 1, 2002);
    let next = chosen(&cluster, key);
    assert_ne!(next.index, 1);
    assert!(!next.trial);
}

#[test]
fn of_a_half_open_node_one_process_gets_the_trial_and_the_rest_go_on() {
    let cluster = cluster(
        &["10.0.0.1", "10.0.0.2"],
        &[
            ("flavour", "galera".into()),
            ("backoff", shortest_backoff()),
        ],
    );
    fail(&cluster, 0, 2002);
    let open_since = now_ms();
    while now_ms() < open_since + 12 {
        std::thread::park_timeout(std::time::Duration::from_millis(1));
    }
    let first = chosen(&cluster, 1);
    assert_eq!((first.index, first.trial), (0, true));
    let second = cluster.pick(Purpose::Write, 1, NodeSet::default(), other(), now_ms());
    assert!(
        matches!(second, Pick::Chosen(c) if c.index == 1 && !c.trial),
        "{second:?}"
    );
    let epoch = cluster.succeeded(0, first.epoch, me(), now_ms());
    assert_eq!(epoch, cluster.node(0).load().epoch);
    assert!(cluster.may_stay(0, epoch, Purpose::Write));
}

fn shortest_backoff() -> Value {
    Value::Map(vec![
        ("base".to_owned(), "10ms".into()),
        ("max".to_owned(), "10ms".into()),
    ])
}

#[test]
fn in_a_panic_one_dialler_per_node_and_the_others_wait() {
    let cluster = cluster(&["10.0.0.1"], &spread());
    fail(&cluster, 0, 2002);
    assert!(cluster.is_panicking(now_ms()));
    let first = chosen(&cluster, 1);
    assert!(first.trial);
    let second = cluster.pick(Purpose::Write, 1, NodeSet::default(), other(), now_ms());
    assert_eq!(second, Pick::Wait);
    cluster.succeeded(0, first.epoch, me(), now_ms());
    assert!(!cluster.is_panicking(now_ms()));
}

#[test]
fn a_panic_spares_what_operators_have_disabled() {
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &spread());
    let policy = &cluster.definition.policy;
    cluster.node(0).apply(
        Event::Admin(AdminOverride::Disabled),
        true,
        policy,
        now_ms(),
    );
    fail(&cluster, 1, 2002);
    let first = chosen(&cluster, 1);
    assert_eq!(first.index, 1);
    let rest = cluster.pick(Purpose::Write, 1, only(1), me(), now_ms());
    assert_eq!(rest, Pick::Nobody(vec![(0, Refusal::Disabled)]));
}

fn only(index: usize) -> NodeSet {
    let mut set = NodeSet::default();
    set.insert(index);
    set
}

#[test]
fn a_known_reader_never_gets_a_write_unasked() {
    let cluster = cluster(&["10.0.0.1"], &spread());
    role(&cluster, 0, Role::Reader);
    let pick = cluster.pick(Purpose::Write, 1, NodeSet::default(), me(), now_ms());
    assert_eq!(
        pick,
        Pick::Nobody(vec![(0, Refusal::Reader)]),
        "no credentials to ask it with"
    );
    let mut keys = spread();
    keys.push(("username", "amm".into()));
    let cluster = crate::testing::cluster(&["10.0.0.1"], &keys);
    role(&cluster, 0, Role::Unready);
    let pick = cluster.pick(Purpose::Write, 1, NodeSet::default(), me(), now_ms());
    assert!(
        matches!(
            pick,
            Pick::Chosen(Chosen {
                ask_first: true,
                ..
            })
        ),
        "{pick:?}"
    );
}

#[test]
fn of_two_writable_nodes_without_membership_the_incumbent_stays_the_writer() {
    let keys = [("flavour", Value::from("read_only"))];
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &keys);
    role(&cluster, 1, Role::Writer);
    assert_eq!(chosen(&cluster, 1).index, 1);
    role(&cluster, 0, Role::Writer);
    assert_eq!(chosen(&cluster, 1).index, 1);
}

#[test]
fn of_two_writable_nodes_none_known_before_neither_gets_a_write() {
    let keys = [("flavour", Value::from("read_only"))];
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &keys);
    role(&cluster, 0, Role::Writer);
    role(&cluster, 1, Role::Writer);
    let pick = cluster.pick(Purpose::Write, 1, NodeSet::default(), me(), now_ms());
    assert_eq!(
        pick,
        Pick::Nobody(vec![(0, Refusal::Ambiguous), (1, Refusal::Ambiguous)])
    );
}

#[test]
fn a_drained_node_keeps_its_own_and_takes_no_new_ones() {
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &[("flavour", "galera".into())]);
    let first = chosen(&cluster, 1);
    let policy = &cluster.definition.policy;
    cluster.node(0).apply(
        Event::Admin(AdminOverride::Draining),
        true,
        policy,
        now_ms(),
    );
    assert!(cluster.may_stay(0, first.epoch, Purpose::Write));
    assert_eq!(chosen(&cluster, 1).index, 1);
    cluster.node(0).apply(
        Event::Admin(AdminOverride::Disabled),
        true,
        policy,
        now_ms(),
    );
    assert!(!cluster.may_stay(0, first.epoch, Purpose::Write));
}

#[test]
fn manual_failback_stays_where_it_went() {
    let keys = [
        ("flavour", Value::from("galera")),
        ("failback", "manual".into()),
    ];
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &keys);
    assert_eq!(chosen(&cluster, 1).index, 0);
    fail(&cluster, 0, 2002);
    assert_eq!(chosen(&cluster, 1).index, 1);
    role(&cluster, 0, Role::Writer);
    assert_eq!(chosen(&cluster, 1).index, 1);
}

#[test]
fn reads_go_to_readers_then_to_the_writer_of_the_key() {
    let cluster = cluster(&THREE, &spread());
    for key in 0..50 {
        let read = cluster.pick(Purpose::Read, key, NodeSet::default(), me(), now_ms());
        let Pick::Chosen(read) = read else {
            panic!("{read:?}")
        };
        assert_eq!(read.index, chosen(&cluster, key).index);
    }
    role(&cluster, 2, Role::Reader);
    let read = cluster.pick(Purpose::Read, 1, NodeSet::default(), me(), now_ms());
    assert!(matches!(read, Pick::Chosen(c) if c.index == 2));
}

#[test]
fn a_refuted_reporter_is_not_believed_for_a_while() {
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &spread());
    fail(&cluster, 0, 2002);
    role(&cluster, 0, Role::Writer);
    cluster.distrust_reporter(0, now_ms());
    fail(&cluster, 0, 2002);
    assert!(
        cluster.node(0).load().is_writable(),
        "the same process, refuted a moment ago"
    );
    let seen = ErrorSeen {
        errno: Some(2002),
        ..ErrorSeen::default()
    };
    let epoch = cluster.node(0).load().epoch;
    cluster.report(0, epoch, &seen, When::Dial, other(), now_ms());
    assert!(!cluster.node(0).load().is_writable(), "another process");
}

fn read(cluster: &Cluster, key: u64, tried: NodeSet) -> Chosen {
    match cluster.pick(Purpose::Read, key, tried, me(), now_ms()) {
        Pick::Chosen(chosen) => chosen,
        pick => panic!("{pick:?}"),
    }
}

/// As a probe leaves a reader that is so far behind.
fn reader(cluster: &Cluster, index: usize, lag_ms: Option<u32>) {
    role(cluster, index, Role::Reader);
    let node = cluster.node(index);
    node.lag_ms
        .store(lag_ms.map_or(0, |ms| ms + 1), Ordering::Relaxed);
    node.record_probe(now_ms(), ProbeOutcome::Answered, None);
}

#[test]
fn readers_behind_the_limit_are_passed_over_while_anyone_else_serves() {
    let keys = [("flavour", "read_only".into()), ("max_lag", "5s".into())];
    let cluster = cluster(&THREE, &keys);
    role(&cluster, 0, Role::Writer);
    reader(&cluster, 1, Some(5_000));
    reader(&cluster, 2, Some(5_001));
    for key in 0..50 {
        assert_eq!(read(&cluster, key, NodeSet::default()).index, 1);
    }
    // Then the writer, and only then what is behind.
    let mut tried = NodeSet::default();
    tried.insert(1);
    assert_eq!(read(&cluster, 7, tried).index, 0);
    tried.insert(0);
    let last = read(&cluster, 7, tried);
    assert_eq!((last.index, last.trial), (2, false));
}

#[test]
fn a_lag_that_is_unknown_or_long_past_bans_nobody() {
    let keys = [("flavour", "read_only".into()), ("max_lag", "5s".into())];
    let cluster = cluster(&THREE, &keys);
    role(&cluster, 0, Role::Writer);
    reader(&cluster, 1, None);
    reader(&cluster, 2, Some(60_000));
    let served = |key| read(&cluster, key, NodeSet::default()).index;
    assert!((0..50).all(|key| served(key) == 1));
    let long_ago = now_ms() - cluster.definition.fresh_ms() - 1;
    cluster
        .node(2)
        .record_probe(long_ago, ProbeOutcome::Answered, None);
    assert!((0..50).any(|key| served(key) == 2));
}

#[test]
fn a_role_that_nobody_can_ask_for_is_forgotten_in_time() {
    use crate::node::ProbeOutcome;
    let cluster = crate::testing::cluster(
        &["a"],
        &[
            ("flavour", "galera".into()),
            ("username", "probe".into()),
            (
                "backoff",
                amm_core::config::Value::Map(vec![(
                    "jitter".to_owned(),
                    amm_core::config::Value::Int(0),
                )]),
            ),
        ],
    );
    let now = crate::clock::now_ms();
    let node = cluster.node(0);
    node.apply(
        Event::WriteRefused(Role::Reader),
        false,
        &cluster.definition.policy,
        now,
    );
    let admission = |at| cluster.glance(0, Purpose::Write, at).admission;
    // A probe that is refused for a moment says nothing; one that is let in and
    // not told will not be told next time either.
    node.record_probe(now, ProbeOutcome::Inconclusive, None);
    assert_eq!(admission(now + 60_000), Admission::Refused(Refusal::Reader));
    for outcome in [ProbeOutcome::Untold, ProbeOutcome::NoLogin] {
        node.record_probe(now, outcome, None);
        assert_eq!(admission(now + 900), Admission::Refused(Refusal::Reader));
        assert_eq!(admission(now + 1_000), Admission::Trial, "{outcome:?}");
    }
}

#[test]
fn manual_failback_ends_when_an_operator_drains_the_stand_in() {
    let keys = [
        ("flavour", Value::from("galera")),
        ("failback", "manual".into()),
    ];
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &keys);
    let says = |admin| {
        let policy = &cluster.definition.policy;
        cluster
            .node(1)
            .apply(Event::Admin(admin), true, policy, now_ms());
    };
    assert_eq!(chosen(&cluster, 1).index, 0);
    fail(&cluster, 0, 2002);
    let stand_in = chosen(&cluster, 1);
    role(&cluster, 0, Role::Writer);
    assert_eq!(chosen(&cluster, 1).index, 1);
    says(AdminOverride::Draining);
    assert_eq!(chosen(&cluster, 1).index, 0);
    assert!(
        cluster.may_stay(1, stand_in.epoch, Purpose::Write),
        "those on it finish"
    );
    says(AdminOverride::Enabled);
    assert_eq!(chosen(&cluster, 1).index, 0, "and it stays that way");
}

#[test]
fn where_only_a_draining_node_is_well_new_ones_share_it() {
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &spread());
    let policy = &cluster.definition.policy;
    let drain = Event::Admin(AdminOverride::Draining);
    cluster.node(1).apply(drain, true, policy, now_ms());
    fail(&cluster, 0, 2002);
    for who in [me(), other()] {
        let pick = cluster.pick(Purpose::Write, 1, NodeSet::default(), who, now_ms());
        assert!(
            matches!(pick, Pick::Chosen(c) if c.index == 1 && !c.trial),
            "{pick:?}"
        );
    }
}

#[test]
fn whoever_was_refuted_uses_up_no_trial() {
    let keys = [
        ("flavour", Value::from("galera")),
        ("backoff", shortest_backoff()),
    ];
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &keys);
    fail(&cluster, 1, 2002);
    role(&cluster, 1, Role::Writer);
    cluster.distrust_reporter(1, now_ms());
    let epoch = cluster.node(0).load().epoch;
    let seen = ErrorSeen {
        errno: Some(2002),
        ..ErrorSeen::default()
    };
    let now = now_ms();
    cluster.report(0, epoch, &seen, When::Dial, other(), now);
    let pick = |who| cluster.pick(Purpose::Write, 1, NodeSet::default(), who, now + 20);
    assert!(matches!(pick(me()), Pick::Chosen(c) if c.index == 1));
    assert!(matches!(pick(other()), Pick::Chosen(c) if c.index == 0 && c.trial));
}

#[test]
fn a_trial_that_succeeds_alone_makes_the_incumbent_and_beside_another_no_handle() {
    let keys = [("flavour", Value::from("read_only"))];
    let cluster = cluster(&["10.0.0.1", "10.0.0.2"], &keys);
    let policy = &cluster.definition.policy;
    let down = Event::ProbeFailed { fatal: true };
    role(&cluster, 0, Role::Writer);
    role(&cluster, 1, Role::Reader);
    assert_eq!(chosen(&cluster, 1).index, 0);
    cluster.node(0).apply(down, true, policy, now_ms());
    // A dial of the old writer is under way when the new one is promoted and tried.
    let old = chosen(&cluster, 1);
    assert_eq!((old.index, old.trial), (0, true));
    role(&cluster, 1, Role::Writer);
    let new = cluster.node(1).load().epoch;
    assert!(
        cluster
            .node(1)
            .claim_trial(me(), now_ms(), now_ms() + 1_000)
    );
    let new = cluster.succeeded(1, new, me(), now_ms());
    assert!(cluster.may_stay(1, new, Purpose::Write));
    assert_eq!(cluster.incumbent(), Some(1));
    let late = cluster.succeeded(0, old.epoch, me(), now_ms());
    assert!(!cluster.may_stay(0, late, Purpose::Write));
    assert_eq!(cluster.incumbent(), Some(1));
}
