use amm_core::admission::{Admission, Purpose};
use amm_core::config::Value;
use amm_core::discovery::roster::LEAVE_MS;
use amm_core::probe::{Member, Presence, View};

use super::*;
use crate::testing;

const NOW: u64 = 1_000_000;

fn keys(patterns: &[&str]) -> Vec<(&'static str, Value)> {
    let patterns = patterns.iter().map(|p| Value::Str((*p).to_owned()));
    let mut keys = testing::spread();
    keys.extend([
        ("username", "amm".into()),
        ("password", "p".into()),
        ("discover", Value::Bool(true)),
        ("discover_hosts", Value::List(patterns.collect())),
    ]);
    keys
}

fn cluster() -> Arc<Cluster> {
    Arc::new(testing::cluster(&["10.0.0.1"], &keys(&["10.0.0.0/24"])))
}

/// The same cluster as another process sees it, with these patterns.
fn other(cluster: &Cluster, patterns: &[&str]) -> Cluster {
    let definition = testing::definition(&["10.0.0.1"], &keys(patterns));
    Cluster::attach(definition, Arc::clone(&cluster.mapping), NOW).unwrap()
}

fn say(cluster: &Cluster, own: &str, members: &[&str], now: u64) {
    let member = |name: &&str| Member {
        name: format!("{name}:3306"),
        host: Some((*name).to_owned()),
        port: Some(3306),
        presence: Presence::Present,
        role: None,
        lag_ms: None,
    };
    let view = View {
        authoritative: true,
        own: Some(format!("{own}:3306")),
        members: members.iter().map(member).collect(),
    };
    let index = cluster.definition.find(&format!("{own}:3306")).unwrap();
    let node = cluster.definition.nodes[index].identity;
    let hash = amm_core::probe::name_hash(&format!("{own}:3306"));
    cluster.node(index).member.store(hash, Ordering::Relaxed);
    cluster.views.hear(node, now, &view);
}

/// Tends, and goes on with the new cluster if there is one.
fn tend(follower: &mut Follower, cluster: Arc<Cluster>, now: u64) -> Arc<Cluster> {
    follower.tend(&cluster, now).map_or(cluster, Arc::new)
}

fn ids(cluster: &Cluster) -> Vec<&str> {
    cluster
        .definition
        .nodes
        .iter()
        .map(|n| n.id.as_str())
        .collect()
}

fn see_writer(cluster: &Cluster, id: &str, now: u64) {
    let index = cluster.definition.find(id).unwrap();
    let policy = &cluster.definition.policy;
    cluster
        .node(index)
        .apply(Event::ProbeAnswered(Role::Writer), true, policy, now);
}

const ONE: &str = "10.0.0.1:3306";
const TWO: &str = "10.0.0.2:3306";
const THREE: &str = "10.0.0.3:3306";

#[test]
fn members_are_found_by_every_process_and_get_nothing_before_a_probe() {
    let cluster = cluster();
    let process = other(&cluster, &["10.0.0.0/24"]);
    let mut follower = Follower::new(&cluster, NOW);
    assert!(process.renewed(NOW).is_none());
    say(
        &cluster,
        "10.0.0.1",
        &["10.0.0.1", "10.0.0.3", "10.0.0.2", "10.9.9.9"],
        NOW,
    );
    let cluster = tend(&mut follower, cluster, NOW);
    assert_eq!(ids(&cluster), [ONE, TWO, THREE]);
    let process = process.renewed(NOW).unwrap();
    assert_eq!(ids(&process), [ONE, TWO, THREE]);
    assert!(process.renewed(NOW).is_none(), "nothing new");
    assert_eq!(
        ids(&other(&cluster, &["10.0.0.0/24"])),
        [ONE, TWO, THREE],
        "a fresh process"
    );
    assert_eq!(process.definition.identity, cluster.configured.identity);
    assert!(!process.node(1).load().is_writable());
    see_writer(&cluster, TWO, NOW);
    let glance = process.glance(1, Purpose::Write, NOW);
    assert_eq!(
        glance.admission,
        Admission::Open,
        "the cluster has only just begun"
    );
}

#[test]
fn each_process_asks_its_own_configuration() {
    let cluster = cluster();
    let mut follower = Follower::new(&cluster, NOW);
    say(
        &cluster,
        "10.0.0.1",
        &["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.9.9.9"],
        NOW,
    );
    let cluster = tend(&mut follower, cluster, NOW);
    assert_eq!(ids(&other(&cluster, &["10.0.0.3"])), [ONE, THREE]);
    assert_eq!(ids(&other(&cluster, &["10.9.9.9"])), [ONE, "10.9.9.9:3306"]);
    let warnings = roster::warnings(&cluster);
    assert_eq!(
        warnings,
        ["not used, since they match nothing in discover_hosts: 10.9.9.9:3306"]
    );
    let off = testing::definition(&["10.0.0.1"], &testing::spread());
    let off = Cluster::attach(off, Arc::clone(&cluster.mapping), NOW).unwrap();
    assert_eq!(ids(&off), [ONE]);
}

