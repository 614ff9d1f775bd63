use std::sync::Arc;

use amm_core::breaker::Event;
use amm_core::config::Value;
use amm_core::node::{AdminOverride, Role};
use amm_core::token::Refusal;

use super::*;
use crate::clock::now_ms;
use crate::testing::{definition, spread};

const UNIX: u64 = 1_790_000_000_000;

fn keys() -> Vec<(&'static str, Value)> {
    let mut keys = spread();
    keys.push(("secret", "0123456789abcdef".into()));
    keys
}

/// A cluster of two nodes on a host of its own.
fn host(nodes: &[&str]) -> Cluster {
    let mapping = Arc::new(Mapping::private().unwrap());
    Cluster::attach(definition(nodes, &keys()), mapping, now_ms()).unwrap()
}

fn carried(cluster: &Cluster, index: usize) -> Carried {
    Carried {
        index,
        epoch: cluster.node(index).load().epoch,
        wrote: true,
        position: None,
    }
}

fn refused(cluster: &Cluster, why: Refusal) -> u32 {
    cluster.token_counts().refused[why as usize]
}

#[test]
fn is_resumed_on_this_host_and_on_another() {
    let (here, there) = (host(&["a", "b"]), host(&["b", "a"]));
    let token = here.token(&carried(&here, 1), UNIX).unwrap();
    let again = here.resume(&token, UNIX + 4_000, now_ms()).unwrap();
    assert_eq!(again, carried(&here, 1));
    let elsewhere = there.resume(&token, UNIX + 4_000, now_ms()).unwrap();
    assert_eq!(elsewhere.index, 0, "the node, wherever it is configured");
    assert!(elsewhere.wrote);
    assert_eq!(here.token_counts().accepted, 1);
}

#[test]
fn is_stale_once_its_writer_has_changed() {
    let (here, there) = (host(&["a", "b"]), host(&["a", "b"]));
    let now = now_ms();
    let token = here.token(&carried(&here, 0), UNIX).unwrap();
    for cluster in [&here, &there] {
        let policy = &cluster.definition.policy;
        cluster
            .node(0)
            .apply(Event::WriteRefused(Role::Reader), false, policy, now);
        assert_eq!(
            cluster.resume(&token, UNIX, now),
            None,
            "it takes no writes"
        );
        cluster
            .node(0)
            .apply(Event::ProbeAnswered(Role::Writer), true, policy, now);
        assert!(cluster.node(0).load().is_writable());
        assert_eq!(
            cluster.resume(&token, UNIX + 1, now + 1),
            None,
            "it was away"
        );
        assert_eq!(refused(cluster, Refusal::Stale), 2);
    }
    let anew = here.token(&carried(&here, 0), UNIX + 500).unwrap();
    assert!(here.resume(&anew, UNIX + 500, now + 500).is_some());
    assert!(there.resume(&anew, UNIX + 600, now + 600).is_some());
}

#[test]
fn operators_words_and_roles_hold() {
    let cluster = host(&["a", "b"]);
    let policy = &cluster.definition.policy;
    let token = cluster.token(&carried(&cluster, 0), UNIX).unwrap();
    let say = |admin| {
        cluster
            .node(0)
            .apply(Event::Admin(admin), true, policy, now_ms())
    };
    say(AdminOverride::Draining);
    assert!(
        cluster.resume(&token, UNIX, now_ms()).is_some(),
        "stuck to it already"
    );
    say(AdminOverride::Disabled);
    assert!(cluster.resume(&token, UNIX, now_ms()).is_none());
}

#[test]
fn strangers_are_refused_and_counted() {
    let cluster = host(&["a", "b"]);
    let other = host(&["a", "c"]);
    let foreign = other.token(&carried(&other, 0), UNIX).unwrap();
    let own = cluster.token(&carried(&cluster, 0), UNIX).unwrap();
    for (token, unix, why) in [
        ("", UNIX, Refusal::Malformed),
        (foreign.as_str(), UNIX, Refusal::Foreign),
        (own.as_str(), UNIX + 5_000, Refusal::Expired),
    ] {
        assert_eq!(cluster.resume(token, unix, now_ms()), None);
        assert_eq!(refused(&cluster, why), 1);
    }
}

#[test]
fn without_a_secret_there_are_none() {
    let mapping = Arc::new(Mapping::private().unwrap());
    let bare = Cluster::attach(definition(&["a", "b"], &spread()), mapping, now_ms()).unwrap();
    let signed = host(&["a", "b"]);
    let token = signed.token(&carried(&signed, 0), UNIX).unwrap();
    assert_eq!(bare.token(&carried(&bare, 0), UNIX), None);
    assert_eq!(bare.resume(&token, UNIX, now_ms()), None);
}
