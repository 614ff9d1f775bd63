use super::*;
use crate::cluster::Cluster;
use crate::lease;
use crate::shm::Location;
use crate::testing::definition;
use amm_core::config::Value;
use amm_core::node::Health;
use amm_core::trial::{self, Token};
use std::net::TcpListener;

fn host(name: &str) -> Arc<Host> {
    let path = crate::testing::folder().join(format!("amm-monitor-{}-{name}", std::process::id()));
    Arc::new(Host::open(Location { path, mode: 0o600 }, now_ms()).unwrap())
}

fn probed(port: u16) -> Arc<Definition> {
    let keys = [
        ("flavour", Value::from("galera")),
        ("username", "amm".into()),
    ];
    definition(&[&format!("127.0.0.1:{port}")], &keys)
}

fn look(host: &Host, definition: &Arc<Definition>) -> Cluster {
    Cluster::attach(Arc::clone(definition), host.mapping(), now_ms()).unwrap()
}

/// Milliseconds until `happened`, at most `limit`.
fn until(limit: u64, happened: impl Fn() -> bool) -> u64 {
    let began = now_ms();
    while !happened() {
        assert!(now_ms() - began <= limit, "not within {limit} ms");
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
    now_ms() - began
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[test]
fn a_node_that_refuses_connections_is_found_down_by_its_probe() {
    let host = host("down");
    let definition = probed(closed_port());
    let cluster = look(&host, &definition);
    let monitor = Monitor::start(Arc::clone(&host)).unwrap();
    monitor.care_for(&definition, false);
    until(2_000, || cluster.node(0).load().health == Health::Down);
    assert!(cluster.is_watched(0, now_ms()));
    monitor.stop(true);
    assert!(!cluster.is_led(now_ms()), "the lease is given back");
}

#[test]
fn a_node_that_greets_nobody_is_found_late_and_others_are_not_kept_waiting() {
    let host = host("hung");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hung = silent.local_addr().unwrap().port();
    let refused = closed_port();
    let keys = [
        ("flavour", Value::from("galera")),
        ("username", "amm".into()),
    ];
    let nodes = [format!("127.0.0.1:{hung}"), format!("127.0.0.1:{refused}")];
    let definition = definition(&[&nodes[0], &nodes[1]], &keys);
    let cluster = look(&host, &definition);
    let monitor = Monitor::start(Arc::clone(&host)).unwrap();
    monitor.care_for(&definition, false);
    until(2_000, || cluster.node(1).load().health == Health::Down);
    let hung_node = cluster.node(0).load().health;
    assert_ne!(
        hung_node,
        Health::Down,
        "the refusing node waited for the hung one"
    );
    until(3_000, || cluster.node(0).load().health == Health::Down);
    monitor.stop(true);
}

#[test]
fn a_deputy_takes_over_within_a_second() {
    let definition = probed(closed_port());
    let (first, second) = (host("lease"), host("lease"));
    let cluster = look(&first, &definition);
    // A leader that was killed: its claim stands, nobody renews it.
    let now = now_ms();
    cluster.shared().lease.store(
        trial::claim(Token::new(9), now + lease::TTL_MS),
        Ordering::Release,
    );
    let monitors: Vec<Monitor> = [&first, &second]
        .map(|host| {
            let monitor = Monitor::start(Arc::clone(host)).unwrap();
            monitor.care_for(&definition, false);
            monitor
        })
        .into();
    let holds =
        |host: &Host| trial::is_held_by(cluster.shared().lease.load(Ordering::Acquire), host.token);
    let took = until(1_000, || holds(&first) || holds(&second));
    assert!(
        took >= 400,
        "the dead leader's claim had to end first, {took} ms"
    );
    // The one that leads ends in order: the other follows at once.
    let (leader, deputy) = if holds(&first) {
        (0, &second)
    } else {
        (1, &first)
    };
    let mut monitors = monitors;
    monitors.remove(leader).stop(true);
    until(1_000, || holds(deputy));
    monitors.remove(0).stop(true);
}