#[test]
fn a_latecomer_is_held_down() {
    let cluster = cluster();
    let mut follower = Follower::new(&cluster, NOW);
    say(&cluster, "10.0.0.1", &["10.0.0.1", "10.0.0.2"], NOW);
    let cluster = tend(&mut follower, cluster, NOW);
    say(
        &cluster,
        "10.0.0.1",
        &["10.0.0.1", "10.0.0.2", "10.0.0.3"],
        NOW + 1,
    );
    let cluster = tend(&mut follower, cluster, NOW + 1);
    see_writer(&cluster, THREE, NOW + 2);
    assert_eq!(cluster.node(2).load().phase, Phase::Recovering);
}

#[test]
fn a_node_that_left_is_retired_for_everyone_and_later_its_place_is_free() {
    let cluster = cluster();
    let mut follower = Follower::new(&cluster, NOW);
    say(
        &cluster,
        "10.0.0.1",
        &["10.0.0.1", "10.0.0.2", "10.0.0.3"],
        NOW,
    );
    let cluster = tend(&mut follower, cluster, NOW);
    see_writer(&cluster, TWO, NOW);
    see_writer(&cluster, THREE, NOW);
    let process = other(&cluster, &["10.0.0.0/24"]);
    let epoch = process.node(1).load().epoch;
    assert!(process.may_stay(1, epoch, Purpose::Write));
    let three = process.node(2).load().epoch;
    for now in [NOW + 1_000, NOW + 1_000 + LEAVE_MS] {
        assert!(process.may_stay(1, epoch, Purpose::Write));
        say(&cluster, "10.0.0.1", &["10.0.0.1", "10.0.0.3"], now);
        follower.tend(&cluster, now);
    }
    assert!(!process.may_stay(1, epoch, Purpose::Write), "retired");
    assert!(
        process.may_stay(2, three, Purpose::Write),
        "the others are not touched"
    );
    let cluster = Arc::new(other(&cluster, &["10.0.0.0/24"]));
    assert_eq!(ids(&cluster), [ONE, THREE]);
    assert_eq!(ids(&process.renewed(NOW).unwrap()), [ONE, THREE]);
    assert!(process.holds(1));
    let mut now = NOW + 1_000 + LEAVE_MS;
    let end = now + KEPT_MS + SWEEP_MS;
    while now <= end {
        assert!(process.holds(1) || now > end - SWEEP_MS);
        now += SWEEP_MS;
        follower.tend(&cluster, now);
    }
    assert!(!process.holds(1), "free for others");
    assert_ne!(process.node(1).load().epoch, epoch);
    assert!(!process.may_stay(1, epoch, Purpose::Write));
}

#[test]
fn a_reader_that_left_is_nobodys_reader_whoever_has_its_place() {
    let cluster = cluster();
    let mut follower = Follower::new(&cluster, NOW);
    say(&cluster, "10.0.0.1", &["10.0.0.1", "10.0.0.2"], NOW);
    let cluster = tend(&mut follower, cluster, NOW);
    let (place, policy) = (cluster.node(1), &cluster.definition.policy);
    place.apply(Event::ProbeAnswered(Role::Reader), true, policy, NOW);
    let epoch = place.load().epoch;
    assert!(cluster.may_stay(1, epoch, Purpose::Read));
    // No write could go there before: its epoch has no reason to move.
    place.apply(Event::Retired, true, policy, NOW);
    assert!(!cluster.may_stay(1, epoch, Purpose::Read));
    free_node(place, cluster.definition.nodes[1].identity);
    assert!(!cluster.may_stay(1, epoch, Purpose::Read));
}

#[test]
fn one_that_comes_back_in_time_is_held_down_and_remembers_its_operator() {
    let cluster = cluster();
    let mut follower = Follower::new(&cluster, NOW);
    say(&cluster, "10.0.0.1", &["10.0.0.1", "10.0.0.2"], NOW);
    let cluster = tend(&mut follower, cluster, NOW);
    see_writer(&cluster, TWO, NOW);
    let policy = &cluster.definition.policy;
    let drained = Event::Admin(AdminOverride::Draining);
    cluster.node(1).apply(drained, true, policy, NOW);
    let mut now = NOW;
    let mut alone = Arc::clone(&cluster);
    for _ in 0..200 {
        now += 1_000;
        say(&alone, "10.0.0.1", &["10.0.0.1"], now);
        alone = tend(&mut follower, alone, now);
    }
    assert_eq!(ids(&alone), [ONE]);
    say(&alone, "10.0.0.1", &["10.0.0.1", "10.0.0.2"], now + 1);
    let back = tend(&mut follower, alone, now + 1);
    see_writer(&back, TWO, now + 2);
    let state = back.node(1).load();
    assert_eq!(
        (state.phase, state.admin),
        (Phase::Recovering, AdminOverride::Draining)
    );
}

