use super::*;
use crate::clock::now_ms;
use crate::testing::cluster;
use amm_core::config::{Value, Writers};
use amm_core::probe::{Member, Presence, View};

const NODES: [&str; 3] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

fn answer(flavour: Flavour, judged: Judgement) -> ProbeResult {
    ProbeResult {
        flavour: Some(flavour),
        ..ProbeResult::of(Finding::Answered(judged))
    }
}

fn told(cluster: &Cluster, index: usize, flavour: Flavour, judged: Judgement) {
    let word = cluster.node(index).state.load(Ordering::Acquire);
    publish(cluster, index, word, &answer(flavour, judged), now_ms()).unwrap();
}

fn role(cluster: &Cluster, index: usize) -> (Role, Option<Reason>) {
    let node = cluster.node(index);
    (node.load().role, node.last_probe().reason)
}

fn donor() -> Judgement {
    Judgement {
        last_resort: true,
        ..Judgement::not_writer(Role::Unready, None, Reason::Donor)
    }
}

#[test]
fn a_last_resort_is_a_writer_where_there_is_no_other() {
    let cluster = cluster(&NODES, &[("flavour", "galera".into())]);
    let writer = || Judgement::writer(None);
    told(&cluster, 0, Flavour::Galera, writer());
    told(&cluster, 1, Flavour::Galera, donor());
    assert_eq!(role(&cluster, 1), (Role::Unready, Some(Reason::Donor)));
    // The better one goes; the next probe finds that nothing better is left.
    let down = ProbeResult::of(Finding::Failed { fatal: true });
    let word = cluster.node(0).state.load(Ordering::Acquire);
    publish(&cluster, 0, word, &down, now_ms()).unwrap();
    told(&cluster, 1, Flavour::Galera, donor());
    assert_eq!(role(&cluster, 1), (Role::Writer, None));
    // One is enough, and it stays the one.
    told(&cluster, 2, Flavour::Galera, donor());
    assert_eq!(role(&cluster, 2).0, Role::Unready);
    told(&cluster, 1, Flavour::Galera, donor());
    assert_eq!(role(&cluster, 1).0, Role::Writer);
    told(&cluster, 2, Flavour::Galera, writer());
    let state = cluster.node(2).load();
    if state.phase == Phase::Closed {
        told(&cluster, 1, Flavour::Galera, donor());
        assert_eq!(role(&cluster, 1).0, Role::Unready);
    }
}

#[test]
fn the_only_writer_stays_it_when_it_becomes_a_donor() {
    let cluster = cluster(&NODES[..1], &[("flavour", "galera".into())]);
    told(&cluster, 0, Flavour::Galera, Judgement::writer(None));
    let before = cluster.node(0).load();
    told(&cluster, 0, Flavour::Galera, donor());
    assert_eq!(cluster.node(0).load(), before, "no handle is made stale");
}

#[test]
fn a_server_that_stands_alone_in_a_cluster_takes_no_writes() {
    for (flavour, reason) in [
        (Flavour::Galera, Reason::NotReplicating),
        (Flavour::GroupReplication, Reason::NotMember),
        (Flavour::Aurora, Reason::NotAurora),
    ] {
        let cluster = cluster(&NODES, &[("flavour", "auto".into())]);
        told(&cluster, 0, flavour, Judgement::writer(None));
        told(&cluster, 1, Flavour::ReadOnly, Judgement::writer(None));
        assert_eq!(role(&cluster, 1), (Role::Unready, Some(reason)));
        assert_eq!(cluster.flavour(), flavour);
    }
}

fn member_of_a_group(several: bool) -> Judgement {
    let member = |name: &str| Member {
        name: name.to_owned(),
        host: None,
        port: None,
        presence: Presence::Present,
        role: None,
        lag_ms: None,
    };
    Judgement {
        several_writers: several,
        view: Some(View {
            authoritative: true,
            own: Some("a".to_owned()),
            members: vec![member("a"), member("b")],
        }),
        ..Judgement::writer(None)
    }
}

#[test]
fn only_a_group_of_several_primaries_spreads() {
    let flavour = Flavour::GroupReplication;
    let keys: [(&str, Value); 2] = [
        ("flavour", "group_replication".into()),
        ("writers", "spread".into()),
    ];
    let cluster = cluster(&NODES, &keys);
    assert_eq!(cluster.writers(), Writers::Single, "not known yet");
    told(&cluster, 0, flavour, member_of_a_group(true));
    assert_eq!(cluster.writers(), Writers::Spread);
    // Who is no member does not know.
    let alone = Judgement::not_writer(Role::Unready, None, Reason::NotMember);
    told(&cluster, 1, flavour, alone);
    assert_eq!(cluster.writers(), Writers::Spread);
    told(&cluster, 0, flavour, member_of_a_group(false));
    assert_eq!(cluster.writers(), Writers::Single);
}

#[test]
fn lag_and_member_are_kept_with_the_node() {
    let cluster = cluster(&NODES, &[("flavour", "group_replication".into())]);
    let judged = Judgement {
        lag_ms: Some(u32::MAX),
        ..member_of_a_group(false)
    };
    told(&cluster, 0, Flavour::GroupReplication, judged);
    let node = cluster.node(0);
    assert_eq!(node.lag_ms(), Some(u32::MAX - 1));
    assert_eq!(node.member.load(Ordering::Acquire), name_hash("a"));
    // A later answer without them: the name stays, the lag is not known.
    let plain = Judgement::writer(None);
    told(&cluster, 0, Flavour::GroupReplication, plain);
    assert_eq!(node.lag_ms(), None);
    assert_eq!(node.member.load(Ordering::Acquire), name_hash("a"));
}

#[test]
fn a_member_that_its_group_goes_on_without_takes_no_writes_whatever_it_says() {
    let flavour = Flavour::GroupReplication;
    let says = |own: &str, members: &[&str]| {
        let member = |name: &&str| Member {
            name: (*name).to_owned(),
            host: None,
            port: None,
            presence: Presence::Present,
            role: None,
            lag_ms: None,
        };
        Judgement {
            view: Some(View {
                authoritative: true,
                own: Some(own.to_owned()),
                members: members.iter().map(member).collect(),
            }),
            ..Judgement::writer(None)
        }
    };
    let cluster = cluster(&NODES, &[("flavour", "group_replication".into())]);
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        told(&cluster, index, flavour, says(name, &["a", "b", "c"]));
        assert_eq!(role(&cluster, index).0, Role::Writer);
    }
    told(&cluster, 0, flavour, says("a", &["a", "b"]));
    told(&cluster, 1, flavour, says("b", &["a", "b"]));
    told(&cluster, 2, flavour, says("c", &["a", "b", "c"]));
    assert_eq!(role(&cluster, 2), (Role::Unready, Some(Reason::NotMember)));
    assert_eq!(role(&cluster, 0).0, Role::Writer);
    // What was heard long ago speaks against nobody.
    let word = cluster.node(2).state.load(Ordering::Acquire);
    let stale = answer(flavour, says("c", &["a", "b", "c"]));
    publish(&cluster, 2, word, &stale, now_ms() + 60_000).unwrap();
    assert_eq!(role(&cluster, 2).0, Role::Writer);
}