#[test]
fn a_configured_node_stays_whatever_the_list_says() {
    let cluster = cluster();
    let mut follower = Follower::new(&cluster, NOW);
    say(&cluster, "10.0.0.1", &["10.0.0.1", "10.0.0.2"], NOW);
    let mut cluster = tend(&mut follower, cluster, NOW);
    see_writer(&cluster, ONE, NOW);
    for step in 1..100 {
        say(&cluster, "10.0.0.2", &["10.0.0.2"], NOW + step * 1_000);
        cluster = tend(&mut follower, cluster, NOW + step * 1_000);
    }
    assert_eq!(ids(&cluster), [ONE, TWO]);
    assert!(cluster.node(0).load().is_writable());
}

#[test]
fn a_successor_goes_on_and_its_predecessor_publishes_no_more() {
    let cluster = cluster();
    let mut first = Follower::new(&cluster, NOW);
    say(&cluster, "10.0.0.1", &["10.0.0.1", "10.0.0.2"], NOW);
    let led = tend(&mut first, Arc::clone(&cluster), NOW);
    let fresh = Arc::new(other(&cluster, &["10.0.0.0/24"]));
    let mut second = Follower::new(&fresh, NOW);
    let fresh = tend(&mut second, fresh, NOW + 60_000);
    assert_eq!(ids(&fresh), [ONE, TWO], "nobody is asked, nobody leaves");
    say(
        &led,
        "10.0.0.1",
        &["10.0.0.1", "10.0.0.2", "10.0.0.3"],
        NOW + 60_001,
    );
    first.tend(&led, NOW + 60_001);
    assert_eq!(ids(&other(&cluster, &["10.0.0.0/24"])), [ONE, TWO]);
    say(
        &fresh,
        "10.0.0.2",
        &["10.0.0.1", "10.0.0.2", "10.0.0.3"],
        NOW + 60_002,
    );
    assert_eq!(
        ids(&tend(&mut second, fresh, NOW + 60_002)),
        [ONE, TWO, THREE]
    );
}

#[test]
fn what_a_stranger_writes_is_not_followed_and_put_right() {
    let cluster = cluster();
    let mut follower = Follower::new(&cluster, NOW);
    say(&cluster, "10.0.0.1", &["10.0.0.1", "10.0.0.2"], NOW);
    let cluster = tend(&mut follower, cluster, NOW);
    let process = other(&cluster, &["10.0.0.0/24"]);
    let stranger = testing::definition(&["10.0.0.1"], &[("username", "mallory".into())]);
    let forged = Roster {
        listings: vec![Listing::try_new("10.0.0.66", 3306, false).unwrap()],
        ..Roster::default()
    };
    let words = roster::write(&stranger, &forged).unwrap();
    let record = &cluster.shared().roster;
    assert!(record.publish(&mut record.begin_term(), &words));
    assert!(process.renewed(NOW).is_none());
    assert_eq!(
        ids(&other(&cluster, &["10.0.0.0/24"])),
        [ONE],
        "a fresh process has what is configured"
    );
    assert!(roster::warnings(&process)[0].contains("not written under this cluster's credentials"));
    // Within two beats of a leader that still holds the lease.
    follower.tend(&cluster, NOW + 1);
    follower.tend(&cluster, NOW + 2);
    assert!(process.renewed(NOW).is_none());
    assert_eq!(ids(&other(&cluster, &["10.0.0.0/24"])), [ONE, TWO]);
}

#[test]
fn a_full_table_leaves_members_out_and_names_them() {
    let nodes: Vec<String> = (1..=60).map(|i| format!("10.0.0.{i}")).collect();
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    let mut cluster = Arc::new(testing::cluster(&nodes, &keys(&["10.0.0.0/24"])));
    let mut follower = Follower::new(&cluster, NOW);
    let members: Vec<String> = (1..=70).map(|i| format!("10.0.0.{i}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    for step in 0..3 {
        say(&cluster, "10.0.0.1", &members, NOW + step * 1_500);
        cluster = tend(&mut follower, cluster, NOW + step * 1_500);
    }
    assert_eq!(cluster.definition.nodes.len(), 64);
    let warnings = roster::warnings(&cluster);
    assert!(
        warnings[0].contains("at most 64 nodes: 10.0.0.65:3306"),
        "{warnings:?}"
    );
}
